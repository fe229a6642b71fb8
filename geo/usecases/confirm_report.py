"""Say of a report that it is still there, or gone."""

from uuid import UUID

from geo import confirmations, events, idempotency, involvement, reports
from geo.db import Database
from geo.models import EventKind, Involvement, Outcome, Verdict
from geo.viewer import Viewer


async def confirm_report(
    db: Database, viewer: Viewer, report_id: UUID, verdict: Verdict, idempotency_key: str | None
) -> Outcome:
    """The event of the confirmation, or the first answer to the same key.

    Raises `UnknownReport`, `NotPermitted`, and the problems of idempotency keys.
    """
    party = viewer.known_party()
    once = idempotency.Once(viewer, idempotency_key, "confirmReport", report_id, verdict)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before = await reports.lock(conn, viewer, report_id, ("input", "reportId"))
        still_there = await confirmations.record(conn, before.id, party, verdict)
        await involvement.involve(conn, before.id, party, Involvement.CONFIRMER)
        after = await reports.confirm(conn, before, still_there, verdict)
        detail = {"verdict": verdict}
        event = await events.append(
            conn, EventKind.REPORT_CONFIRMED, viewer.actor, before, after, detail, party=viewer.party
        )
        await once.done(conn, event.id)
        return Outcome(event, after)
