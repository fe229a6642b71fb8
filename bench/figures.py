"""What a benchmark finds: figures, as lines of JSON for machines and as a table for people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from statistics import median
from typing import IO, Self

import orjson
from rich.box import SIMPLE_HEAD
from rich.table import Table

RESULTS = Path(__file__).with_name("results") / "latest.jsonl"
SOCKETS = (1_000, 4_000, 15_000)
Params = Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: runs, of which the median counts, and the seconds of each.

    `sockets` are the numbers of watchers, where many watch; `peers` the folder in which peers are installed.
    """

    runs: int
    seconds: float
    sockets: Sequence[int] = SOCKETS
    peers: Path | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of several runs, with the lowest and the highest of them.

    `ratio` is ours divided by the peer's, run by run since the two ran in turns, and of those the median; None where
    there is no peer, or where the peer's is too near zero to divide by.
    """

    name: str  # <bench>.<figure>, with .p50 or .p99 behind it for one of a distribution
    params: Params
    value: float
    unit: str
    peer: str | None
    ratio: float | None
    runs: int
    min: float
    max: float

    @classmethod
    def of(
        cls,
        name: str,
        unit: str,
        params: Params,
        ours: Sequence[float],
        peer: str | None = None,
        theirs: Sequence[float] = (),
    ) -> Self:
        """The figure of our runs, beside those of a peer in the same order."""
        ratios = [our / their for our, their in zip(ours, theirs, strict=True)] if theirs else []
        return cls(
            name=name,
            params=params,
            value=_short(median(ours)),
            unit=unit,
            peer=peer,
            ratio=_short(median(ratios)) if ratios else None,
            runs=len(ours),
            min=_short(min(ours)),
            max=_short(max(ours)),
        )


def _short(value: float) -> float:
    """Four digits that count: more would be noise."""
    return float(f"{value:.4g}")


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of the values that at least so many percent do not exceed."""
    return sorted(values)[ceil(len(values) * percent / 100) - 1]


def write(figures: Iterable[Figure], file: IO[bytes]) -> None:
    for figure in figures:
        file.write(orjson.dumps(asdict(figure), option=orjson.OPT_APPEND_NEWLINE))
    file.flush()


def table(name: str, figures: Iterable[Figure]) -> Table:
    title = f"{name}: medians, with the lowest and the highest run"
    made = Table("figure", "params", title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1))
    for heading in ("median", "min", "max", "ratio"):
        made.add_column(heading, justify="right", no_wrap=True)
    for figure in figures:
        made.add_row(
            f"{figure.name.removeprefix(f'{name}.')}, {figure.unit}",
            ", ".join(f"{param}={value}" for param, value in figure.params.items()),
            *(f"{value:.3g}" for value in (figure.value, figure.min, figure.max)),
            "" if figure.ratio is None else f"{figure.ratio:.3g} × {figure.peer}",
        )
    return made
