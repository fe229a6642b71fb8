"""What the feed and timelines cost when the log has fourteen months, told by the plans they really had."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event as hooks
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo import deliveries, events, positions
from geo.db import Database
from geo.ids import first_id
from geo.partitions import month_of
from geo.tables import event
from geo.usecases.keep_events import keep_events
from tests.geo import months
from tests.geo.months import NOW, Clock
from tests.geo.test_plans import rows_read, scanned
from tests.world import ADMIN, submit

pytestmark = pytest.mark.anyio

clock = months.clock
impatient = months.impatient


@pytest.fixture
async def many(world: Database, clock: Clock) -> Database:
    """Fourteen months with 2,000 events each, all placed."""
    report = await submit(world)
    for later in range(14):
        await keep_events(world, clock(later), 120)
    fill = text("""
        INSERT INTO event (id, position, kind, actor, at, visibility, detail)
        SELECT CAST(lpad(to_hex(CAST(:start AS bigint) + n), 12, '0') || '7' || substr(md5(n::text), 1, 19) AS uuid),
            CAST(:before AS bigint) + n, 'NOTIFIED', 'SYSTEM', now(), 'INVOLVED', '{}'
        FROM generate_series(1, 2000) AS n
    """)
    async with world.write() as conn:
        for later in range(14):
            start = first_id(month_of(NOW, later)).int >> 80
            await conn.execute(fill, {"start": start, "before": later * 2_000})
        await conn.execute(update(event).where(event.c.report_id == report.id).values(position=28_001))
        await conn.execute(text("UPDATE feed SET position = 28001"))
    async with world.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
        await conn.execute(text("VACUUM ANALYZE event"))
    return world


@contextmanager
def executed(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements, with their parameters, that a database is asked to execute."""
    noted: list[tuple[str, Any]] = []

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        noted.append((statement, parameters))

    hooks.listen(db.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        hooks.remove(db.engine.sync_engine, "before_cursor_execute", note)


async def explained(conn: AsyncConnection, statement: str, parameters: Any) -> Mapping[str, Any]:
    rows = await conn.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
    plan: Mapping[str, Any] = rows.scalar_one()[0]["Plan"]
    return plan


async def test_over_fourteen_months_the_tail_reads_what_it_returns(many: Database) -> None:
    async with many.read() as conn:
        for after, rows in ((28_001, 0), (28_000, 1), (27_951, 50), (13_000, 500)):
            with executed(many) as noted:
                assert len(await deliveries.read(conn, after, 500)) == rows
            plan = await explained(conn, *noted[0])  # what the events are about is read behind them
            assert rows_read(plan) <= 2 * rows + 20, after
            assert "event_position_key" in scanned(plan)


async def test_over_fourteen_months_placing_reads_what_it_places(many: Database) -> None:
    async with many.engine.connect() as conn:
        await conn.execute(text("UPDATE event SET position = NULL WHERE position BETWEEN 27991 AND 28000"))
        savepoint = await conn.begin_nested()
        with executed(many) as noted:
            assert await positions.place(conn) == 10
        await savepoint.rollback()
        for statement, parameters in noted[1:]:  # behind the lock
            assert rows_read(await explained(conn, statement, parameters)) <= 60, statement


async def test_a_timeline_does_not_look_at_months_before_its_report(many: Database, clock: Clock) -> None:
    made = uuid7(nanoseconds=int(clock(12).timestamp() * 1e9))
    async with many.read() as conn:
        with executed(many) as noted:
            await events.timeline(conn, ADMIN, [made], None, 10)
        ((statement, parameters),) = noted
        plan = "\n".join((await conn.exec_driver_sql(f"EXPLAIN {statement}", parameters)).scalars())
    assert f"event_{month_of(NOW, 12):%Y_%m}" in plan
    assert f"event_{month_of(NOW, 11):%Y_%m}" not in plan
