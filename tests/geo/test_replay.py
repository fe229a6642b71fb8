"""Coming back to the feed: what was missed is read once for all who missed it, and shows nothing that is older."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import event as listen
from sqlalchemy import update

from geo import events, reports
from geo.cursor import FeedCursor
from geo.db import Database
from geo.deliveries import Delivery
from geo.feed import Feed
from geo.models import ActorKind, EventKind, Report, Visibility
from geo.tables import report as report_table
from tests.geo.test_feed import collect, following
from tests.world import ADMIN, submit

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window and pages that a short history fills."""
    monkeypatch.setattr("geo.feed.WINDOW", 8)
    monkeypatch.setattr("geo.feed.BATCH", 4)


async def history(db: Database, changes: int) -> Report:
    """A report with that many events behind its first."""
    made = await submit(db)
    for _ in range(changes):
        async with db.write() as conn:
            before = await reports.lock(conn, ADMIN, made.id, ())
            after = await reports.change(conn, before, visibility=Visibility.PUBLIC)
            await events.append(
                conn, EventKind.VISIBILITY_CHANGED, ActorKind.MUNICIPALITY, before, after, {"to": "PUBLIC"}
            )
    return made


async def statements(db: Database, work: Callable[[], Awaitable[object]]) -> int:
    """How many statements it took."""
    count = 0

    def one_more(*_: object) -> None:
        nonlocal count
        count += 1

    listen.listen(db.engine.sync_engine, "before_cursor_execute", one_more)
    try:
        await work()
    finally:
        listen.remove(db.engine.sync_engine, "before_cursor_execute", one_more)
    return count


async def test_all_who_are_as_far_behind_share_what_is_read(world: Database) -> None:
    await history(world, 23)
    async with following(world, interval=600) as made:
        await made.catch_up(made.now)
        start = FeedCursor(made.now.epoch, made.now.position - 24)
        alone = await statements(world, lambda: collect(made, start, 24))
        made._pages.clear()
        together = await statements(world, lambda: asyncio.gather(*(collect(made, start, 24) for _ in range(100))))
    assert 0 < together <= alone


async def test_all_who_ask_for_what_is_committed_now_share_one_look(world: Database) -> None:
    report = await submit(world)
    async with following(world, interval=600) as made:
        await made.catch_up(made.now)
        start = made.now
        await change_unheard(world, made, report)
        alone = await statements(world, lambda: made.catch_up(made.now))
        together = await statements(world, lambda: asyncio.gather(*(made.catch_up(made.now) for _ in range(100))))
        assert made.now.position == start.position + 1
    assert together <= alone


async def change_unheard(db: Database, made: Feed, report: Report) -> None:
    """A change by another process, whose hint gets lost."""
    elsewhere = Database(db.engine)
    async with elsewhere.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        after = await reports.change(conn, before, visibility=Visibility.POLICE)
        await events.append(conn, EventKind.VISIBILITY_CHANGED, ActorKind.POLICE, before, after, {"to": "POLICE"})


async def test_a_page_that_was_read_before_shows_the_report_as_it_is_now(world: Database) -> None:
    report = await history(world, 20)
    async with following(world, interval=600) as made:
        await made.catch_up(made.now)
        start = FeedCursor(made.now.epoch, made.now.position - 20)
        await collect(made, start, 1)  # the page is kept
        await change_unheard(world, made, report)
        await made.catch_up(made.now)
        behind = await made.after(start)
    assert behind
    assert {delivery.report.visibility for delivery in behind if isinstance(delivery, Delivery)} == {Visibility.POLICE}


async def test_a_page_is_read_again_when_what_changed_since_is_not_at_hand_any_more(world: Database) -> None:
    """More reports changed than are remembered: what the page shows may be older than what was told."""
    report = await history(world, 20)
    async with following(world, interval=600) as made:
        await made.catch_up(made.now)
        start = FeedCursor(made.now.epoch, made.now.position - 20)
        await collect(made, start, 1)
        await change_unheard(world, made, report)
        for _ in range(9):
            await submit(world)
        await made.catch_up(made.now)
        behind = await made.after(start)
    assert behind
    assert {delivery.report.visibility for delivery in behind if isinstance(delivery, Delivery)} == {Visibility.POLICE}


async def test_a_process_that_begins_has_the_last_of_the_feed_at_hand(world: Database) -> None:
    await history(world, 20)
    async with following(world) as made:
        await made.catch_up(made.now)
    begun = Feed(world, interval=600)
    await begun.start()
    start = FeedCursor(begun.now.epoch, begun.now.position - 8)
    assert await statements(world, lambda: collect(begun, start, 8)) == 0


async def test_what_was_erased_is_in_no_page(world: Database) -> None:
    report = await history(world, 20)
    async with following(world, interval=600) as made:
        await made.catch_up(made.now)
        await collect(made, FeedCursor(made.now.epoch, made.now.position - 20), 1)
        assert made._pages
        async with world.write() as conn:
            before = await reports.lock(conn, ADMIN, report.id, ())
            await conn.execute(
                update(report_table)
                .where(report_table.c.id == report.id)
                .values(description="", version=before.version + 1)
            )
            after = (await reports.by_ids(conn, ADMIN, [report.id]))[report.id]
            await events.append(conn, EventKind.ERASED, ActorKind.SYSTEM, before, after, {})
        await made.catch_up(made.now)
        assert not made._pages
        assert {one.report.description for one in made._window if isinstance(one, Delivery)} == {""}
