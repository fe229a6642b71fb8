"""Reports of a city that marks duplicates: `bench.matching` measures on them, `bench.fit_matching` learns of them.

The file is a CSV with the columns request_id, created, completed, status, nature, community_area, lat, lon and
parent_inferred. Its rows are in the order in which the reports came in; its dates have no times.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from geo.geometry import metres_between
from geo.matching import Comparison, Relation
from geo.models import Point
from geo.similar import METRES, NEAREST, RECENT

FAR = 250.0  # metres: no rule looks farther
_DEGREE = 111_320  # metres, of latitude; of longitude less


@dataclass(frozen=True, slots=True)
class Sample:
    """A report. `parent` is the earlier one that it is a duplicate of, where that is known."""

    id: str
    created: date
    completed: date | None
    nature: str
    place: Point
    area: int
    duplicate: bool
    parent: str | None

    def days(self, earlier: "Sample") -> int:
        return (self.created - earlier.created).days


Near = list[tuple[Sample, float]]  # earlier reports with their distance in metres, the nearest first


def read(file: Path) -> list[Sample]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [
            Sample(
                id=row["request_id"],
                created=date.fromisoformat(row["created"]),
                completed=date.fromisoformat(row["completed"]) if row["completed"] else None,
                nature=row["nature"],
                place=Point(float(row["lon"]), float(row["lat"])),
                area=int(row["community_area"]),
                duplicate=row["status"].endswith("Dup"),
                parent=row["parent_inferred"] or None,
            )
            for row in csv.DictReader(lines)
        ]


def earlier(samples: Sequence[Sample]) -> Iterator[tuple[Sample, Near]]:
    """Each report with all that came before it within `FAR` metres, whatever became of those."""
    lons, lats = np.array([sample.place for sample in samples]).T
    for index, sample in enumerate(samples):
        width = np.cos(np.radians(sample.place.lat))
        apart = np.hypot((lons[:index] - sample.place.lon) * width, lats[:index] - sample.place.lat) * _DEGREE
        some = [samples[place] for place in np.flatnonzero(apart <= FAR * 1.01).tolist()]
        near = [(other, metres_between(sample.place, other.place)) for other in some]
        yield sample, sorted((pair for pair in near if pair[1] <= FAR), key=lambda pair: (pair[1], pair[0].id))


def candidates(draft: Sample, near: Near) -> Near:
    """Those that BART would look at: as `geo.similar` finds them on the day of the draft."""
    known = [
        (other, metres)
        for other, metres in near
        if metres <= METRES and (_open(draft, other) or draft.created - (other.completed or draft.created) <= RECENT)
    ]
    return known[:NEAREST]


def compared(draft: Sample, other: Sample, metres: float) -> Comparison:
    """All are of one main category, sanitation; none has a text."""
    relation = Relation.SAME if draft.nature == other.nature else Relation.SIBLING
    return Comparison(metres, draft.days(other), relation, _open(draft, other), likeness=None)


def _open(draft: Sample, other: Sample) -> bool:
    """On the day of the draft; what was completed on that very day was still open for all that we know."""
    return other.completed is None or other.completed >= draft.created
