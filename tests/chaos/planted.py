"""Servers with a bug: `python -m tests.chaos.planted NAME serve`. The real code, changed from outside as it loads."""

import asyncio
import math
import runpy
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from api.bus import Bus
from geo import positions
from geo.cursor import Cursors, FeedCursor
from geo.feed import Feed


def by_id() -> None:
    """Events are told by `id > cursor`. An id is given before the commit: what is committed late is stepped over."""
    told = "SELECT max(id::text)::uuid FROM event WHERE position IS NOT NULL"
    unplaced = "FROM event WHERE position IS NULL"
    statement = str(positions._PLACE)
    assert statement.count(unplaced) == 1
    positions._PLACE = text(statement.replace(unplaced, f"{unplaced} AND id > ({told})"))


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
