"""Where alerts may be published, where they are found, and how they change."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import shapely
from sqlalchemy import event, select, text, update

from geo import alerts
from geo.cursor import PageCursor
from geo.db import Database
from geo.errors import AlertEnded, InvalidPeriod, NotPermitted, OutsideKnownArea, Problem, UnknownAlert, UnknownArea
from geo.geometry import Box, Circle, Polygon
from geo.models import Alert, Point, Role, Severity
from geo.outlines import Where, overlap, overlaps, read_outline
from geo.tables import alert, area
from geo.usecases.publish_alert import AlertDraft, publish_alert
from geo.usecases.update_alert import update_alert
from geo.usecases.withdraw_alert import withdraw_alert
from geo.viewer import ANONYMOUS, Viewer
from tests.geo.test_plans import scanned
from tests.world import ADMIN, AREAS, CITY, INSIDE, OFFICER, POLICE, RESIDENT

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
SOUTH = Viewer(Role.OFFICER, "zuid/desk", "zuid", frozenset({"SD-zuid", "WK051802"}))
SOUTHERN_HALF = Box(4.28, 52.06, 4.32, 52.07)


async def publish(db: Database, where: Where = "WK051829", by: Viewer = OFFICER, hours: float = 1) -> Alert:
    until = datetime.now(UTC) + hours * HOUR
    made = await publish_alert(db, by, AlertDraft(where, Severity.WARNING, "Inbraken", None, until), None)
    assert made.alert is not None
    return made.alert


async def found(db: Database, where: Where, *, active_only: bool = True) -> set[UUID]:
    async with db.read() as conn:
        page, more = await alerts.page(conn, where, active_only=active_only, after=None, first=1_000)
    assert not more
    return {one.id for one in page}


@pytest.mark.parametrize(
    ("viewer", "where"),
    [
        (SOUTH, "SD-zuid"),
        (SOUTH, "WK051829"),  # in its borough
        (SOUTH, "BU05182902"),
        (SOUTH, "WK051802"),
        (SOUTH, Box(4.285, 52.061, 4.315, 52.069)),  # across two of its areas
        (SOUTH, SOUTHERN_HALF),
        (SOUTH, Circle(INSIDE, 200)),
        (OFFICER, CITY),
        (POLICE, "WK051801"),
        (ADMIN, "WK051801"),
        (ADMIN, Box(4.27, 52.05, 4.33, 52.09)),
    ],
    ids=str,
)
async def test_is_published_within_a_territory(world: Database, viewer: Viewer, where: Where) -> None:
    made = await publish(world, where, viewer)
    assert (made.code, made.organisation, made.version) == (
        where if isinstance(where, str) else None,
        viewer.organisation,
        1,
    )
    assert made.published_at == made.updated_at
    async with world.read() as conn:
        assert shapely.equals(made.area, await read_outline(conn, where))


@pytest.mark.parametrize(
    ("viewer", "where", "problem"),
    [
        (SOUTH, "WK051801", NotPermitted),
        (SOUTH, CITY, NotPermitted),  # of which it has a part only
        (SOUTH, Box(4.285, 52.061, 4.315, 52.071), NotPermitted),  # sticks out to the north
        (SOUTH, Circle(INSIDE, 2_000), NotPermitted),
        (Viewer(Role.OFFICER, "leeg/desk", "leeg"), "WK051829", NotPermitted),
        (Viewer(Role.OFFICER, "leeg/desk", "leeg"), Circle(INSIDE, 200), NotPermitted),
        (ANONYMOUS, "WK051829", NotPermitted),
        (RESIDENT, "WK051829", NotPermitted),
        (Viewer(Role.PARTNER, "lights/team", "lights", frozenset({CITY})), "WK051829", NotPermitted),
        (Viewer(Role.APP, None, "municipality", frozenset({CITY})), Circle(INSIDE, 200), NotPermitted),
        (OFFICER, "WK999999", UnknownArea),
        (ADMIN, Box(5.8, 51.9, 5.9, 52.0), OutsideKnownArea),
    ],
    ids=str,
)
async def test_is_not_published_elsewhere(
    world: Database, viewer: Viewer, where: Where, problem: type[Problem]
) -> None:
    with pytest.raises(problem) as refused:
        await publish(world, where, viewer)
    assert refused.value.hint
    async with world.read() as conn:
        assert (await conn.execute(select(alert))).first() is None


@pytest.mark.parametrize("hours", [-1, 0, 30 * 24 + 1])
async def test_is_in_force_for_a_time_that_can_be(world: Database, hours: float) -> None:
    with pytest.raises(InvalidPeriod):
        await publish(world, hours=hours)
    standing = await publish(world, hours=30 * 24 - 1)
    until = datetime.now(UTC) + hours * HOUR
    with pytest.raises(InvalidPeriod):
        await update_alert(world, OFFICER, standing.id, {"valid_until": until}, None)
    with pytest.raises(InvalidPeriod):
        await update_alert(world, OFFICER, standing.id, {"valid_until": datetime(2100, 1, 1)}, None)  # noqa: DTZ001


async def test_a_list_and_a_watcher_agree_on_what_overlaps(world: Database) -> None:
    """Over all boxes of a grid on which the areas lie too, so that many only touch."""
    lons, lats = [4.28, 4.29, 4.30, 4.32], [52.06, 52.07, 52.08]
    boxes = [Box(w, s, e, n) for w in lons for e in lons for s in lats for n in lats if w < e and s < n]
    published = [await publish(world, box) for box in boxes]
    triangle = Polygon(((Point(4.28, 52.06), Point(4.30, 52.06), Point(4.28, 52.07), Point(4.28, 52.06)),))
    shapes: list[Where] = [*boxes, Circle(INSIDE, 300), Circle(Point(4.29, 52.07), 50), triangle]
    for where in [*(code for code, *_ in AREAS), *shapes]:
        async with world.read() as conn:
            outline = await read_outline(conn, where)
        expected = {one.id for one in published if overlap(outline, one.area)}
        assert expected, where
        assert await found(world, where) == expected, where
    beside = [one for box, one in zip(boxes, published, strict=True) if box.west >= 4.30 or box.south >= 52.07]
    assert {one.id for one in beside}.isdisjoint(await found(world, "WK051829")), "neighbours share a border only"


async def test_a_code_that_is_not_in_force_covers_nothing(world: Database) -> None:
    async with world.read() as conn:
        outline = await read_outline(conn, "WK999999")
    assert not overlap(outline, shapely.box(-180, -90, 180, 90))
    await publish(world)
    assert await found(world, "WK999999") == set()


async def test_pages_go_from_new_to_old_and_skip_nothing(world: Database) -> None:
    made = [(await publish(world)).id for _ in range(5)]
    async with world.write() as conn:  # some of them of the same moment
        await conn.execute(update(alert).where(alert.c.id.in_(made[1:4])).values(published_at=datetime.now(UTC)))
    read: list[Alert] = []
    after: PageCursor | None = None
    more = True
    while more:
        async with world.read() as conn:
            page, more = await alerts.page(conn, CITY, active_only=True, after=after, first=2)
        read += page
        after = alerts.cursor_of(page[-1])
    assert [one.id for one in read] == [
        one.id for one in sorted(read, key=lambda one: (one.published_at, one.id), reverse=True)
    ]
    assert {one.id for one in read} == set(made)


async def test_what_ended_is_in_force_no_more_and_can_be_changed_no_more(world: Database) -> None:
    withdrawn, lapsed, standing = [await publish(world) for _ in range(3)]
    told = await withdraw_alert(world, OFFICER, withdrawn.id, None)
    assert told.alert is not None
    assert told.alert.withdrawn_at is not None
    async with world.write() as conn:
        past = datetime.now(UTC) - HOUR
        await conn.execute(update(alert).where(alert.c.id == lapsed.id).values(valid_until=past))
    assert await found(world, CITY) == {standing.id}
    assert await found(world, CITY, active_only=False) == {withdrawn.id, lapsed.id, standing.id}
    async with world.read() as conn:
        now = await alerts.by_ids(conn, [withdrawn.id, lapsed.id, standing.id])
    assert [alerts.is_active(now[one.id]) for one in (withdrawn, lapsed, standing)] == [False, False, True]
    for ended in (withdrawn, lapsed):
        with pytest.raises(AlertEnded):
            await withdraw_alert(world, OFFICER, ended.id, None)
        with pytest.raises(AlertEnded):
            await update_alert(world, OFFICER, ended.id, {"text": "Toch niet"}, None)
    with pytest.raises(UnknownAlert):
        await withdraw_alert(world, OFFICER, uuid4(), None)


async def test_updates_at_once_come_one_after_the_other(world: Database) -> None:
    made = await publish(world)
    texts = [f"Bericht {number}" for number in range(6)]
    told = await asyncio.gather(*(update_alert(world, OFFICER, made.id, {"text": text}, None) for text in texts))
    assert sorted(one.event.version for one in told) == [*range(2, 8)]
    assert all(one.alert and one.alert.version == one.event.version for one in told)


async def test_the_first_answer_is_given_again(world: Database) -> None:
    made = await publish(world)
    key = str(uuid4())
    first = await update_alert(world, OFFICER, made.id, {"text": "Let op"}, key)
    again = await update_alert(world, OFFICER, made.id, {"text": "Let op"}, key)
    assert (first.event, again.alert) == (again.event, None)
    gone, gone_again = [await withdraw_alert(world, OFFICER, made.id, f"{key} gone") for _ in range(2)]
    assert gone.event == gone_again.event
    assert gone.event.version == 3


async def test_finding_alerts_takes_one_statement_and_an_index(world: Database) -> None:
    async with world.write() as conn:
        await conn.execute(
            text("""
            INSERT INTO alert (id, organisation, actor, severity, text, geom, published_at, updated_at, valid_until,
                               version)
            SELECT gen_random_uuid(), 'municipality', 'MUNICIPALITY', 'WARNING', 'Inbraken',
                   ST_Multi(ST_MakeEnvelope(3.5 + x * 0.02, 51 + y * 0.02, 3.51 + x * 0.02, 51.01 + y * 0.02, 4326)),
                   now() - n * interval '1 hour', now(), now() + (n - 10000) * interval '1 minute', 1
            FROM generate_series(1, 20000) AS n, LATERAL (SELECT n % 100 AS x, n / 200 AS y) AS place
        """)
        )
    async with world.engine.connect() as conn:
        await conn.execute(text("ANALYZE alert"))
        executed: list[tuple[str, Any]] = []

        @event.listens_for(world.engine.sync_engine, "before_cursor_execute")
        def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
            executed.append((statement, parameters))

        middle = PageCursor(datetime.now(UTC) - 5_000 * HOUR, UUID(int=0))
        wheres: tuple[Where, ...] = (CITY, "BU05182901", SOUTHERN_HALF, Circle(INSIDE, 500))
        for where in wheres:
            for active_only, after in ((True, None), (False, None), (True, middle)):
                executed.clear()
                await alerts.page(conn, where, active_only=active_only, after=after, first=50)
                ((statement, parameters),) = executed
                rows = await conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
                plan: Mapping[str, Any] = rows.scalar_one()[0]["Plan"]
                assert "alert" not in scanned(plan), (where, scanned(plan))
                assert "alert_geom_idx" in scanned(plan), (where, scanned(plan))
        event.remove(world.engine.sync_engine, "before_cursor_execute", note)


async def test_overlap_is_the_same_condition_over_any_column(world: Database) -> None:
    async with world.read() as conn:
        near = await conn.scalars(select(area.c.code).where(overlaps(area.c.geom, "BU05182901")))
    assert set(near) == {"BU05182901", "WK051829", "SD-zuid", CITY}
