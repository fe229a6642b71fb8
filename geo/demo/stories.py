"""Reports that could have been made in The Hague in the last two months, and what became of each. All invented.

The same seed and the same present give the same stories.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from geo.models import ActorKind, Category, Point, ReportStatus, Verdict, Visibility

DAYS = 60
PER_PLACE = 6
METRES = 250  # how far from its district's point a report may lie
METRES_PER_DEGREE = 111_320
LABEL = " (demo)"
RESIDENTS = 400


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a report: a remark, a verdict, or another status (which may have a remark)."""

    at: datetime
    actor: ActorKind
    party: str
    remark: str | None = None
    verdict: Verdict | None = None
    to: ReportStatus | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """One report: the first step is that somebody made it, and its remark is the description."""

    category: Category
    location: Point
    made: Step
    steps: tuple[Step, ...]


def stories(now: datetime, categories: Mapping[str, Category], places: Sequence[Point], seed: int = 518) -> list[Story]:
    """Some stories around each place, oldest first."""
    with Path(__file__).with_name("texts.toml").open("rb") as file:
        teller = _Teller(now, Random(seed), tomllib.load(file))  # noqa: S311 - nothing here is secret
    told = [teller.story(categories, place) for place in places for _ in range(PER_PLACE)]
    return sorted(told, key=lambda story: story.made.at)


class _Teller:
    def __init__(self, now: datetime, random: Random, texts: Mapping[str, Any]) -> None:
        self._now = now
        self._random = random
        self._texts = texts

    def story(self, categories: Mapping[str, Category], place: Point) -> Story:
        random = self._random
        category = categories[random.choice([*self._texts["categories"]])]
        text = random.choice(self._texts["categories"][category.slug]).format(plek=random.choice(self._texts["places"]))
        neighbours = [f"demo/bewoner-{number}" for number in random.sample(range(1, RESIDENTS), 6)]
        at = self._now - timedelta(days=DAYS * random.random() ** 1.5)
        by_phone = random.random() < 0.15
        made = Step(
            at,
            ActorKind.MUNICIPALITY if by_phone else ActorKind.RESIDENT,
            "demo/klantcontact" if by_phone else neighbours.pop(),
            text + LABEL,
        )
        handled = [step for step in self._handling(category, at) if step.at < self._now]
        seen = self._neighbourhood(category, at, handled[-1].at if handled else self._now, neighbours)
        return Story(category, self._near(place), made, tuple(sorted((*handled, *seen), key=lambda step: step.at)))

    def _near(self, place: Point) -> Point:
        angle, metres = self._random.uniform(0, math.tau), METRES * math.sqrt(self._random.random())
        north, east = math.cos(angle) * metres / METRES_PER_DEGREE, math.sin(angle) * metres / METRES_PER_DEGREE
        return Point(round(place.lon + east / math.cos(math.radians(place.lat)), 6), round(place.lat + north, 6))

    def _handling(self, category: Category, at: datetime) -> Iterator[Step]:
        """What the service does, at a pace that fits the category; the last steps may lie in the future."""
        police = category.visibility is Visibility.POLICE
        actor, party = (ActorKind.POLICE, "demo/politie") if police else (ActorKind.MUNICIPALITY, "demo/buitendienst")
        hours = category.handling_hours * (1 if category.round_the_clock else 3)  # of the clock
        for status, slowest in self._course():
            at += timedelta(hours=hours * self._random.uniform(0.01, slowest))
            remarks = self._texts["progress"].get(status, [])
            remark = self._random.choice(remarks) if remarks and self._random.random() < 0.7 else None
            yield Step(at, actor, party, remark, to=status)

    def _course(self) -> list[tuple[ReportStatus, float]]:
        """The statuses to come, each with the longest time before it as a part of the category's handling time."""
        planned = [(ReportStatus.SCHEDULED, 0.4)] if self._random.random() < 0.5 else []
        done = [(ReportStatus.ROUTED, 0.2), *planned, (ReportStatus.UNDER_WAY, 0.5), (ReportStatus.RESOLVED, 0.4)]
        courses = {
            "done": done,
            "waiting": [(ReportStatus.ROUTED, 0.2), (ReportStatus.ON_HOLD, 0.5)],
            "back again": [*done, (ReportStatus.REPORTED, 2.0), (ReportStatus.ROUTED, 0.2)],
            "refused": [(ReportStatus.REJECTED, 0.5)],
            "untouched": [],
        }
        weights = {"done": 62, "waiting": 12, "back again": 6, "refused": 8, "untouched": 12}
        return courses[self._random.choices([*weights], [*weights.values()])[0]]

    def _neighbourhood(
        self, category: Category, start: datetime, end: datetime, neighbours: Sequence[str]
    ) -> Iterator[Step]:
        """What neighbours add in that time, where they can know of the report."""
        if category.visibility is not Visibility.PUBLIC:
            return
        for party in self._random.sample(neighbours, self._random.choice([0, 0, 1, 1, 2, 3, 5])):
            at = start + (end - start) * self._random.uniform(0.02, 1)
            if self._random.random() < 0.4:
                yield Step(at, ActorKind.RESIDENT, party, self._random.choice(self._texts["still_there"]))
            else:
                verdict = Verdict.STILL_THERE if self._random.random() < 0.85 else Verdict.GONE
                yield Step(at, ActorKind.RESIDENT, party, verdict=verdict)
