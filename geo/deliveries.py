"""The feed, read in its order: each event with what its receivers need to know of."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Row, Select, Text, bindparam, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.events import NOTIFIED, to_alert_event, to_event
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


def _reading() -> Select[Any]:
    levels = event.c.before["visibility"].astext, event.c.visibility, report.c.visibility
    of_interest = or_(*(level == Visibility.INVOLVED for level in levels))
    involved = select(involvement.c.party).where(involvement.c.report_id == event.c.report_id, TIED)
    notified = select(notification.c.party).where(notification.c.notice_id == event.c.id)
    parties = case(
        (event.c.kind == NOTIFIED, func.array(notified.scalar_subquery())),
        (of_interest, func.array(involved.scalar_subquery())),
        else_=literal([], ARRAY(Text)),
    )
    return (
        select(
            *(c.label(f"event_{c.name}") for c in event.c),
            *columns(),
            *alert_columns("alert_"),
            parties.label("parties"),
        )
        .outerjoin(report, report.c.id == event.c.report_id)
        .outerjoin(alert, alert.c.id == event.c.alert_id)
        .where(event.c.position > bindparam("after"))
        .order_by(event.c.position)
        .limit(bindparam("most"))
    )


_READ = _reading()  # made once: it takes longer to make than to run


def _to_delivery(row: Row[Any]) -> AnyDelivery:
    if row.event_report_id is not None:
        return Delivery(to_event(row, "event_"), to_report(row), frozenset(row.parties))
    if row.event_alert_id is not None:
        return AlertDelivery(to_alert_event(row, "event_"), to_alert(row, "alert_"))
    return NoticeDelivery(Notice(row.event_id, row.event_position, row.event_at), frozenset(row.parties))


async def read(conn: AsyncConnection, after: int, most: int) -> list[AnyDelivery]:
    """The events behind a position, in feed order."""
    return [_to_delivery(row) for row in await conn.execute(_READ, {"after": after, "most": most})]
