"""The event log: appended in the transaction of the change, placed in the feed after its commit, read in feed order."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    FromClause,
    Row,
    Select,
    Text,
    bindparam,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.cursor import PageCursor
from geo.models import ActorKind, Event, EventKind, Facts, Point, Report, ReportStatus, Urgency, Visibility
from geo.rows import columns, to_report
from geo.tables import event, feed, involvement, report
from geo.viewer import Viewer
from geo.visibility import visible

PLACING_LOCK = 0x504C4143  # "PLAC": whoever holds it gives out positions


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event with what its receivers need: the report as it stands now, and who is involved in it."""

    event: Event
    report: Report
    involved: frozenset[str]


def facts_of(of: Report) -> Facts:
    return Facts(
        category=of.category,
        status=of.status,
        urgency=of.urgency,
        visibility=of.visibility,
        location=of.location,
        codes=of.place.codes,
        submitted_at=of.submitted_at,
    )


def _stored(facts: Facts) -> dict[str, Any]:
    return {**asdict(facts), "location": [*facts.location]}


def _facts(stored: dict[str, Any]) -> Facts:
    return Facts(
        category=stored["category"],
        status=ReportStatus(stored["status"]),
        urgency=Urgency(stored["urgency"]),
        visibility=Visibility(stored["visibility"]),
        location=Point(*stored["location"]),
        codes=tuple(stored["codes"]),
        submitted_at=datetime.fromisoformat(stored["submitted_at"]),
    )


def _to_event(row: Row[Any], prefix: str = "") -> Event:
    values = {name: getattr(row, prefix + name) for name in event.columns.keys()}  # noqa: SIM118 - a column collection is no dict
    return Event(
        id=values["id"],
        position=values["position"],
        report_id=values["report_id"],
        version=values["version"],
        kind=EventKind(values["kind"]),
        actor=ActorKind(values["actor"]),
        at=values["at"],
        before=_facts(values["before"]) if values["before"] else None,
        after=_facts(values["after"]),
        detail=values["detail"],
    )


_APPEND = insert(event).returning(*event.c)


async def append(
    conn: AsyncConnection,
    kind: EventKind,
    actor: ActorKind,
    before: Report | None,
    after: Report,
    detail: dict[str, Any],
) -> Event:
    """Record a change in the transaction that makes it. `before` is None for a new report."""
    values = {
        "id": uuid7(),
        "report_id": after.id,
        "version": after.version,
        "kind": kind,
        "actor": actor,
        "at": after.updated_at,
        "visibility": after.visibility,
        "before": before and _stored(facts_of(before)),
        "after": _stored(facts_of(after)),
        "detail": detail,
    }
    return _to_event((await conn.execute(_APPEND, values)).one())


async def by_id(conn: AsyncConnection, event_id: UUID) -> Event:
    return _to_event((await conn.execute(select(event).where(event.c.id == event_id))).one())


_LOCK = select(func.pg_advisory_xact_lock(PLACING_LOCK))
_PLACE = text("""
    WITH unplaced AS (
        SELECT id, version, max(at) OVER (PARTITION BY report_id ORDER BY version) AS settled
        FROM event WHERE position IS NULL
    ), ranked AS (
        SELECT id, row_number() OVER (ORDER BY settled, version, id) AS rank FROM unplaced
    ), placed AS (
        UPDATE event SET position = feed.position + ranked.rank FROM ranked, feed WHERE event.id = ranked.id
        RETURNING event.id
    )
    UPDATE feed SET position = position + fresh.count FROM (SELECT count(*) FROM placed) AS fresh WHERE fresh.count > 0
    RETURNING fresh.count
""")


async def place(conn: AsyncConnection) -> int:
    """Give every committed event that has none its position; returns how many. Runs in a transaction of its own.

    The lock is held until the commit, so positions become visible in order and without gaps. The statement behind it
    sees all that was committed before; of one report it sees version n whenever it sees n + 1.
    """
    await conn.execute(_LOCK)
    placed: int | None = (await conn.execute(_PLACE)).scalar()
    return placed or 0


class Head(NamedTuple):
    """How far the feed is, and the version of the map.

    Read behind events, the map is at least the one that they were made on.
    """

    epoch: UUID
    position: int
    map_version: int


_HEAD = select(feed.c.epoch, feed.c.position, feed.c.map_version)


async def head(conn: AsyncConnection) -> Head:
    return Head(*(await conn.execute(_HEAD)).one())


async def raise_map_version(conn: AsyncConnection) -> None:
    """Tell watchers that codes may lead elsewhere, in the transaction that replaces a map and as the last thing in it:
    no event gets its position until the commit."""
    await conn.execute(update(feed).values(map_version=feed.c.map_version + 1))


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


def _reading() -> Select[Any]:
    levels = event.c.before["visibility"].astext, event.c.visibility, report.c.visibility
    of_interest = or_(*(level == Visibility.INVOLVED for level in levels))
    parties = select(involvement.c.party).where(involvement.c.report_id == event.c.report_id)
    involved = case((of_interest, func.array(parties.scalar_subquery())), else_=literal([], ARRAY(Text)))
    return (
        select(*(c.label(f"event_{c.name}") for c in event.c), *columns(), involved.label("involved"))
        .join(report, report.c.id == event.c.report_id)
        .where(event.c.position > bindparam("after"))
        .order_by(event.c.position)
        .limit(bindparam("most"))
    )


_READ = _reading()  # made once: it takes longer to make than to run


async def read(conn: AsyncConnection, after: int, most: int) -> list[Delivery]:
    """The events behind a position, in feed order, each with its report as it stands now."""
    rows = await conn.execute(_READ, {"after": after, "most": most})
    return [Delivery(_to_event(row, "event_"), to_report(row), frozenset(row.involved)) for row in rows]


async def timeline(
    conn: AsyncConnection, viewer: Viewer, report_ids: Sequence[UUID], after: PageCursor | None, limit: int
) -> dict[UUID, list[Event]]:
    """The first `limit` events behind `after` of each report, oldest first, as far as the viewer may know of them."""
    of = (
        func.unnest(literal(list(report_ids), ARRAY(event.c.report_id.type)))
        .table_valued("id", name="of")
        .render_derived()
    )
    inner: FromClause = (
        select(event)
        .where(event.c.report_id == of.c.id, visible(viewer, report, event.c.visibility))
        .where(*([tuple_(event.c.at, event.c.id) > tuple_(after.at, after.id)] if after else []))
        .order_by(event.c.at, event.c.id)
        .limit(limit)
        .correlate(of, report)
        .lateral("history")
    )
    statement = select(inner).select_from(of.join(report, report.c.id == of.c.id).join(inner, text("true")))
    found: dict[UUID, list[Event]] = {report_id: [] for report_id in report_ids}
    for row in await conn.execute(statement):
        found[row.report_id].append(_to_event(row))
    return found
