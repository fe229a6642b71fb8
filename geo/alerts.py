"""Alerts: what an authority tells an area. Everybody may read them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import shapely
from geoalchemy2.shape import from_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Row, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.cursor import PageCursor
from geo.errors import AlertEnded, InvalidPeriod, NotPermitted, UnknownAlert
from geo.geometry import SRID, Path
from geo.models import ActorKind, Alert, AlertEvent, AlertEventKind, Role, Severity
from geo.outlines import Where, overlaps
from geo.rows import alert_columns, to_alert
from geo.tables import alert, event
from geo.viewer import Viewer

MAX_DAYS = 30
_COLUMNS = alert_columns()
_EVENT = select(*(event.c[name] for name in AlertEvent.__dataclass_fields__))


class AlertOutcome(NamedTuple):
    """What a use-case did: its event, and the alert as it left it; None where an earlier answer is given again."""

    event: AlertEvent
    alert: Alert | None


def is_active(of: Alert) -> bool:
    """In force: neither withdrawn nor past its time."""
    return of.withdrawn_at is None and of.valid_until > datetime.now(UTC)


def _active() -> ColumnElement[bool]:
    return alert.c.withdrawn_at.is_(None) & (alert.c.valid_until > func.now())


def is_publisher(viewer: Viewer, of: Alert) -> bool:
    """Whether the viewer belongs to the authority that published it. Its residents' app does not, whatever its name."""
    return viewer.role is Role.ADMIN or (viewer.is_authority and viewer.organisation == of.organisation)


def check_valid_until(at: datetime, path: Path) -> None:
    """Raises `InvalidPeriod` for a time without an offset, one that is past, and one too far ahead."""
    if at.tzinfo is None:
        raise InvalidPeriod("This time has no offset.", path=path, hint="Such as 2026-11-01T00:00:00+01:00.")
    if not timedelta() < at - datetime.now(UTC) <= timedelta(days=MAX_DAYS):
        raise InvalidPeriod(
            f"{at.isoformat()} is past, or too far ahead.", path=path, hint=f"Within {MAX_DAYS} days from now."
        )


async def publish(
    conn: AsyncConnection,
    *,
    organisation: str,
    actor: ActorKind,
    severity: Severity,
    text: str,
    advice: str | None,
    code: str | None,
    outline: BaseGeometry,
    valid_until: datetime,
) -> Alert:
    """A new alert with version 1."""
    whole = shapely.MultiPolygon([outline] if isinstance(outline, shapely.Polygon) else outline.geoms)
    values = {
        "id": uuid7(),
        "organisation": organisation,
        "actor": actor,
        "severity": severity,
        "text": text,
        "advice": advice,
        "code": code,
        "geom": from_shape(whole, srid=SRID),
        "valid_until": valid_until,
        "version": 1,
    }
    # Of one moment, that of the statement.
    times = {"published_at": func.statement_timestamp(), "updated_at": func.statement_timestamp()}
    return to_alert((await conn.execute(insert(alert).values(**values, **times).returning(*_COLUMNS))).one())


async def by_ids(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Alert]:
    return {row.id: to_alert(row) for row in await conn.execute(select(*_COLUMNS).where(alert.c.id.in_(ids)))}


async def check_active(conn: AsyncConnection, alert_id: UUID, path: Path) -> Alert:
    """The alert; raises `UnknownAlert`, `AlertEnded`."""
    found = (await by_ids(conn, [alert_id])).get(alert_id)
    if found is None:
        raise _unknown(path)
    return _still_active(found, path)


async def lock(conn: AsyncConnection, viewer: Viewer, alert_id: UUID, path: Path) -> Alert:
    """An alert of the viewer's own, locked to be changed until the transaction ends.

    Raises `UnknownAlert`, `AlertEnded`, and `NotPermitted` for all but its publisher.
    """
    statement = select(*_COLUMNS).where(alert.c.id == alert_id).with_for_update(key_share=True)
    row = (await conn.execute(statement)).one_or_none()
    if row is None:
        raise _unknown(path)
    found = to_alert(row)
    if not is_publisher(viewer, found):
        raise NotPermitted(
            "Only the organisation that published an alert may change it.", path=path, hint="Publish one of your own."
        )
    return _still_active(found, path)


def _unknown(path: Path) -> UnknownAlert:
    return UnknownAlert(path=path, hint="Pass the `id` of an alert; `alerts` lists them.")


def _still_active(found: Alert, path: Path) -> Alert:
    if not is_active(found):
        raise AlertEnded(path=path, hint="`alerts` lists those in force.")
    return found


async def change(conn: AsyncConnection, locked: Alert, **changes: Any) -> Alert:
    """The next version of a locked alert."""
    statement = (
        update(alert)
        .where(alert.c.id == locked.id)
        .values(version=locked.version + 1, updated_at=func.clock_timestamp(), **changes)
        .returning(*_COLUMNS)
    )
    return to_alert((await conn.execute(statement)).one())


async def withdraw(conn: AsyncConnection, locked: Alert) -> Alert:
    """The next version of a locked alert, not in force any more."""
    return await change(conn, locked, withdrawn_at=func.clock_timestamp())


async def page(
    conn: AsyncConnection, where: Where, *, active_only: bool, after: PageCursor | None, first: int
) -> tuple[list[Alert], bool]:
    """The first alerts behind `after` whose area overlaps another, newest first, and whether there are more."""
    order = alert.c.published_at, alert.c.id
    statement = select(*_COLUMNS).where(overlaps(alert.c.geom, where))
    if active_only:
        statement = statement.where(_active())
    if after is not None:
        statement = statement.where(tuple_(*order) < tuple_(after.at, after.id))
    rows = await conn.execute(statement.order_by(*(column.desc() for column in order)).limit(first + 1))
    found = [to_alert(row) for row in rows]
    return found[:first], len(found) > first


def cursor_of(of: Alert) -> PageCursor:
    return PageCursor(of.published_at, of.id)


def _to_event(row: Row[Any]) -> AlertEvent:
    return AlertEvent(**{**row._mapping, "kind": AlertEventKind(row.kind), "actor": ActorKind(row.actor)})


async def event_of(conn: AsyncConnection, now: Alert) -> AlertEvent:
    """The event that made this version of an alert."""
    of = event.c.alert_id == now.id, event.c.version == now.version
    return _to_event((await conn.execute(_EVENT.where(*of))).one())


async def event_by_id(conn: AsyncConnection, event_id: UUID) -> AlertEvent:
    return _to_event((await conn.execute(_EVENT.where(event.c.id == event_id))).one())
