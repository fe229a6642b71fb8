"""Withdraw an alert, before its time is over."""

from uuid import UUID

from geo import alerts, events, idempotency
from geo.alerts import AlertOutcome
from geo.db import Database
from geo.models import AlertEventKind
from geo.viewer import Viewer


async def withdraw_alert(db: Database, viewer: Viewer, alert_id: UUID, idempotency_key: str | None) -> AlertOutcome:
    """The event of the withdrawal, or the first answer to the same key.

    Raises `UnknownAlert`, `AlertEnded`, `NotPermitted` for all but its publisher, and the problems of idempotency keys.
    """
    once = idempotency.Once(viewer, idempotency_key, "withdrawAlert", alert_id)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return AlertOutcome(await alerts.event_by_id(conn, earlier), None)
        before = await alerts.lock(conn, viewer, alert_id, ("input", "alertId"))
        alert = await alerts.withdraw(conn, before)
        await events.append_alert(conn, AlertEventKind.ALERT_WITHDRAWN, alert, party=viewer.party)
        event = await alerts.event_of(conn, alert)
        await once.done(conn, event.id)
        return AlertOutcome(event, alert)
