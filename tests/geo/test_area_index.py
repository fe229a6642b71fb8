"""What the index finds is what each area says of itself, whatever was added and removed before, anywhere on earth."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.area_index import TILES, AreaIndex
from geo.geometry import MAX_METRES, Area, Box, Circle, CodeArea, Polygon
from geo.models import AreaKind, Point
from tests.geo.strategies import CODES

Change = tuple[bool, Area, int]  # whether it is added, and what

# Borders of tiles at many zooms, the ends of the map, and places close by.
lons = st.sampled_from([-180.0, -90.0, -4.21875, 0.0, 4.306640625, 4.3, 179.9999, 180.0]) | st.floats(-180, 180)
lats = st.sampled_from([-90.0, -85.0, -66.51326044311186, 0.0, 52.07, 85.0, 85.0511, 90.0]) | st.floats(-90, 90)
points = st.builds(Point, lons, lats)
sizes = st.sampled_from([1e-9, 1e-5, 0.003, 0.4, 20.0, 400.0])


@st.composite
def shapes(draw: st.DrawFn) -> Area:
    (lon, lat), size = draw(points), draw(sizes)
    east, north = min(180.0, lon + size), min(90.0, lat + draw(sizes))
    if draw(st.booleans()) or lon >= east or lat >= north:
        return Circle(Point(lon, lat), min(MAX_METRES, size * 100_000))
    if draw(st.booleans()):
        return Box(lon, lat, east, north)
    return Polygon(((Point(lon, lat), Point(east, lat), Point(lon, north), Point(lon, lat)),))


codes = st.lists(st.sampled_from(CODES), min_size=1, max_size=3, unique=True).map(tuple)
areas = st.builds(CodeArea, st.just(AreaKind.DISTRICT), codes) | shapes()


def holds(area: Area, codes: Sequence[str], place: Point) -> bool:
    return any(code in codes for code in area.codes) if isinstance(area, CodeArea) else area.covers(place)


def of_interest(area: Area) -> list[Point]:
    """Its corners, and the middles of what lies between them."""
    if isinstance(area, CodeArea):
        return []
    west, south, east, north = (max(-180.0, area.bounds.west), area.bounds.south, area.bounds.east, area.bounds.north)
    return [Point(lon, lat) for lon in (west, (west + east) / 2, east) for lat in (south, (south + north) / 2, north)]


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """Additions, some of them twice, and removals of what is there."""
    known = draw(st.lists(areas, min_size=1, max_size=8))
    there: set[tuple[Area, int]] = set()
    changes: list[Change] = []
    for _ in range(draw(st.integers(1, 20))):
        area, value = draw(st.sampled_from(known)), draw(st.integers(0, 2))
        added = (area, value) not in there or draw(st.booleans())
        (there.add if added else there.remove)((area, value))
        changes.append((added, area, value))
    return changes


def applied(changes: list[Change]) -> tuple[AreaIndex[int], dict[Area, set[int]]]:
    """The index after the changes, and what is in it by a plainer way of keeping it."""
    index, kept = AreaIndex[int](), dict[Area, set[int]]()
    for added, area, value in changes:
        if added:
            index.add(area, value)
            kept.setdefault(area, set()).add(value)
        else:
            index.remove(area, value)
            kept[area].remove(value)
    return index, {area: values for area, values in kept.items() if values}


def is_empty(index: AreaIndex[int]) -> bool:
    return len(index) == 0 and not any(index._shards) and not any(index._zooms)


@given(histories(), st.lists(points, max_size=5), st.sets(st.sampled_from(CODES), max_size=4))
def test_it_finds_what_each_area_says_of_itself(
    changes: list[Change], others: list[Point], codes: frozenset[str]
) -> None:
    index, kept = applied(changes)
    assert len(index) == len(kept)
    for place in [*others, *(place for area in kept for place in of_interest(area))]:
        expected = {value for area, values in kept.items() if holds(area, [*codes], place) for value in values}
        assert index.holding(codes, place) == expected


@given(histories(), st.randoms())
def test_when_all_is_removed_nothing_remains(changes: list[Change], random: Random) -> None:
    index, kept = applied(changes)
    entries = [(area, value) for area, values in kept.items() for value in values]
    random.shuffle(entries)
    for area, value in entries:
        assert not is_empty(index)
        index.remove(area, value)
    assert is_empty(index)


@given(shapes())
def test_no_shape_is_kept_in_many_places(shape: Area) -> None:
    index = AreaIndex[int]()
    index.add(shape, 1)
    assert 1 <= sum(map(len, index._shards)) <= TILES


@pytest.mark.parametrize("area", [CodeArea(AreaKind.DISTRICT, ("WK051829",)), Box(4.2, 52.0, 4.3, 52.1)])
def test_what_is_not_there_cannot_be_removed(area: Area) -> None:
    index = AreaIndex[int]()
    with pytest.raises(KeyError):
        index.remove(area, 1)
    index.add(area, 1)
    with pytest.raises(KeyError):
        index.remove(area, 2)
    assert index.holding(["WK051829"], Point(4.25, 52.05)) == {1}


def test_few_of_very_many_areas_are_looked_at() -> None:
    index = AreaIndex[int]()
    for at in range(10_000):
        index.add(Box(4 + at % 100 * 0.01, 52 + at // 100 * 0.01, 4.01 + at % 100 * 0.01, 52.01 + at // 100 * 0.01), at)
    place = Point(4.505, 52.505)
    assert index.holding([], place) == {5050}
    cells = [cell for key in index._tiles(place) if (cell := index._cell(key))]
    assert 1 <= sum(len(cell.entries) for cell in cells) <= 9
