"""Notifications: what a party was told of, newest first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.events import to_alert_event, to_event
from geo.models import Alert, AlertEvent, Event, Involvement, MailMode, Report, ReportStatus
from geo.recipients import CONTACT, Recipient
from geo.rows import alert_columns, columns, to_alert, to_report
from geo.tables import alert, event, involvement, notification, rating, report
from geo.viewer import Viewer
from geo.visibility import visible

MOST_UNREAD = 100  # more are not counted


@dataclass(frozen=True, slots=True)
class Notification:
    """An event that a party is told of, with its report or its alert as they are now.

    `roles` is what the party has to do with the report; `rated` whether it has judged the present resolution.
    """

    id: UUID
    notice_id: UUID
    party: str
    at: datetime
    read_at: datetime | None
    event: Event | AlertEvent
    report: Report | None
    alert: Alert | None
    roles: frozenset[Involvement]
    rated: bool

    @property
    def own(self) -> bool:
        """Whether it is told to whoever reported it."""
        own_contact = self.report is not None and self.party == f"{CONTACT}{self.report.id}"
        return Involvement.REPORTER in self.roles or own_contact

    @property
    def asks_for_rating(self) -> bool:
        """Whether it tells of a resolution, and whoever is told may still say if it is one."""
        if self.report is None or not isinstance(self.event, Event) or not self.roles or self.rated:
            return False
        before = self.event.before
        resolves = (
            self.event.after.status is ReportStatus.RESOLVED and before and before.status != ReportStatus.RESOLVED
        )
        until = self.report.feedback_until
        return bool(resolves and until and self.report.status is ReportStatus.RESOLVED and datetime.now(UTC) < until)


_OWN = involvement.c.report_id == report.c.id, involvement.c.party == notification.c.party
_RATED = exists().where(
    rating.c.report_id == report.c.id,
    rating.c.party == notification.c.party,
    rating.c.resolved_at == report.c.resolved_at,
)
READING: Select[Any] = (
    select(
        *(c.label(f"notification_{c.name}") for c in notification.c),
        *(c.label(f"event_{c.name}") for c in event.c),
        *columns(),
        *alert_columns("alert_"),
        func.array(select(involvement.c.role).where(*_OWN).scalar_subquery()).label("roles"),
        _RATED.label("rated"),
    )
    .join(event, event.c.id == notification.c.event_id)
    .outerjoin(report, report.c.id == event.c.report_id)
    .outerjoin(alert, alert.c.id == event.c.alert_id)
)


def to_notification(row: Row[Any]) -> Notification:
    of_report = row.event_report_id is not None
    return Notification(
        id=row.notification_id,
        notice_id=row.notification_notice_id,
        party=row.notification_party,
        at=row.notification_at,
        read_at=row.notification_read_at,
        event=to_event(row, "event_") if of_report else to_alert_event(row, "event_"),
        report=to_report(row) if of_report else None,
        alert=None if of_report else to_alert(row, "alert_"),
        roles=frozenset(map(Involvement, row.roles)),
        rated=row.rated,
    )


def _open_to(viewer: Viewer) -> ColumnElement[bool]:
    """What is told of is not hidden from its receiver by now: else there is no such notification."""
    seen = and_(visible(viewer, report), visible(viewer, report, event.c.visibility))
    return and_(notification.c.party == viewer.known_party(), or_(event.c.alert_id.is_not(None), seen))


async def add(
    conn: AsyncConnection, notice_id: UUID, told: Collection[Recipient]
) -> list[tuple[UUID, MailMode | None]]:
    """Tell the recipients of one event, whoever has not been told before; returns each new notification."""
    rows = [{"id": uuid7(), "party": to.party, "event_id": to.event_id, "mail": to.mail} for to in told]
    values = {"notice_id": notice_id, "at": func.clock_timestamp()}
    added = insert(notification).values(values).on_conflict_do_nothing()
    made = await conn.execute(added.returning(notification.c.id, notification.c.mail), rows)
    return [(row.id, row.mail and MailMode(row.mail)) for row in made]


async def page(conn: AsyncConnection, viewer: Viewer, after: UUID | None, limit: int) -> list[Notification]:
    """The viewer's notifications, newest first, behind one of them."""
    statement = READING.where(_open_to(viewer)).order_by(notification.c.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(notification.c.id < after)
    return [to_notification(row) for row in await conn.execute(statement)]


async def by_id(conn: AsyncConnection, viewer: Viewer, notification_id: UUID) -> Notification | None:
    rows = await conn.execute(READING.where(_open_to(viewer), notification.c.id == notification_id))
    row = rows.one_or_none()
    return None if row is None else to_notification(row)


async def of_notices(conn: AsyncConnection, viewer: Viewer, ids: Sequence[UUID]) -> dict[UUID, Notification]:
    """The viewer's notifications that were made with these notices, by the id of the notice."""
    rows = await conn.execute(READING.where(_open_to(viewer), notification.c.notice_id.in_(ids)))
    return {row.notification_notice_id: to_notification(row) for row in rows}


async def unread(conn: AsyncConnection, viewer: Viewer) -> int:
    """How many the viewer has not read, counted up to 100."""
    waiting = (
        select(notification.c.id)
        .join(event, event.c.id == notification.c.event_id)
        .outerjoin(report, report.c.id == event.c.report_id)
        .where(_open_to(viewer), notification.c.read_at.is_(None))
        .limit(MOST_UNREAD)
    )
    return (await conn.execute(select(func.count()).select_from(waiting.subquery()))).scalar_one()


async def purge(conn: AsyncConnection, before: UUID, most: int) -> int:
    """Forget notifications of events with an id before this one, the oldest first; returns how many, at most `most`."""
    c = notification.c
    old = select(c.id).where(c.event_id < before).order_by(c.event_id).limit(most).with_for_update(skip_locked=True)
    return (await conn.execute(delete(notification).where(c.id.in_(old)))).rowcount


async def mark_read(conn: AsyncConnection, party: str, ids: Sequence[UUID] | None) -> None:
    """Mark these of the party's notifications as read, or without ids all of them."""
    which = [] if ids is None else [notification.c.id.in_(ids)]
    unread = notification.c.party == party, notification.c.read_at.is_(None), *which
    await conn.execute(update(notification).where(*unread).values(read_at=func.now()))
