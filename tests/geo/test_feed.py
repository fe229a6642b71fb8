"""The feed's promises on the database: places in order, none skipped, nobody waits for a slow writer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import select, update

from geo import events, positions, reports
from geo.cursor import FeedCursor
from geo.db import Database
from geo.deliveries import Delivery
from geo.feed import Feed
from geo.models import ActorKind, EventKind, Report, ReportStatus
from geo.tables import event, feed
from tests.world import ADMIN, ELSEWHERE, submit

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def following(db: Database, interval: float = 1.0) -> AsyncIterator[Feed]:
    """A feed that places and tails until the block ends."""
    made = Feed(db, interval=interval)
    await made.start()
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.wait([task])


async def change(db: Database, report: Report, status: ReportStatus, *, hold: asyncio.Event | None = None) -> None:
    """A change with its event; with `hold` the transaction stays open until it is set."""
    async with db.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        after = await reports.set_status(conn, before, status, ActorKind.MUNICIPALITY, 14)
        await events.append(conn, EventKind.STATUS_CHANGED, ActorKind.MUNICIPALITY, before, after, {})
        if hold:
            await hold.wait()


async def collect(made: Feed, start: FeedCursor, count: int) -> list[tuple[int, str, int]]:
    """The next events behind a cursor: position, report and version."""
    told: list[tuple[int, str, int]] = []
    cursor = start
    async with asyncio.timeout(20):
        while len(told) < count:
            batch = await made.after(cursor)
            assert batch is not None
            for delivery in batch:
                assert isinstance(delivery, Delivery)
                assert delivery.event.position is not None
                told.append((delivery.event.position, str(delivery.event.report_id), delivery.event.version))
                cursor = FeedCursor(cursor.epoch, delivery.event.position)
    return told


async def test_a_change_and_its_event_commit_together_or_not_at_all(world: Database) -> None:
    report = await submit(world)
    with pytest.raises(RuntimeError, match="on purpose"):
        async with world.write() as conn:
            before = await reports.lock(conn, ADMIN, report.id, ())
            after = await reports.set_status(conn, before, ReportStatus.RESOLVED, ActorKind.MUNICIPALITY, 14)
            await events.append(conn, EventKind.STATUS_CHANGED, ActorKind.MUNICIPALITY, before, after, {})
            raise RuntimeError("on purpose")
    async with world.read() as conn:
        kinds = (await conn.scalars(select(event.c.kind).where(event.c.report_id == report.id))).all()
        unchanged = await reports.by_ids(conn, ADMIN, [report.id])
    assert kinds == ["REPORT_SUBMITTED"]
    assert unchanged[report.id] == report


async def test_a_writer_held_open_delays_nobody_elses_event(world: Database) -> None:
    slow, quick = await submit(world), await submit(world, at=ELSEWHERE)
    async with following(world) as made:
        await collect(made, FeedCursor(made.now.epoch, 0), 2)
        start, hold = made.now, asyncio.Event()
        held = asyncio.create_task(change(world, slow, ReportStatus.ROUTED, hold=hold))
        await change(world, quick, ReportStatus.RESOLVED)
        told = await collect(made, start, 1)
        assert not held.done(), "the quick change was told while the slow one was still open"
        assert [report for _, report, _ in told] == [str(quick.id)]
        hold.set()
        await held
        late = await collect(made, FeedCursor(start.epoch, told[-1][0]), 1)
        assert [(report, version) for _, report, version in late] == [(str(slow.id), 2)], (
            "behind the cursor, not before"
        )


async def test_many_writers_are_told_each_once_without_gaps_in_the_order_of_versions(world: Database) -> None:
    made_reports = [await submit(world, at=at) for at in (ELSEWHERE,) * 3]
    steps = [ReportStatus.ROUTED, ReportStatus.UNDER_WAY, ReportStatus.ON_HOLD, ReportStatus.RESOLVED]
    async with following(world) as first, following(world) as second:  # two processes place at the same time
        world.after_commit = first._unplaced.set
        start = FeedCursor(first.now.epoch, 0)
        await asyncio.gather(*(change(world, r, steps[i % 4]) for i in range(20) for r in made_reports))
        told = await collect(first, start, 63)
        assert told == await collect(second, start, 63)
    assert [position for position, _, _ in told] == list(range(1, 64))
    for report in made_reports:
        assert [version for _, of, version in told if of == str(report.id)] == list(range(1, 22))


async def test_a_lost_hint_costs_time_and_no_event(world: Database) -> None:
    async with following(world, interval=0.05) as made:
        start = made.now
        world.after_commit = lambda: None  # nobody tells the feed
        report = await submit(world)
        assert [of for _, of, _ in await collect(made, start, 1)] == [str(report.id)]


async def test_a_reader_far_behind_is_served_from_the_database(
    world: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo.feed.WINDOW", 3)
    monkeypatch.setattr("geo.feed.BATCH", 4)
    async with following(world) as made:
        start = made.now
        for _ in range(10):
            await submit(world)
        assert [position for position, _, _ in await collect(made, start, 10)] == list(range(1, 11))


async def test_a_new_epoch_ends_every_older_cursor(world: Database) -> None:
    async with following(world, interval=0.05) as made:
        old = made.now
        waiting = asyncio.create_task(made.after(old))
        async with world.write() as conn:
            await positions.renew_epoch(conn, old.epoch)
        async with asyncio.timeout(10):
            assert await waiting is None
        assert made.now.epoch != old.epoch


async def test_a_database_older_than_what_was_told_begins_a_new_epoch(world: Database) -> None:
    await submit(world)
    async with following(world, interval=0.05) as made:
        await collect(made, FeedCursor(made.now.epoch, 0), 1)
        told = made.now
        async with world.write() as conn:  # as after restoring a back-up
            await conn.execute(event.delete())
            await conn.execute(update(feed).values(position=0))
        async with asyncio.timeout(10):
            assert await made.after(told) is None
        async with world.read() as conn:
            assert (await positions.head(conn)).epoch == made.now.epoch != told.epoch
