"""Update an alert: say it otherwise, or let it be in force for longer or shorter."""

from typing import Any
from uuid import UUID

from geo import alerts, events, idempotency
from geo.alerts import AlertOutcome
from geo.db import Database
from geo.errors import InvalidText
from geo.models import AlertEventKind
from geo.texts import check_text
from geo.viewer import Viewer


async def update_alert(
    db: Database, viewer: Viewer, alert_id: UUID, changes: dict[str, Any], idempotency_key: str | None
) -> AlertOutcome:
    """The event of the update, or the first answer to the same key. `changes` has some of `severity`, `text`, `advice`
    (None takes it away) and `valid_until`.

    Raises `UnknownAlert`, `AlertEnded`, `InvalidText`, `InvalidPeriod`, `NotPermitted` for all but its publisher, and
    the problems of idempotency keys.
    """
    if not changes:
        raise InvalidText("This changes nothing.", path=("input",), hint="Give what is to read otherwise.")
    texts = {name: changes[name] for name in ("text", "advice") if changes.get(name) is not None}
    clean = changes | {name: check_text(text, ("input", name)) for name, text in texts.items()}
    once = idempotency.Once(viewer, idempotency_key, "updateAlert", alert_id, changes)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return AlertOutcome(await alerts.event_by_id(conn, earlier), None)
        before = await alerts.lock(conn, viewer, alert_id, ("input", "alertId"))
        if "valid_until" in changes:
            alerts.check_valid_until(changes["valid_until"], ("input", "validUntil"))
        alert = await alerts.change(conn, before, **clean)
        await events.append_alert(conn, AlertEventKind.ALERT_UPDATED, alert, party=viewer.party)
        event = await alerts.event_of(conn, alert)
        await once.done(conn, event.id)
        return AlertOutcome(event, alert)
