"""Keep the event log by month: partitions are made before their month begins, and archived when it is long over.

Every step is a short transaction, and only one process at a time takes one. A step that can't have its locks is tried
again a few times, and then left, with an error, to the next time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import structlog
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import notifications, partitions, positions
from geo.db import Database
from geo.ids import first_id, made_at
from geo.partitions import Partition, month_of

FEED_MONTHS = 13  # for which the feed can be resumed, unless the settings say otherwise
AHEAD = 2  # months that are made beside the present one
PURGED_AT_ONCE = 1_000
ATTEMPTS = 8
PAUSE = 0.5  # seconds
T = TypeVar("T")
log = structlog.get_logger()


async def keep_events(db: Database, now: datetime, months: int) -> None:
    """Make the months up to two ahead, and archive those that were over so many months ago.

    Notifications of events before that are forgotten: nothing tells of what is archived.
    """
    while await _alone(db, lambda conn: _make(conn, now, months)):
        pass
    oldest = first_id(month_of(now, -months))
    while await _alone(db, lambda conn: notifications.purge(conn, oldest, PURGED_AT_ONCE)):
        pass
    while await _alone(db, lambda conn: _archive(conn, now, months)):
        pass


async def _alone(db: Database, step: Callable[[AsyncConnection], Awaitable[T]]) -> T | None:
    """Take a step in a transaction; None where another process is at it."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with db.write() as conn:
                return await step(conn) if await partitions.try_lock(conn) else None
        except OperationalError as error:
            if attempt == ATTEMPTS or not isinstance(error.orig, LockNotAvailable):
                raise
            await asyncio.sleep(PAUSE)
    return None


async def _make(conn: AsyncConnection, now: datetime, months: int) -> str | None:
    """Make one month that is missing; returns its name, None where there are all."""
    known = await partitions.partitions(conn)
    month = _missing(known, now)
    if month is None:
        archived = [made_at(partition.end) for partition in known if partition.archived]
        stray = await partitions.astray(conn, max([month_of(now, -months), *archived]), month_of(now, AHEAD + 1))
        if stray is None:
            return None
        month = month_of(stray)
    made = await partitions.make(conn, month)
    log.info("month_of_events_made", month=made)
    return made


def _missing(known: list[Partition], now: datetime) -> datetime | None:
    for later in range(AHEAD + 1):
        month = month_of(now, later)
        if not any(partition.holds(first_id(month)) for partition in known):
            return month
    return None


async def _archive(conn: AsyncConnection, now: datetime, months: int) -> str | None:
    """Archive the oldest month that is due; returns its name, None where there is none, or it has to stay."""
    oldest = first_id(month_of(now, -months))
    kept = (partition for partition in await partitions.partitions(conn) if not partition.archived)
    due = next((partition for partition in kept if partition.end <= oldest), None)
    if due is None:
        return None
    last = await partitions.archive(conn, due)
    if last is None:
        log.warning("month_of_events_stays", month=due.name)
        return None
    await positions.raise_oldest(conn, last)
    log.info("month_of_events_archived", month=due.name)
    return due.name
