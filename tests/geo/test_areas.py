from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from geoalchemy2.shape import from_shape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, shape
from sqlalchemy import event, insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import areas
from geo.areas import Areas
from geo.db import Database
from geo.errors import InvalidFilter, OutsideKnownArea, UnknownArea
from geo.geometry import Box, Circle, Polygon, Shape
from geo.models import AreaKind, Place, Point
from geo.tables import area
from tests.geo.maps import square
from tests.world import CITY, INSIDE, OUTSIDE

pytestmark = pytest.mark.anyio

DISTRICT, EAST = "WK051829", "BU05182902"
HOME = Place(EAST, DISTRICT, "SD-zuid", CITY)


async def add(conn: AsyncConnection, code: str, **values: Any) -> None:
    """One more version of an area, a small square of the city unless said otherwise."""
    row = {
        "id": uuid4(),
        "code": code,
        "kind": AreaKind.DISTRICT,
        "name": f"Wijk {code}",
        "parent_code": CITY,
        "municipality_code": CITY,
        "approximate": False,
        "state": "LIVE",
        "valid_from": datetime(2020, 1, 1, tzinfo=UTC),
        "geom": from_shape(MultiPolygon([square(4.28, 52.06)]), srid=4326),
        **values,
    }
    await conn.execute(insert(area).values(row))


async def end(conn: AsyncConnection, code: str, successor: str) -> None:
    await add(conn, code, state="ENDED", valid_to=datetime(2024, 1, 1, tzinfo=UTC), successor_code=successor)


async def test_a_point_lies_in_the_finest_area_and_its_parents(world: Database) -> None:
    async with world.read() as conn:
        assert await areas.locate(conn, INSIDE) == HOME
        assert await areas.locate(conn, Point(4.315, 52.075)) == Place(None, "WK051801", None, CITY)
        assert await areas.locate(conn, OUTSIDE) is None


async def test_on_a_border_the_lower_code_has_it(world: Database) -> None:
    async with world.read() as conn:
        middle = await areas.locate(conn, Point(4.30, 52.07))
        assert middle == Place(EAST, DISTRICT, "SD-zuid", CITY)  # a neighbourhood goes before the other districts
        assert await areas.locate(conn, Point(4.31, 52.07)) == Place(None, "WK051801", None, CITY)
        assert await areas.locate(conn, Point(4.29, 52.065)) == Place("BU05182901", DISTRICT, "SD-zuid", CITY)
        assert await areas.locate(conn, Point(4.32, 52.08)) == Place(None, "WK051801", None, CITY)  # the outer corner


async def test_an_exact_area_goes_before_an_approximate_one_and_only_those_in_force_count(world: Database) -> None:
    async with world.write() as conn:
        over_east = from_shape(MultiPolygon([square(4.30, 52.07)]), srid=4326)
        await add(conn, "WK051800", approximate=True, geom=over_east)
        await add(conn, "BU05180000", kind=AreaKind.NEIGHBOURHOOD, state="STAGED", geom=over_east)
        await add(conn, "BU05180001", kind=AreaKind.NEIGHBOURHOOD, state="ENDED", geom=over_east)
    async with world.read() as conn:
        assert await areas.locate(conn, Point(4.305, 52.075)) == Place(None, "WK051801", None, CITY)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(lon=st.floats(4.27, 4.33), lat=st.floats(52.05, 52.09))
async def test_the_codes_of_a_place_nest_and_cover_it(world: Database, lon: float, lat: float) -> None:
    async with world.read() as conn:
        place = await areas.locate(conn, Point(lon, lat))
        inside = 4.28 <= lon <= 4.32 and 52.06 <= lat <= 52.08
        assert (place is not None) == inside
        chain = place.codes if place else ()
        found = await areas.by_codes(conn, chain)
        assert [found[code].parent_code for code in chain] == [*chain[1:], *([None] if place else [])]
        for code in chain:
            borders = shape(await areas.geojson(conn, code)).buffer(1e-7)
            assert borders.covers(shape({"type": "Point", "coordinates": [lon, lat]}))


async def test_at_gives_the_finest_area_or_the_one_of_a_kind(world: Database) -> None:
    async with world.read() as conn:

        async def code_at(point: Point, kind: AreaKind | None = None) -> str | None:
            found = await areas.at(conn, point, kind)
            return None if found is None else found.code

        assert await code_at(INSIDE) == EAST
        assert [await code_at(INSIDE, kind) for kind in areas.FINEST_FIRST] == [EAST, DISTRICT, "SD-zuid", CITY]
        assert await code_at(Point(4.315, 52.075), AreaKind.NEIGHBOURHOOD) is None
        assert await code_at(OUTSIDE) is None


async def test_a_place_outside_is_refused_with_a_hint_where_the_axes_are_swapped(world: Database) -> None:
    async with world.read() as conn:
        assert await areas.check_located(conn, INSIDE, ()) == HOME
        with pytest.raises(OutsideKnownArea, match=r"lon 5\.9, lat 51\.98 lies outside") as outside:
            await areas.check_located(conn, OUTSIDE, ("input", "location"))
        assert outside.value.path == ("input", "location")
        assert "Swap" not in outside.value.hint
        with pytest.raises(OutsideKnownArea) as swapped:
            await areas.check_located(conn, Point(INSIDE.lat, INSIDE.lon), ())
        assert "Swap" in swapped.value.hint


def triangle(*corners: tuple[float, float]) -> Polygon:
    return Polygon((tuple(Point(*corner) for corner in (*corners, corners[0])),))


@pytest.mark.parametrize(
    ("known", "unknown"),
    [
        (Box(4.31, 52.07, 6, 54), Box(4.33, 52.07, 6, 54)),
        (triangle((4.31, 52.07), (6, 52), (6, 54)), triangle((4.33, 52.07), (4.33, 52.2), (4.27, 52.2))),
        (Circle(Point(4.33, 52.09), 1400), Circle(Point(4.33, 52.09), 1200)),  # 1307 m from the corner
    ],
)
async def test_a_shape_that_touches_no_municipality_is_refused(world: Database, known: Shape, unknown: Shape) -> None:
    async with world.read() as conn:
        await areas.check_known(conn, known, ("area",))
        with pytest.raises(OutsideKnownArea) as outside:
            await areas.check_known(conn, unknown, ("area",))
        assert "Swap" not in outside.value.hint
        with pytest.raises(OutsideKnownArea) as swapped:
            await areas.check_known(conn, known.swapped, ("area",))
        assert "Swap" in swapped.value.hint
        assert swapped.value.path == ("area",)


async def test_a_shape_that_can_not_be_swapped_is_just_outside(world: Database) -> None:
    async with world.read() as conn:
        for far in (Circle(Point(179, 10), 500), Box(100, 10, 120, 20)):
            with pytest.raises(OutsideKnownArea):
                await areas.check_known(conn, far, ())


async def test_an_old_code_leads_to_the_area_in_force(world: Database) -> None:
    async with world.write() as conn:
        await end(conn, "WK051897", "WK051898")
        await end(conn, "WK051898", DISTRICT)
        await end(conn, "WK051899", DISTRICT)
        await add(conn, "WK051896", state="ENDED")  # an older version, of a code that nothing followed
    async with world.read() as conn:
        old = await areas.by_code(conn, "WK051897")
        assert old is not None
        assert (old.code, old.name, old.valid_to) == (DISTRICT, "Zuidwest", None)
        assert await areas.by_code(conn, "WK051896") is None
        found = await areas.by_codes(conn, ["WK051897", "WK051898", EAST, "WK000000"])
        assert {asked: area.code for asked, area in found.items()} == {
            "WK051897": DISTRICT,
            "WK051898": DISTRICT,
            EAST: EAST,
        }
        for code in (DISTRICT, "WK051897", "WK051899"):
            followed = await areas.follow(conn, code)
            assert followed is not None
            assert followed.area.code == DISTRICT
            assert followed.codes == (DISTRICT, "WK051897", "WK051898", "WK051899")
        lone = await areas.follow(conn, EAST)
        assert lone is not None
        assert lone.codes == (EAST,)


@pytest.mark.parametrize("code", ["", "WK999999", "wk051829", "WK051829\0", "WK051829'", "\ud800", "é", "W" * 100_000])
async def test_what_is_no_code_finds_nothing(world: Database, code: str) -> None:
    async with world.read() as conn:
        assert await areas.by_code(conn, code) is None
        assert await areas.follow(conn, code) is None
    with pytest.raises(UnknownArea) as unknown:
        await Areas(world).resolve(code, ("area", "code"))
    assert unknown.value.path == ("area", "code")
    assert len(unknown.value.message) < 200


async def test_a_resolved_code_is_kept_for_a_while_on_the_same_map(world: Database) -> None:
    kept = Areas(world)
    assert (await kept.resolve("WK051802", ())).codes == ("WK051802",)
    async with world.write() as conn:
        ended = update(area).where(area.c.code == "WK051802").values(state="ENDED", successor_code=DISTRICT)
        await conn.execute(ended)
    assert (await kept.resolve("WK051802", ())).area.code == "WK051802"
    assert (await kept.resolve("WK051802", (), map_version=1)).area.code == DISTRICT
    assert (await kept.resolve("WK051802", ())).codes == (DISTRICT, "WK051802")


async def search(conn: AsyncConnection, first: int = 50, after: str | None = None, **asked: Any) -> Sequence[str]:
    options = {"kind": None, "within": None, "search": None, **asked}
    return [found.code for found in await areas.search(conn, first=first, after=after, **options)]


async def test_areas_are_found_by_kind_by_name_and_by_what_they_lie_in(world: Database) -> None:
    async with world.write() as conn:
        await end(conn, "WK051899", DISTRICT)
        await add(conn, "WK051850", name="100% Duin_dorp")
    async with world.read() as conn:
        everything = await search(conn)
        assert everything == sorted(everything)
        assert len(everything) == 9
        assert await search(conn, kind=AreaKind.BOROUGH) == ["SD-zuid"]
        assert await search(conn, within="SD-zuid") == ["BU05182901", EAST, DISTRICT]
        assert await search(conn, within="WK051899") == ["BU05182901", EAST]
        assert await search(conn, within=CITY, kind=AreaKind.NEIGHBOURHOOD) == ["BU05182901", EAST]
        assert await search(conn, within=EAST) == []
        assert await search(conn, search="zuidW") == ["BU05182901", EAST, DISTRICT]
        assert await search(conn, search="0% duin_") == ["WK051850"]
        assert await search(conn, search="%") == ["WK051850"]
        with pytest.raises(UnknownArea):
            await search(conn, within="WK999999")
        with pytest.raises(InvalidFilter):
            await search(conn, search="a\0b")


async def test_pages_of_areas_hold_each_once(world: Database) -> None:
    async with world.read() as conn:
        everything = await search(conn)
        pages: list[str] = []
        while page := await search(conn, first=3, after=pages[-1] if pages else None):
            assert len(page) <= 3
            pages += page
        assert pages == everything


async def test_geometry_has_six_decimals(world: Database) -> None:
    third = from_shape(MultiPolygon([square(4 + 1 / 3, 52)]), srid=4326)
    async with world.write() as conn:
        await add(conn, "WK051850", geom=third)
    async with world.read() as conn:
        found = await areas.geojson(conn, "WK051850")
        assert found is not None
        assert found["type"] == "MultiPolygon"
        assert {lon for lon, _ in found["coordinates"][0][0]} == {4.333333, 4.343333}
        assert await areas.geojson(conn, "WK999999") is None


async def test_looking_up_walks_indexes(world: Database) -> None:
    many = text("""
        INSERT INTO area
            (id, code, kind, name, parent_code, municipality_code, approximate, state, valid_from, successor_code, geom)
        SELECT gen_random_uuid(), 'WK' || n + rank * 10000, 'DISTRICT', n, :city, :city, false, state, now(),
               CASE state WHEN 'ENDED' THEN 'WK' || n + rank * 10000 - 10000 END,
               ST_Multi(ST_MakeEnvelope(5 + n % 100 / 100.0, 52 + n / 100 / 100.0,
                                        5.01 + n % 100 / 100.0, 52.01 + n / 100 / 100.0, 4326))
        FROM generate_series(1, 3000) AS n,
             unnest(ARRAY['LIVE', 'ENDED', 'ENDED']) WITH ORDINALITY AS version (state, rank)""")
    async with world.write() as conn:
        await conn.execute(many, {"city": CITY})
        await conn.execute(text("ANALYZE area"))

    async def plan(look_up: Callable[[AsyncConnection], Awaitable[object]]) -> str:
        """The plan of the one statement of a look-up."""
        seen: list[tuple[str, Any]] = []

        @event.listens_for(world.engine.sync_engine, "before_cursor_execute")
        def note(_conn: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
            seen.append((statement, values))

        async with world.read() as conn:
            assert await look_up(conn)
            ((statement, values),) = seen
            event.remove(world.engine.sync_engine, "before_cursor_execute", note)
            return "\n".join((await conn.exec_driver_sql(f"EXPLAIN {statement}", values)).scalars())

    oldest = "WK31234"
    for look_up, indexes in (
        (lambda conn: areas.locate(conn, INSIDE), {"area_live_geom_idx", "area_live_code_key"}),
        (lambda conn: areas.check_located(conn, INSIDE, ()), {"area_live_geom_idx", "area_live_code_key"}),
        (lambda conn: areas.by_code(conn, oldest), {"area_followed_code_key", "area_live_code_key"}),
        (
            lambda conn: areas.follow(conn, oldest),
            {"area_followed_code_key", "area_live_code_key", "area_successor_code_idx"},
        ),
    ):
        steps = await plan(look_up)
        assert "Seq Scan" not in steps
        assert {index for index in indexes if index in steps} == indexes, steps
