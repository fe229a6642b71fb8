"""The months of the event log: partitions of `event` while the feed can be resumed, of `event_archive` from then on.

A month (UTC) is a range of ids (geo/ids.py). What no month takes falls into `event_default`: no insert ever fails for
want of a partition.

Months are made and archived in short transactions that change the catalog alone, and no row of a month. They give up
when a lock does not come soon: whoever waits behind them waits no longer than that.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import TableClause, column, delete, exists, func, insert, or_, select, table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.ids import first_id, made_at
from geo.tables import consumer, event, notification

KEEPING_LOCK = 0x4D4F4E54  # "MONT": whoever holds it makes and archives months
# Much shorter than PostgreSQL's deadlock_timeout: of two that wait for each other it is this that gives up, no request.
_HASTE = text("SET LOCAL lock_timeout = '100ms'")
_PARTITIONS = text("""
    SELECT month.relname AS name, parent.relname = 'event_archive' AS archived,
        pg_get_expr(month.relpartbound, month.oid) AS bounds
    FROM pg_inherits
    JOIN pg_class AS month ON month.oid = inhrelid
    JOIN pg_class AS parent ON parent.oid = inhparent
    WHERE inhparent IN ('event'::regclass, 'event_archive'::regclass)
    ORDER BY month.relname
""")
_BOUNDS = re.compile(r"FROM \((?:MINVALUE|'(?P<start>[^']+)')\) TO \('(?P<end>[^']+)'\)")
_DEFAULT = "event_default"


class Partition(NamedTuple):
    """A month of events: from the id `start`, or None where it holds all before, to before `end`."""

    name: str
    archived: bool
    start: UUID | None
    end: UUID

    def holds(self, event_id: UUID) -> bool:
        return (self.start is None or self.start <= event_id) and event_id < self.end


def month_of(at: datetime, later: int = 0) -> datetime:
    """The beginning of the month, UTC, in which a time lies, or of one so many months later."""
    at = at.astimezone(UTC)
    months = at.year * 12 + at.month - 1 + later
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


async def try_lock(conn: AsyncConnection) -> bool:
    """Be the one who keeps the months until the transaction ends, in haste; False where another one does."""
    await conn.execute(_HASTE)
    return bool(await conn.scalar(select(func.pg_try_advisory_xact_lock(KEEPING_LOCK))))


async def partitions(conn: AsyncConnection) -> list[Partition]:
    """All months there are, oldest first."""
    found = [(row, _BOUNDS.search(row.bounds)) for row in await conn.execute(_PARTITIONS)]
    return [
        Partition(row.name, row.archived, UUID(start) if start else None, UUID(end))
        for row, bounds in found
        if bounds is not None
        for start, end in [bounds.group("start", "end")]
    ]


async def astray(conn: AsyncConnection, start: datetime, end: datetime) -> datetime | None:
    """When the oldest event of a time was made that no month has taken."""
    c = _of(_DEFAULT).c
    oldest = select(c.id).where(c.id >= first_id(start), c.id < first_id(end)).order_by(c.id).limit(1)
    found = await conn.scalar(oldest)
    return None if found is None else made_at(found)


async def make(conn: AsyncConnection, month: datetime) -> str:
    """Make the partition of a month that has none, with the events of it that there are already; returns its name."""
    name, start, end = f"event_{month:%Y_%m}", first_id(month), first_id(month_of(month, 1))
    # Its bounds as a constraint: to attach it, here and to the archive, no row needs to be looked at.
    within = f"CONSTRAINT {name}_id_check CHECK (id >= '{start}' AND id < '{end}')"
    await conn.execute(text("LOCK TABLE report, alert IN SHARE ROW EXCLUSIVE MODE"))  # their foreign keys; first of all
    await conn.execute(text(f"LOCK TABLE {_DEFAULT} IN ACCESS EXCLUSIVE MODE"))
    await conn.execute(text(f"CREATE TABLE {name} (LIKE {_DEFAULT} INCLUDING ALL, {within})"))
    default = _of(_DEFAULT)
    moved = delete(default).where(default.c.id >= start, default.c.id < end).returning(*default.c).cte("moved")
    await conn.execute(insert(_of(name)).from_select([*default.c.keys()], select(moved)))
    await conn.execute(text(f"ALTER TABLE event ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')"))
    return name


async def archive(conn: AsyncConnection, month: Partition) -> int | None:
    """Move a month to the archive; returns the last position in it, before which nobody can resume any more.

    None where it has to stay: an event has no position, a consumer has not come so far, or a notification tells of one.
    """
    await conn.execute(text("LOCK TABLE report, alert IN SHARE ROW EXCLUSIVE MODE"))
    await conn.execute(text("LOCK TABLE ONLY event IN ACCESS EXCLUSIVE MODE"))  # as from here nobody adds to the month
    c = _of(month.name).c
    last: int = (await conn.execute(select(func.coalesce(func.max(c.position), 0)))).scalar_one()
    unplaced = exists().where(c.position.is_(None))
    unread = exists().where(consumer.c.position < last)
    told = exists().where(notification.c.event_id < month.end)
    if await conn.scalar(select(or_(unplaced, unread, told))):
        return None
    start = "MINVALUE" if month.start is None else f"'{month.start}'"
    await conn.execute(text(f"ALTER TABLE event DETACH PARTITION {month.name}"))
    await conn.execute(
        text(f"ALTER TABLE event_archive ATTACH PARTITION {month.name} FOR VALUES FROM ({start}) TO ('{month.end}')")
    )
    return last


def _of(name: str) -> TableClause:
    """A partition as a table of its own."""
    return table(name, *(column(c.name, c.type) for c in event.c))
