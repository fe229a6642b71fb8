"""Which web-mercator tiles cover a box. Reports carry their tile at three zooms (geo/tables.py)."""

import math

from geo.geometry import Box

ZOOMS = (16, 14, 12)
MAX_TILES = 16
_EDGE = 85.0  # degrees; the mercator map ends a little beyond


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Column and row of the tile a point lies in, as the SQL function `tile_of` numbers them.

    https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames
    """
    size = 1 << zoom
    phi = math.radians(max(-_EDGE, min(_EDGE, lat)))
    x = math.floor((lon + 180.0) / 360.0 * size)
    y = math.floor((1.0 - math.log(math.tan(phi) + 1.0 / math.cos(phi)) / math.pi) / 2.0 * size)
    return min(x, size - 1), min(y, size - 1)


def cover(box: Box) -> tuple[int, list[int]] | None:
    """The finest zoom at which at most 16 tiles cover the box, and their numbers; None where the box is too large."""
    margin = 1e-9  # degrees, against rounding at a tile's edge: a tile too many costs a look, one too few a report
    for zoom in ZOOMS:
        west, north = tile_of(box.west - margin, box.north + margin, zoom)
        east, south = tile_of(box.east + margin, box.south - margin, zoom)
        if (east - west + 1) * (south - north + 1) <= MAX_TILES:
            return zoom, [x << zoom | y for x in range(west, east + 1) for y in range(north, south + 1)]
    return None
