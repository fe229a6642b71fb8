"""Any shape is a few pieces, found at once, however large it is."""

import pytest

from geo.geometry import Box, Circle, Polygon, Shape
from geo.models import Point
from geo.tiles import PIECES, WORLD, cover, tile_of

WORLD_BOX = Box(-180, -90, 180, 90)
THIN = Polygon(((Point(-179, -84), Point(179, 84), Point(179, 84.0001), Point(-179, -84)),))
HAGUE = Box(4.28, 52.03, 4.34, 52.066)


@pytest.mark.parametrize("shape", [WORLD_BOX, THIN, Box(-10, 40, 30, 64)])
def test_a_shape_of_the_size_of_the_world_is_not_taken_apart(shape: Shape, monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*_: object) -> list[object]:
        raise AssertionError("millions of tiles would have been looked at")

    monkeypatch.setattr("geo.tiles._touched", touched)
    (piece,) = cover(shape)
    assert piece.tile == WORLD


@pytest.mark.parametrize("shape", [HAGUE, Circle(Point(4.31, 52.07), 500)])
def test_the_pieces_of_a_shape_cover_it(shape: Shape) -> None:
    pieces = cover(shape)
    assert 1 <= len(pieces) <= 2 * PIECES
    bounds = shape.bounds
    for step_x in range(21):
        for step_y in range(21):
            lon = bounds.west + (bounds.east - bounds.west) * step_x / 20
            lat = bounds.south + (bounds.north - bounds.south) * step_y / 20
            if shape.covers(Point(lon, lat)):
                assert any(tile_of(lon, lat, piece.tile.zoom) == piece.tile for piece in pieces), (lon, lat)
