"""Which web-mercator tiles cover a shape. Reports carry their tile at these zooms (geo/tables.py)."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import shapely

from geo.geometry import Box, Circle, Polygon, Shape

COARSEST, *FINER = (12, 14, 16)
PIECES = 12
DENSITY = 10_000  # reports in a square kilometre: a million in a city
_EDGE = 85.0  # degrees; the mercator map ends a little beyond, and what lies behind it belongs to the last tile
_MARGIN = 1e-9  # degrees, against rounding: a tile too many costs a look, one too few a report


class Tile(NamedTuple):
    """A tile by zoom, column and row. https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames"""

    zoom: int
    x: int
    y: int

    @property
    def number(self) -> int:
        """As the SQL function `tile_of` numbers it."""
        return self.x << self.zoom | self.y

    @property
    def box(self) -> Box:
        """All that lies in it, and the margin."""
        size = 1 << self.zoom
        north, south = (math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / size)))) for y in (self.y, self.y + 1))
        return Box(
            self.x / size * 360 - 180 - _MARGIN,
            (-90 if south <= -_EDGE else south) - _MARGIN,
            (self.x + 1) / size * 360 - 180 + _MARGIN,
            (90 if north >= _EDGE else north) + _MARGIN,
        )

    @property
    def parts(self) -> list["Tile"]:
        """The sixteen tiles, two zooms finer, that it consists of."""
        return [Tile(self.zoom + 2, self.x * 4 + i, self.y * 4 + j) for i in range(4) for j in range(4)]


WORLD = Tile(0, 0, 0)


def tile_of(lon: float, lat: float, zoom: int) -> Tile:
    """The tile a point lies in."""
    size = 1 << zoom
    phi = math.radians(max(-_EDGE, min(_EDGE, lat)))
    x = math.floor((lon + 180.0) / 360.0 * size)
    y = math.floor((1.0 - math.asinh(math.tan(phi)) / math.pi) / 2.0 * size)
    return Tile(zoom, max(0, min(x, size - 1)), y)


def spanned(bounds: Box, zoom: int) -> tuple[Tile, Tile]:
    """The first and the last, from the north-west to the south-east, of the tiles that have a place within bounds."""
    first = tile_of(bounds.west - _MARGIN, bounds.north + _MARGIN, zoom)
    return first, tile_of(bounds.east + _MARGIN, bounds.south - _MARGIN, zoom)


class Piece(NamedTuple):
    """The part of a shape that lies in one tile: its bounds, its share of the tile, and whether it is all of it."""

    tile: Tile
    bounds: Box
    share: float
    whole: bool

    @property
    def slight(self) -> bool:
        """Whether it takes fewer rows to read all in its bounds than to come upon one of it by walking the tile."""
        return self.bounds.km2 * DENSITY * self.share <= 1


def cover(shape: Shape) -> list[Piece]:
    """A shape in about `PIECES` pieces; one whose size is that of a province is one piece of the whole world.

    It begins with the coarsest tiles, and takes those apart that have least of the shape, while few enough remain.
    """
    bounds = shape.bounds
    first, last = spanned(bounds, COARSEST)
    in_one = [Piece(WORLD, bounds, share=1, whole=False)]
    if (last.x - first.x + 1) * (last.y - first.y + 1) > 4 * PIECES:  # counted first: the world has millions
        return in_one
    tiles = [Tile(COARSEST, x, y) for x in range(first.x, last.x + 1) for y in range(first.y, last.y + 1)]
    whole = _outline(shape)
    if len(found := _touched(whole, tiles)) > 2 * PIECES:
        return in_one
    for _ in FINER:
        shares = _shares(whole, found)
        for _, tile in sorted((share, tile) for share, tile in zip(shares, found, strict=True) if share < 0.5):
            parts = _touched(whole, tile.parts)
            if len(found) - 1 + len(parts) <= PIECES:
                found.remove(tile)
                found += parts
    outlines = _outlines(found)
    edges = shapely.bounds(shapely.intersection(whole, outlines)).tolist()
    filled = (shapely.contains(whole, outlines) & (not isinstance(shape, Circle))).tolist()
    return [
        Piece(tile, Box(west - _MARGIN, south - _MARGIN, east + _MARGIN, north + _MARGIN), share, full)
        for tile, (west, south, east, north), share, full in zip(
            found, edges, _shares(whole, found), filled, strict=True
        )
    ]


def _shares(whole: Any, tiles: Sequence[Tile]) -> list[float]:
    outlines = _outlines(tiles)
    shares: list[float] = (shapely.area(shapely.intersection(whole, outlines)) / shapely.area(outlines)).tolist()
    return shares


def _outline(shape: Shape) -> Any:
    match shape:
        case Polygon():
            return shape.shape
        case Circle():
            return shape.outline
        case Box():
            return shapely.box(shape.west, shape.south, shape.east, shape.north)


def _outlines(tiles: Sequence[Tile]) -> Any:
    boxes = [tile.box for tile in tiles]
    return shapely.box(*zip(*((box.west, box.south, box.east, box.north) for box in boxes), strict=True))


def _touched(whole: Any, tiles: Sequence[Tile]) -> list[Tile]:
    hits = shapely.intersects(whole, _outlines(tiles))
    return [tile for tile, hit in zip(tiles, hits, strict=True) if hit]
