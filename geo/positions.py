"""Positions in the feed: given to events after their commit, and how far the feed is (geo/feed.py says why)."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.tables import event, feed

PLACING_LOCK = 0x504C4143  # "PLAC": whoever holds it gives out positions

_LOCK = select(func.pg_advisory_xact_lock(PLACING_LOCK))
_UNPLACED = text("""
    SELECT id FROM (
        SELECT id, version, max(at) OVER (PARTITION BY coalesce(report_id, alert_id, id) ORDER BY version) AS settled
        FROM event WHERE position IS NULL
    ) AS unplaced
    ORDER BY settled, version, id
""")
# With the ids at hand the planner knows how many there are, and in which partitions.
_PLACE = text("""
    WITH placed AS (
        UPDATE event SET position = feed.position + ranked.rank
        FROM feed, unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS ranked (id, rank)
        WHERE event.id = ranked.id AND event.id = ANY(CAST(:ids AS uuid[]))
        RETURNING event.id
    )
    UPDATE feed SET position = position + (SELECT count(*) FROM placed)
""")


async def place(conn: AsyncConnection) -> int:
    """Give every committed event that has none its position; returns how many. Runs in a transaction of its own.

    The lock is held until the commit, so positions become visible in order and without gaps. The statement behind it
    sees all that was committed before; of one report it sees version n whenever it sees n + 1.
    """
    await conn.execute(_LOCK)
    ids = (await conn.scalars(_UNPLACED)).all()
    if ids:
        await conn.execute(_PLACE, {"ids": ids})
    return len(ids)


class Head(NamedTuple):
    """How far the feed is, the version of the map, and the oldest position behind which the feed can be read.

    Read behind events, the map is at least the one that they were made on; and they are all there are behind a
    position that is not before the oldest.
    """

    epoch: UUID
    position: int
    map_version: int
    revocation_version: int
    oldest: int


_HEAD = select(feed.c.epoch, feed.c.position, feed.c.map_version, feed.c.revocation_version, feed.c.oldest)
_HEAD_AND_LAST = _HEAD.add_columns(
    select(event.c.id).where(event.c.position == bindparam("position")).scalar_subquery().label("last")
)


async def head(conn: AsyncConnection) -> Head:
    return Head(*(await conn.execute(_HEAD)).one())


async def head_and(conn: AsyncConnection, position: int) -> tuple[Head, UUID | None]:
    """The head, and the id of the event at a position."""
    *values, last = (await conn.execute(_HEAD_AND_LAST, {"position": position})).one()
    return Head(*values), last


async def raise_map_version(conn: AsyncConnection) -> None:
    """Tell watchers that codes may lead elsewhere, in the transaction that replaces a map and as the last thing in it:
    no event gets its position until the commit."""
    await conn.execute(update(feed).values(map_version=feed.c.map_version + 1))


async def raise_revocation_version(conn: AsyncConnection) -> None:
    """Tell every process that tokens were revoked, in the transaction that revokes them and as the last thing in it."""
    await conn.execute(update(feed).values(revocation_version=feed.c.revocation_version + 1))


async def raise_oldest(conn: AsyncConnection, position: int) -> None:
    """Let nobody resume from before a position, in the transaction that takes the events up to it out of the feed."""
    await conn.execute(update(feed).values(oldest=func.greatest(feed.c.oldest, position)))


class Backlog(NamedTuple):
    """Committed events that have no position yet."""

    unplaced: int
    oldest_seconds: float


async def backlog(conn: AsyncConnection) -> Backlog:
    age = func.extract("epoch", func.clock_timestamp() - func.min(event.c.at))
    waiting = select(func.count(), func.coalesce(age, 0)).where(event.c.position.is_(None))
    unplaced, oldest = (await conn.execute(waiting)).one()
    return Backlog(unplaced, max(0.0, float(oldest)))


async def renew_epoch(conn: AsyncConnection, old: UUID) -> None:
    """Make every cursor start over; does nothing where another process did it already."""
    await conn.execute(update(feed).where(feed.c.epoch == old).values(epoch=func.gen_random_uuid()))
