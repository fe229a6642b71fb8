"""Which of very many areas hold a report: by code and by tile, in a time that hardly grows with their number.

An area is kept under a few keys: its codes, or the tiles that its bounds touch, at the finest zoom where these are few.
Such tiles are about as large as the shape, so that most of what is kept under a tile lies around any place in it. A
report is looked up by its codes and by its tile at each zoom in use; what is found has its bounds compared, and what
passes is tested exactly.

Adding or removing an area touches its own keys and nothing else: nothing is ever rebuilt, so nothing ever waits.
"""

from array import array
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, compress
from typing import Generic, TypeVar

import shapely

from geo.geometry import Area, Box, Circle, CodeArea, Polygon, Shape
from geo.models import Point
from geo.tiles import spanned, tile_of

FINEST = 22  # a tile is some metres wide
TILES = 8  # a shape is kept under at most so many
SHARDS = 1021  # a prime: neighbouring tiles are spread over them
_ANYWHERE = Box(-180, -90, 180, 90)

V = TypeVar("V")
Key = str | int  # a code, or the number of a tile


class _Entry(Generic[V]):
    """An area with its values, and the exact test that it takes beyond that of its bounds."""

    __slots__ = ("area", "circle", "polygon", "values")

    def __init__(self, area: Area) -> None:
        self.area = area
        self.polygon = area.shape if isinstance(area, Polygon) else None
        self.circle = area if isinstance(area, Circle) else None
        self.values: set[V] = set()


class _Cell(Generic[V]):
    """What is kept under one key.

    Most bounds that are compared turn out not to hold the place. So they stand together in one piece of memory: to
    fetch each from somewhere else takes longer than to compare it.
    """

    __slots__ = ("at", "bounds", "entries")

    def __init__(self) -> None:
        self.entries: list[_Entry[V]] = []
        self.at: dict[Area, int] = {}  # where among the entries
        self.bounds = array("d")  # west, south, east, north of each

    def add(self, entry: _Entry[V], bounds: Box) -> None:
        self.at[entry.area] = len(self.entries)
        self.entries.append(entry)
        self.bounds.extend((bounds.west, bounds.south, bounds.east, bounds.north))

    def remove(self, area: Area) -> None:
        """The last comes where it was."""
        at, last, bounds = self.at.pop(area), self.entries.pop(), self.bounds[-4:]
        del self.bounds[-4:]
        if at < len(self.entries):
            self.at[last.area], self.entries[at], self.bounds[4 * at : 4 * at + 4] = at, last, bounds


class AreaIndex(Generic[V]):
    """Values by area, found by a report's codes and place. Equal areas are one, with the values of all."""

    def __init__(self) -> None:
        # Many dictionaries, since one with a million keys takes 20 ms to grow.
        self._shards: list[dict[Key, _Cell[V]]] = [{} for _ in range(SHARDS)]
        self._areas = 0
        self._zooms = [0] * (FINEST + 1)  # how many shapes are kept at each

    def __len__(self) -> int:
        """The number of distinct areas."""
        return self._areas

    def add(self, area: Area, value: V) -> None:
        """Keep the value under the area. To add it twice is to add it once."""
        keys = _keys(area)
        if (entry := self._entry(area, keys[0])) is None:
            entry = _Entry(area)
            bounds = _ANYWHERE if isinstance(area, CodeArea) else area.bounds
            for key in keys:
                shard = self._shards[hash(key) % SHARDS]
                if key not in shard:
                    shard[key] = _Cell()
                shard[key].add(entry, bounds)
            self._count(keys, 1)
        entry.values.add(value)

    def remove(self, area: Area, value: V) -> None:
        """Forget the value under the area, and with its last value the area; a `KeyError` where it was not kept."""
        keys = _keys(area)
        if (entry := self._entry(area, keys[0])) is None:
            raise KeyError(area)
        entry.values.remove(value)
        if entry.values:
            return
        for key in keys:
            shard = self._shards[hash(key) % SHARDS]
            shard[key].remove(area)
            if not shard[key].entries:
                del shard[key]
        self._count(keys, -1)

    def holding(self, codes: Collection[str], place: Point) -> set[V]:
        """The values of the areas that have one of the codes, and of the shapes that cover the place."""
        lon, lat = place
        held: list[_Entry[V]] = []
        polygons: list[_Entry[V]] = []
        keys: Iterator[Key] = chain(codes, self._tiles(place))
        for key in keys:
            if (cell := self._cell(key)) is None:
                continue
            bounds = iter(cell.bounds)
            for at, (west, south, east, north) in enumerate(zip(bounds, bounds, bounds, bounds, strict=True)):
                if west <= lon <= east and south <= lat <= north:
                    entry = cell.entries[at]
                    if entry.polygon is not None:
                        polygons.append(entry)
                    elif entry.circle is None or entry.circle.covers(place):
                        held.append(entry)
        if polygons:  # in one call: as `Polygon.covers`, and it costs hardly more for twenty than for one
            covered = shapely.intersects_xy([entry.polygon for entry in polygons], lon, lat)
            held += compress(polygons, covered.tolist())
        return set[V]().union(*(entry.values for entry in held))

    def _entry(self, area: Area, key: Key) -> _Entry[V] | None:
        if (cell := self._cell(key)) is None or (at := cell.at.get(area)) is None:
            return None
        return cell.entries[at]

    def _cell(self, key: Key) -> _Cell[V] | None:
        return self._shards[hash(key) % SHARDS].get(key)

    def _tiles(self, place: Point) -> Iterator[int]:
        """The numbers of its tiles, at the zooms in use."""
        _, x, y = tile_of(*place, FINEST)
        for zoom, shapes in enumerate(self._zooms):
            if shapes:
                coarser = FINEST - zoom
                yield _number(zoom, x >> coarser, y >> coarser)

    def _count(self, keys: Sequence[Key], more: int) -> None:
        self._areas += more
        if isinstance(keys[0], int):
            self._zooms[keys[0].bit_length() // 2] += more


def _keys(area: Area) -> Sequence[Key]:
    return area.codes if isinstance(area, CodeArea) else _numbers(area)


def _numbers(shape: Shape) -> list[Key]:
    """The numbers of the tiles that its bounds touch, at the finest zoom where these are few."""
    (zoom, west, north), (_, east, south) = spanned(shape.bounds, FINEST)
    while (east - west + 1) * (south - north + 1) > TILES:
        zoom, west, north, east, south = zoom - 1, west >> 1, north >> 1, east >> 1, south >> 1
    return [_number(zoom, x, y) for x in range(west, east + 1) for y in range(north, south + 1)]


def _number(zoom: int, x: int, y: int) -> int:
    """As `Tile.number`, with one bit in front, so that no two zooms share a number."""
    return (1 << zoom | x) << zoom | y
