"""The benchmark of the area index runs to its end, and its places lie in as many areas as it says."""

import random

import pytest

from bench import areas
from bench.figures import Effort
from geo.area_index import AreaIndex

FIGURES = ["holding.p50", "holding.p99", "first.p50", "first.p99", "add", "longest_add", "change", "longest_pause"]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(areas, "COUNTS", (300, 600))
    monkeypatch.setattr(areas, "PLACES", 10)
    monkeypatch.setattr(areas, "CHANGES", 10)


def test_it_runs_to_its_end() -> None:
    figures = areas.measure(Effort(runs=2, seconds=0))
    assert [figure.name for figure in figures] == [
        f"areas.{name}" for name in [*FIGURES, "memory", *FIGURES, "memory", "holding.p50", "holding.p99"]
    ]
    assert [figure.peer for figure in figures if "holding" in figure.name] == ["STRtree"] * 4 + ["300 areas"] * 2


def test_each_asked_place_lies_in_ten_areas() -> None:
    rng, index = random.Random(1), AreaIndex[int]()
    shapes = [areas._area(rng, 0.05) for _ in range(300)]
    for at, shape in enumerate(shapes):
        index.add(shape, at)
    _, places = areas._asked(index, rng, 0.05)
    assert [sum(shape.covers(place) for shape in shapes) for place in places] == [areas.HELD] * 10
