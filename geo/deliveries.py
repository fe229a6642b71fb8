"""The feed, read in its order: each event with what its receivers need to know of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Row, Select, Text, any_, bindparam, cast, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.events import facts_in, to_alert_event, to_event
from geo.models import Alert, AlertEvent, Event, Notice, Report, Visibility
from geo.rows import alert_columns, columns, to_alert, to_report
from geo.tables import alert, event, involvement, notification, report
from geo.visibility import TIED


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event of a report: the report as it stands now, and who is involved in it where that decides who may know."""

    event: Event
    report: Report
    involved: frozenset[str]


@dataclass(frozen=True, slots=True)
class AlertDelivery:
    """An event of an alert, with the alert as it stands now."""

    event: AlertEvent
    alert: Alert


@dataclass(frozen=True, slots=True)
class NoticeDelivery:
    """The event that notifications were made, and for whom."""

    event: Notice
    parties: frozenset[str]


AnyDelivery = Delivery | AlertDelivery | NoticeDelivery


_TEXTS = [
    func.nullif(cast(event.c[name], Text), "null").label(name) for name in ("before", "after")
]  # not parsed where they were before
_EVENTS = (
    select(*(c for c in event.c if c.name not in {"before", "after"}), *_TEXTS)
    .where(event.c.position > bindparam("after"))
    .order_by(event.c.position)
    .limit(bindparam("most"))
)
_AMONG = bindparam("ids", type_=ARRAY(postgresql.UUID))
_REPORTS = select(*columns()).where(report.c.id == any_(_AMONG))
_ALERTS = select(*alert_columns()).where(alert.c.id == any_(_AMONG))
_INVOLVED = (
    select(involvement.c.report_id, func.array_agg(involvement.c.party).label("parties"))
    .where(involvement.c.report_id == any_(_AMONG), TIED)
    .group_by(involvement.c.report_id)
)
_NOTIFIED = (
    select(notification.c.notice_id, func.array_agg(notification.c.party).label("parties"))
    .where(notification.c.notice_id == any_(_AMONG))
    .group_by(notification.c.notice_id)
)


async def read(conn: AsyncConnection, after: int, most: int) -> list[AnyDelivery]:
    """The events behind a position, in feed order.

    What they are about is read behind them, each thing once, so it may be newer than an event, never older.
    """
    rows = (await conn.execute(_EVENTS, {"after": after, "most": most})).all()
    events = {row.id: to_event(row, facts=facts_in) for row in rows if row.report_id}
    reports = {row.id: to_report(row) for row in await _among(conn, _REPORTS, {row.report_id for row in rows})}
    alerts = {row.id: to_alert(row) for row in await _among(conn, _ALERTS, {row.alert_id for row in rows})}
    narrow = {event.report_id for event in events.values() if _among_involved(event, reports[event.report_id])}
    involved = {row.report_id: frozenset(row.parties) for row in await _among(conn, _INVOLVED, narrow)}
    notices = {row.id for row in rows if not row.report_id and not row.alert_id}
    notified = {row.notice_id: frozenset(row.parties) for row in await _among(conn, _NOTIFIED, notices)}

    def delivery(row: Row[Any]) -> AnyDelivery:
        if row.report_id:
            return Delivery(events[row.id], reports[row.report_id], involved.get(row.report_id, frozenset()))
        if row.alert_id:
            return AlertDelivery(to_alert_event(row), alerts[row.alert_id])
        return NoticeDelivery(Notice(row.id, row.position, row.at), notified.get(row.id, frozenset()))

    return [delivery(row) for row in rows]


async def _among(conn: AsyncConnection, statement: Select[Any], ids: set[Any]) -> Sequence[Row[Any]]:
    ids.discard(None)
    return (await conn.execute(statement, {"ids": list(ids)})).all() if ids else []


def _among_involved(event: Event, report: Report) -> bool:
    """Whether it decides who may know of an event who is involved in its report."""
    levels = event.before and event.before.visibility, event.after.visibility, report.visibility
    return Visibility.INVOLVED in levels
