"""The event log, appended in the transaction of the change. `geo.positions` gives each event its place in the feed."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, FromClause, Row, func, insert, literal, select, text, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.cursor import PageCursor
from geo.ids import first_beside, id_about
from geo.models import (
    ActorKind,
    Alert,
    AlertEvent,
    AlertEventKind,
    Event,
    EventKind,
    Facts,
    Point,
    Report,
    ReportStatus,
    Urgency,
    Visibility,
)
from geo.tables import event, event_archive, report
from geo.viewer import Viewer
from geo.visibility import visible

NOTIFIED = "NOTIFIED"  # the kind of an event that is about no report and no alert, but about notifications


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
        status=ReportStatus[stored["status"]],
        urgency=Urgency[stored["urgency"]],
        visibility=Visibility[stored["visibility"]],
        location=Point(*stored["location"]),
        codes=tuple(stored["codes"]),
        submitted_at=datetime.fromisoformat(stored["submitted_at"]),
    )


@lru_cache(maxsize=4_096)
def facts_in(text: str) -> Facts:
    """The same for the same JSON: what an event found is mostly what the one before it left."""
    return _facts(orjson.loads(text))


def to_event(row: Row[Any], prefix: str = "", facts: Callable[[Any], Facts] = _facts) -> Event:
    """The event of a report, from the columns of `event`, each with the prefix before its name; `facts` reads what
    these have of `before` and `after`."""
    event_id, position, report_id, version, kind, actor, at, before, after, detail = _values(prefix)(row)
    return Event(
        id=event_id,
        position=position,
        report_id=report_id,
        version=version,
        kind=EventKind[kind],
        actor=ActorKind[actor],
        at=at,
        before=facts(before) if before else None,
        after=facts(after),
        detail=detail,
    )


@cache
def _values(prefix: str) -> Callable[[Row[Any]], tuple[Any, ...]]:
    """Made once for each prefix: events are read by the hundred thousand."""
    return attrgetter(*(prefix + name for name in Event.__dataclass_fields__))


def to_alert_event(row: Row[Any], prefix: str = "") -> AlertEvent:
    """The event of an alert, from the columns of `event`, each with the prefix before its name."""
    values = {name: getattr(row, prefix + name) for name in AlertEvent.__dataclass_fields__}
    return AlertEvent(**values | {"kind": AlertEventKind(values["kind"]), "actor": ActorKind(values["actor"])})


_APPEND = insert(event).returning(*event.c)


async def append(
    conn: AsyncConnection,
    kind: EventKind,
    actor: ActorKind,
    before: Report | None,
    after: Report,
    detail: dict[str, Any],
    *,
    party: str | None = None,
) -> Event:
    """Record a change in the transaction that makes it. `before` is None for a new report; `party` is who made it."""
    values = {
        "id": id_about(after.id),
        "report_id": after.id,
        "version": after.version,
        "kind": kind,
        "actor": actor,
        "party": party,
        "at": after.updated_at,
        "visibility": after.visibility,
        "before": before and _stored(facts_of(before)),
        "after": _stored(facts_of(after)),
        "detail": detail,
    }
    return to_event((await conn.execute(_APPEND, values)).one())


async def append_alert(conn: AsyncConnection, kind: AlertEventKind, now: Alert, *, party: str | None = None) -> None:
    """Record a change of an alert in the transaction that makes it; `party` is who made it."""
    values = {
        "id": uuid7(),
        "alert_id": now.id,
        "version": now.version,
        "kind": kind,
        "actor": now.actor,
        "party": party,
        "at": now.updated_at,
        "visibility": Visibility.PUBLIC,
        "detail": {},
    }
    await conn.execute(insert(event), values)


async def append_notice(conn: AsyncConnection) -> UUID:
    """Record that notifications are made, in the transaction that makes them; they refer to the id."""
    notice_id = uuid7()
    values = {"id": notice_id, "kind": NOTIFIED, "actor": ActorKind.SYSTEM, "visibility": Visibility.INVOLVED}
    await conn.execute(insert(event).values(at=func.clock_timestamp(), detail={}), values)
    return notice_id


# All events there ever were; first those that may be archived meanwhile, and are then found in the archive.
_ALL = union_all(select(event), select(event_archive)).subquery("event")


async def by_id(conn: AsyncConnection, event_id: UUID) -> Event:
    return to_event((await conn.execute(select(_ALL).where(_ALL.c.id == event_id))).one())


async def timeline(
    conn: AsyncConnection, viewer: Viewer, report_ids: Sequence[UUID], after: PageCursor | None, limit: int
) -> dict[UUID, list[Event]]:
    """The first `limit` events behind `after` of each report, oldest first, as far as the viewer may know of them."""
    of = (
        func.unnest(literal(list(report_ids), ARRAY(_ALL.c.report_id.type)))
        .table_valued("id", name="of")
        .render_derived()
    )
    inner: FromClause = (
        select(_ALL)
        .where(_ALL.c.report_id == of.c.id, visible(viewer, report, _ALL.c.visibility))
        .where(_ALL.c.id >= first_beside(min(report_ids)))  # older partitions are not looked at
        .where(*([tuple_(_ALL.c.at, _ALL.c.id) > tuple_(after.at, after.id)] if after else []))
        .order_by(_ALL.c.at, _ALL.c.id)
        .limit(limit)
        .correlate(of, report)
        .lateral("history")
    )
    statement = select(inner).select_from(of.join(report, report.c.id == of.c.id).join(inner, text("true")))
    found: dict[UUID, list[Event]] = {report_id: [] for report_id in report_ids}
    for row in await conn.execute(statement):
        found[row.report_id].append(to_event(row))
    return found
