"""What is long over is archived, and nothing is lost by it but what the documents say."""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from uuid_utils.compat import uuid7

from geo import erasure, events, positions, reports
from geo.cursor import FeedCursor
from geo.db import Database
from geo.erasure import Erased
from geo.feed import Feed
from geo.ids import made_at
from geo.partitions import month_of
from geo.tables import event, event_archive, message, notification
from geo.usecases import keep_events as usecase
from geo.usecases.keep_events import keep_events
from tests.geo import months
from tests.geo.months import MONTHS, NOW, Clock, go_through, names, versions
from tests.geo.notices import of, place, told
from tests.geo.test_feed import following
from tests.world import ADMIN, RESIDENT, submit

pytestmark = pytest.mark.anyio

clock = months.clock
impatient = months.impatient


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


async def test_a_month_is_deleted_as_the_documents_say(world: Database, clock: Clock) -> None:
    report = await submit(world)
    await go_through(world, clock, report, 6)
    whole = await versions(world, report)
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    ((delete, vacuum),) = re.findall(r"```sql\n(DELETE FROM event.*?;)\n(VACUUM .*?;)\n```", page, re.DOTALL)
    (month, *_) = await names(world, archived=True)
    async with world.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
        first = (await events.timeline(conn, ADMIN, [report.id], None, 1))[report.id][0]
        told = {"source": "app", "external_id": "1", "text": "", "received_at": NOW, "event_id": first.id}
        await conn.execute(insert(message).values(id=uuid7(), organisation="app", party="app/1", **told))
        for statement in (delete, vacuum):
            await conn.execute(text(statement.replace("event_2025_10", month)))
        assert await events.by_id(conn, first.id) == first
        kept = await conn.scalars(text(f"SELECT id FROM {month}"))
        assert kept.all() == [first.id]
    first_version, *later = await versions(world, report)
    assert first_version == 1
    assert 0 < len(later) < len(whole) - 1
    assert later == whole[-len(later) :]
