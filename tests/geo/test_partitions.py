"""Months of events are made before they are needed, archived when they are long over, and nothing is ever missing."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event as hooks
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo import deliveries, erasure, events, ids, positions, reports
from geo.cursor import FeedCursor
from geo.db import Database
from geo.erasure import Erased
from geo.feed import Feed
from geo.ids import first_id, made_at
from geo.models import ActorKind, EventKind, Report, ReportStatus
from geo.partitions import month_of, partitions
from geo.tables import event, event_archive, notification
from geo.usecases import keep_events as usecase
from geo.usecases.keep_events import AHEAD, keep_events
from geo.usecases.notify import notify
from tests.geo.notices import change, of, place, told
from tests.geo.test_feed import following
from tests.geo.test_plans import rows_read, scanned
from tests.world import ADMIN, RESIDENT, submit

pytestmark = pytest.mark.anyio

MONTHS = 3
NOW = datetime.now(UTC)
STATUSES = ReportStatus.UNDER_WAY, ReportStatus.ON_HOLD
Clock = Callable[[int], datetime]


def _at(now: int, nanoseconds: int | None = None) -> UUID:
    return uuid7(nanoseconds=nanoseconds or now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Makes it the tenth of so many months later, for all ids of events and for whoever is told what it returns."""

    def turn(months: int) -> datetime:
        at = month_of(NOW, months) + timedelta(days=10)
        for module in (events, ids):
            monkeypatch.setattr(module, "uuid7", partial(_at, int(at.timestamp() * 1e9)))
        return at

    return turn


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usecase, "PAUSE", 0.01)


async def names(db: Database, *, archived: bool) -> list[str]:
    async with db.read() as conn:
        return [month.name for month in await partitions(conn) if month.archived is archived]


async def versions(db: Database, report: Report) -> list[int]:
    async with db.read() as conn:
        return [told.version for told in (await events.timeline(conn, ADMIN, [report.id], None, 500))[report.id]]


async def where(db: Database, report: Report) -> dict[str, int]:
    """How many events of a report each partition has."""
    found: dict[str, int] = {}
    async with db.read() as conn:
        for log in (event, event_archive):
            name = text("tableoid::regclass::text")
            counted = select(name, func.count()).select_from(log).where(log.c.report_id == report.id).group_by(name)
            found |= {row[0]: row[1] for row in await conn.execute(counted)}
    return found


async def go_through(db: Database, clock: Clock, report: Report, months: int) -> None:
    """Let months pass, in each of which the report changes, everybody is told, and the log is kept."""
    for later in range(months):
        at = clock(later)
        await keep_events(db, at, MONTHS)
        await change(db, report, STATUSES[later % 2])
        await told(db)
    await place(db)


async def test_this_month_and_the_next_two_are_there_whoever_looks_and_how_often(world: Database, clock: Clock) -> None:
    report = await submit(world)
    for later in range(6):
        at = clock(later)
        await asyncio.gather(*(keep_events(world, at, MONTHS) for _ in range(4)))
        await keep_events(world, at, MONTHS)
        made = await names(world, archived=False)
        assert {f"event_{month_of(NOW, later + ahead):%Y_%m}" for ahead in range(2, AHEAD + 1)} <= {*made}
        assert len(made) == len({*made})
        await change(world, report, STATUSES[later % 2])
    assert "event_default" not in await where(world, report)
    assert f"event_{month_of(NOW, 5):%Y_%m}" in await where(world, report)


async def test_an_event_of_a_month_that_nobody_made_is_taken_in_and_goes_to_its_month(
    world: Database, clock: Clock
) -> None:
    report = await submit(world)
    await keep_events(world, clock(0), MONTHS)
    clock(9)
    await change(world, report, STATUSES[0])
    await place(world)
    assert (await where(world, report))["event_default"] == 1
    clock(11)
    await change(world, report, STATUSES[1])
    await keep_events(world, clock(9), MONTHS)
    months = {f"event_{month_of(NOW, later):%Y_%m}": 1 for later in (9, 11)}
    assert months.items() <= (await where(world, report)).items()
    assert "event_default" not in await where(world, report)
    assert await versions(world, report) == [1, 2, 3]


async def test_an_event_of_a_clock_that_is_far_wrong_is_kept_and_told(world: Database, clock: Clock) -> None:
    report = await submit(world)
    await go_through(world, clock, report, 8)
    for wrong in (-100, 2_000):
        clock(wrong)
        await change(world, report, ReportStatus.ROUTED if wrong < 0 else ReportStatus.UNDER_WAY)
    for _ in range(2):
        await keep_events(world, clock(8), MONTHS)
    async with world.read() as conn:
        last = (await positions.head(conn)).position
    await place(world)
    async with world.read() as conn:
        assert [delivery.event.id for delivery in await deliveries.read(conn, last, 10)]
    assert await versions(world, report) == [*range(1, 12)]


async def test_what_is_long_over_is_archived_and_the_history_stays_whole(world: Database, clock: Clock) -> None:
    report = await submit(world)
    await go_through(world, clock, report, 8)
    archived = await names(world, archived=True)
    end = month_of(NOW, 7 - MONTHS)
    assert archived[-1] == f"event_{month_of(end, -1):%Y_%m}"
    assert min(await names(world, archived=False)) == f"event_{end:%Y_%m}"
    assert await versions(world, report) == [*range(1, 10)]
    async with world.read() as conn:
        kept = (await conn.scalars(select(event.c.position))).all()
        old = (await conn.execute(select(event_archive.c.id, event_archive.c.position))).all()
        head = await positions.head(conn)
        assert head.oldest == max(row.position for row in old) == min(kept) - 1
        assert sorted([*kept, *(row.position for row in old)]) == [*range(1, head.position + 1)]
        first = (await events.timeline(conn, ADMIN, [report.id], None, 1))[report.id][0]
        assert await events.by_id(conn, first.id) == first
        assert first.id in {row.id for row in old}


async def test_a_cursor_at_the_oldest_position_resumes_and_none_before_it(world: Database, clock: Clock) -> None:
    report = await submit(world)
    await go_through(world, clock, report, 6)
    async with world.read() as conn:
        head = await positions.head(conn)
    assert 0 < head.oldest < head.position
    async with following(world) as feed:
        resumed = await feed.after(FeedCursor(head.epoch, head.oldest))
        assert resumed is not None
        assert [one.event.position for one in resumed] == [*range(head.oldest + 1, head.position + 1)]
        for before in (0, head.oldest - 1):
            assert await feed.after(FeedCursor(head.epoch, before)) is None


async def test_what_is_archived_while_it_is_read_is_not_left_out(world: Database, clock: Clock) -> None:
    """A feed that has not heard of the archive yet finds out by reading."""
    report = await submit(world)
    feed = Feed(world)
    await feed.start()
    await go_through(world, clock, report, 6)
    async with world.read() as conn:
        head = await positions.head(conn)
    feed.cursor = FeedCursor(head.epoch, head.position)
    assert feed.oldest == 0
    assert await feed.after(FeedCursor(head.epoch, 0)) is None


async def test_a_feed_that_slept_for_months_starts_over(world: Database, clock: Clock) -> None:
    report = await submit(world)
    await place(world)
    feed = Feed(world, interval=0.05)
    await feed.start()
    start = feed.now
    await go_through(world, clock, report, 6)
    running = asyncio.create_task(feed.run())
    assert await feed.after(start) is None, "what it has not told is archived"
    async with world.read() as conn:
        head = await positions.head(conn)
    assert start.position < head.oldest
    assert feed.now == FeedCursor(head.epoch, head.position)
    running.cancel()
    await asyncio.wait([running])


async def test_what_somebody_still_has_to_be_told_is_not_archived(world: Database, clock: Clock) -> None:
    report = await submit(world)
    await keep_events(world, clock(6), MONTHS)
    assert await names(world, archived=True) == [], "it has no position"
    await place(world)
    await keep_events(world, clock(6), MONTHS)
    assert await names(world, archived=True) == [], "nobody has been notified"
    await told(world)
    await keep_events(world, clock(6), MONTHS)
    assert len(await names(world, archived=True)) == 1
    assert await versions(world, report) == [1]


async def test_notifications_of_what_is_archived_are_forgotten(
    world: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usecase, "PURGED_AT_ONCE", 2)
    report = await submit(world)
    await go_through(world, clock, report, 8)
    assert len(await of(world, RESIDENT)) == 8 - (7 - MONTHS)
    async with world.read() as conn:
        about = (await conn.scalars(select(notification.c.event_id))).all()
        lost = await conn.scalar(select(func.count()).where(notification.c.event_id.not_in(select(event.c.id))))
    assert min(made_at(event_id) for event_id in about) >= month_of(NOW, 7 - MONTHS)
    assert lost == 0


async def test_erasure_reaches_the_archive(world: Database, clock: Clock) -> None:
    report = await submit(world)
    await go_through(world, clock, report, 6)
    by_anna = event_archive.c.party == RESIDENT.party
    async with world.write() as conn:
        assert await conn.scalar(select(func.count()).where(by_anna)) == 1
        await reports.lock(conn, ADMIN, report.id, ())
        erased = Erased()
        await erasure.party(conn, report.id, RESIDENT.known_party(), erased)
        assert erased.counts["events"] == 1
        assert await conn.scalar(select(func.count()).where(by_anna)) == 0


async def test_of_a_message_too_erasure_reaches_the_archive(world: Database, clock: Clock) -> None:
    report = await submit(world)
    await go_through(world, clock, report, 6)
    async with world.write() as conn:
        erased = Erased()
        await erasure.made_by_message(conn, [report.id], [], reported=True, erased=erased)
        assert await conn.scalar(select(func.count()).where(event_archive.c.party == RESIDENT.party)) == 0


async def test_a_writer_held_open_is_not_waited_for_and_its_event_not_lost(world: Database, clock: Clock) -> None:
    report, other = await submit(world), await submit(world)
    await told(world)
    async with world.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        after = await reports.set_status(conn, before, STATUSES[0], ActorKind.MUNICIPALITY, 14)
        await events.append(conn, EventKind.STATUS_CHANGED, ActorKind.MUNICIPALITY, before, after, {})
        late = clock(6)
        with pytest.raises(OperationalError, match="lock timeout"):
            await keep_events(world, late, MONTHS)
        clock(0)
        await change(world, other, STATUSES[0])
    await keep_events(world, late, MONTHS)
    assert await names(world, archived=True) == [], "its event has no position yet"
    await told(world)
    await told(world)  # and what was told by then
    await keep_events(world, late, MONTHS)
    assert len(await names(world, archived=True)) == 1
    assert await versions(world, report) == await versions(world, other) == [1, 2]


async def test_events_go_on_while_months_are_made_and_archived(world: Database, clock: Clock) -> None:
    written = [await submit(world) for _ in range(2)]
    going = True

    async def tell() -> None:
        while going:
            await notify(world, None)

    async def write(report: Report) -> None:
        turn = 0
        while going:
            await change(world, report, STATUSES[turn % 2])
            turn += 1

    async def look(report: Report) -> None:
        seen = 0
        while going:
            found = await versions(world, report)
            assert found == [*range(1, len(found) + 1)], "nothing is missing, and nothing is there twice"
            assert len(found) >= seen
            seen = len(found)

    async with following(world, interval=0.05), asyncio.TaskGroup() as group:
        group.create_task(tell())
        for report in written:
            group.create_task(write(report))
            group.create_task(look(report))
        for later in range(8):
            at = clock(later)
            with suppress(OperationalError):  # a step that never had its locks is left to the next time
                await keep_events(world, at, 1)
        going = False
    await told(world)
    await place(world)
    await keep_events(world, clock(8), 1)
    assert len(await names(world, archived=True)) >= 5
    async with world.read() as conn:
        head = await positions.head(conn)
        both = [
            *(await conn.scalars(select(event.c.position))),
            *(await conn.scalars(select(event_archive.c.position))),
        ]
    assert sorted(both) == [*range(1, head.position + 1)]
    for report in written:
        async with world.read() as conn:
            version = (await reports.by_ids(conn, ADMIN, [report.id]))[report.id].version
        assert await versions(world, report) == [*range(1, version + 1)]


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
