"""A feed that is not what it was: events archived in the middle of a page, a database that lost what was told."""

import asyncio

import pytest
from sqlalchemy import delete, update

from geo import positions
from geo.cursor import FeedCursor
from geo.db import Database
from geo.feed import Feed
from geo.tables import event, feed
from tests.geo.test_feed import collect, following
from tests.world import submit

pytestmark = pytest.mark.anyio


async def fill(db: Database, made: Feed, events: int) -> None:
    for _ in range(events):
        await submit(db)
    await made.catch_up(made.now)


async def lose(db: Database, *, after: int) -> None:
    """As a fail-over to a server does that has not got the last of it."""
    async with db.engine.begin() as conn:
        await conn.execute(delete(event).where(event.c.position > after))
        await conn.execute(update(feed).values(position=after))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo.feed.WINDOW", 5)
    monkeypatch.setattr("geo.feed.BATCH", 10)


@pytest.mark.usefixtures("small")
async def test_nothing_is_skipped_beside_what_was_archived(world: Database) -> None:
    async with following(world, interval=600) as made:
        await fill(world, made, 40)
        async with world.write() as conn:
            await conn.execute(delete(event).where(event.c.position <= 13))
            await positions.raise_oldest(conn, 13)
        await fill(world, made, 1)
        told = await collect(made, FeedCursor(made.now.epoch, 14), 10)
        assert [position for position, *_ in told[:10]] == [*range(15, 25)]
        assert await made.after(FeedCursor(made.now.epoch, 12)) is None


async def test_what_was_lost_is_noticed_also_when_others_have_filled_its_places(world: Database) -> None:
    async with following(world, interval=600) as made:
        await fill(world, made, 6)
        told = made.now
        async with made._tailing:
            await lose(world, after=told.position - 3)
            for _ in range(5):
                await submit(world)
            async with world.engine.begin() as conn:
                await positions.place(conn)
        await made.catch_up(made.now)
        assert made.now.epoch != told.epoch
        assert await made.after(told) is None


async def test_a_cursor_of_events_that_are_no_more_begins_a_new_epoch(world: Database) -> None:
    """Where all processes began after the loss, only the client's cursor tells of it."""
    async with following(world, interval=600) as made:
        await fill(world, made, 5)
        lost = FeedCursor(made.now.epoch, made.now.position + 3)
        await made.catch_up(lost)
        assert made.now.epoch != lost.epoch
        assert await made.after(lost) is None


@pytest.mark.usefixtures("small")
async def test_who_was_reading_when_it_got_lost_is_told_so(world: Database) -> None:
    async with following(world, interval=600) as made:
        await fill(world, made, 30)
        reading = FeedCursor(made.now.epoch, 15)
        await lose(world, after=12)
        waiting = asyncio.create_task(made.after(reading))
        await made.catch_up(made.now)
        async with asyncio.timeout(20):
            assert await waiting is None
