"""Servers with a bug: `python -m tests.chaos.planted NAME serve`. The real code, changed from outside as it loads."""

import asyncio
import math
import runpy
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from api.bus import Bus
from geo import positions
from geo.cursor import Cursors, FeedCursor
from geo.feed import Feed

_IN_ORDER_OF_IDS = text("""
    WITH told AS (SELECT id FROM event JOIN feed USING (position)),
    ranked AS (
        SELECT id, row_number() OVER (ORDER BY id) AS rank FROM event
        WHERE position IS NULL AND id > (SELECT id FROM told)
    ), placed AS (
        UPDATE event SET position = feed.position + ranked.rank FROM feed, ranked WHERE event.id = ranked.id
        RETURNING event.id
    )
    UPDATE feed SET position = position + (SELECT count(*) FROM placed) RETURNING (SELECT count(*) FROM placed)
""")


def by_id() -> None:
    """Events are told by `id > cursor`. An id is given before the commit: what is committed late is stepped over."""

    async def place(conn: AsyncConnection) -> int:
        await conn.execute(select(func.pg_advisory_xact_lock(positions.PLACING_LOCK)))
        return int((await conn.execute(_IN_ORDER_OF_IDS)).scalar_one())

    positions.place = place


def no_poll() -> None:
    """Hints are lost, and nobody looks by the clock."""
    init = Feed.__init__

    def never(self: Feed, *given: Any, **named: Any) -> None:
        init(self, *given, **named | {"interval": math.inf})

    async def deaf(self: Bus, hear: Callable[[], None]) -> None:
        await asyncio.Event().wait()

    Feed.__init__, Bus.run = never, deaf  # type: ignore[method-assign]


def no_resume() -> None:
    """`after` is looked at and forgotten: what happens from now on is told."""
    init, opened = Feed.__init__, Cursors.open_feed
    feeds: list[Feed] = []

    def remembered(self: Feed, *given: Any, **named: Any) -> None:
        init(self, *given, **named)
        feeds.append(self)

    def now(self: Cursors, text: str) -> FeedCursor:
        opened(self, text)
        return feeds[-1].now

    Feed.__init__, Cursors.open_feed = remembered, now  # type: ignore[method-assign]


PLANTS: dict[str, Callable[[], None]] = {"by_id": by_id, "no_poll": no_poll, "no_resume": no_resume}

if __name__ == "__main__":
    PLANTS[sys.argv.pop(1)]()
    runpy.run_module("api", run_name="__main__", alter_sys=True)
