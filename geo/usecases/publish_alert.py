"""Publish an alert: check, look at whose territory it is, store it, append the event."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import alerts, areas, events, idempotency
from geo.alerts import AlertOutcome
from geo.db import Database
from geo.errors import NotPermitted
from geo.geometry import Path
from geo.models import AlertEventKind, Severity
from geo.outlines import Where, in_territory, read_outline
from geo.texts import check_text
from geo.viewer import Viewer


@dataclass(frozen=True, slots=True)
class AlertDraft:
    """What an authority wants to tell, and where."""

    area: Where
    severity: Severity
    text: str
    advice: str | None
    valid_until: datetime


async def publish_alert(db: Database, viewer: Viewer, draft: AlertDraft, idempotency_key: str | None) -> AlertOutcome:
    """The event of the new alert, or the first answer to the same key.

    Raises `NotPermitted` for all but authorities within their own territory, `InvalidText`, `InvalidPeriod`,
    `UnknownArea`, `OutsideKnownArea`, and the problems of idempotency keys.
    """
    if not viewer.is_authority or viewer.organisation is None:
        raise NotPermitted(
            "Only the municipality and the police publish alerts.",
            hint="A resident reports what there is with submitReport.",
        )
    text = check_text(draft.text, ("input", "text"))
    advice = None if draft.advice is None else check_text(draft.advice, ("input", "advice"))
    once = idempotency.Once(viewer, idempotency_key, "publishAlert", repr(draft))
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return AlertOutcome(await alerts.event_by_id(conn, earlier), None)
        alerts.check_valid_until(draft.valid_until, ("input", "validUntil"))
        where = await _in_force(conn, draft.area, ("input", "area"))
        if not await in_territory(conn, viewer, where):
            raise NotPermitted(
                "This area does not lie, or not wholly, in your territory.",
                path=("input", "area"),
                hint=f"Stay within {', '.join(sorted(viewer.areas)) or 'the areas of your token, which has none'}.",
            )
        alert = await alerts.publish(
            conn,
            organisation=viewer.organisation,
            actor=viewer.actor,
            severity=draft.severity,
            text=text,
            advice=advice,
            code=where if isinstance(where, str) else None,
            outline=await read_outline(conn, where),
            valid_until=draft.valid_until,
        )
        await events.append_alert(conn, AlertEventKind.ALERT_PUBLISHED, alert, party=viewer.party)
        event = await alerts.event_of(conn, alert)
        await once.done(conn, event.id)
        return AlertOutcome(event, alert)


async def _in_force(conn: AsyncConnection, where: Where, path: Path) -> Where:
    """The area that a code leads to, or the shape where anything is known; raises `UnknownArea`, `OutsideKnownArea`."""
    if not isinstance(where, str):
        await areas.check_known(conn, where, path)
        return where
    found = await areas.by_code(conn, where)
    if found is None:
        raise areas.unknown(where, (*path, "code"))
    return found.code
