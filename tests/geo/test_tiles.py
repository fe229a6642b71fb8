"""Any shape is a few pieces, found at once, however large it is; Python and SQL number the tiles alike."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from geo.db import Database
from geo.geometry import Box, Circle, Polygon, Shape
from geo.models import Point
from geo.tiles import COARSEST, FINER, PIECES, WORLD, cover, tile_of

WORLD_BOX = Box(-180, -90, 180, 90)
THIN = Polygon(((Point(-179, -84), Point(179, 84), Point(179, 84.0001), Point(-179, -84)),))

sizes = st.sampled_from([0.0003, 0.003, 0.03, 0.3])


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    lon, lat, size = draw(st.floats(-170, 170)), draw(st.floats(-75, 75)), draw(sizes)
    side = st.floats(size / 10, size)
    box = Box(lon, lat, lon + draw(side), lat + draw(side))
    triangle = Polygon(
        (
            (
                Point(box.west, box.south),
                Point(box.east, box.south),
                Point(box.west, box.north),
                Point(box.west, box.south),
            ),
        )
    )
    made: list[Shape] = [box, triangle, Circle(Point(lon, lat), min(50_000, size * 100_000))]
    return draw(st.sampled_from(made))


@given(shapes(), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_each_place_in_a_shape_lies_in_one_of_its_pieces(shape: Shape, places: list[tuple[float, float]]) -> None:
    pieces, bounds = cover(shape), shape.bounds
    assert 1 <= len(pieces) <= 2 * PIECES
    for x, y in places:
        place = Point(bounds.west + x * (bounds.east - bounds.west), bounds.south + y * (bounds.north - bounds.south))
        over = [piece for piece in pieces if tile_of(*place, piece.tile.zoom) == piece.tile]
        if shape.covers(place):
            (piece,) = over
            assert piece.bounds.covers(place)
        else:
            assert not any(piece.whole for piece in over)


@pytest.mark.parametrize("shape", [WORLD_BOX, THIN, Box(-10, 40, 30, 64)])
def test_a_shape_of_the_size_of_the_world_is_not_taken_apart(shape: Shape, monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*_: object) -> list[object]:
        raise AssertionError("millions of tiles would have been looked at")

    monkeypatch.setattr("geo.tiles._touched", touched)
    (piece,) = cover(shape)
    assert piece.tile == WORLD


def test_most_of_a_large_box_is_walked_without_a_test() -> None:
    pieces = cover(Box(4.2, 52.0, 4.6, 52.2))
    assert any(piece.whole for piece in pieces)
    assert sum(piece.share for piece in pieces) > len(pieces) / 2


def degrees(most: int) -> st.SearchStrategy[float]:
    return st.floats(-most, most, allow_subnormal=False)  # PostgreSQL refuses to reckon with them


@pytest.mark.anyio
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(degrees(180), degrees(90)), min_size=1, max_size=50),
    st.sampled_from([WORLD.zoom, COARSEST, COARSEST + 2, COARSEST + 2 * len(FINER)]),
)
async def test_sql_and_python_number_tiles_alike(db: Database, places: list[tuple[float, float]], zoom: int) -> None:
    numbered = text("SELECT tile_of(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :zoom)")
    async with db.read() as conn:
        for lon, lat in places:
            found = (await conn.execute(numbered, {"lon": lon, "lat": lat, "zoom": zoom})).scalar_one()
            near = {tile_of(lon + e, lat + n, zoom).number for e in (-1e-12, 0, 1e-12) for n in (-1e-12, 0, 1e-12)}
            assert found in near
