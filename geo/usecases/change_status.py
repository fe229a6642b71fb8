"""Take a report to another status, along the transition table."""

from dataclasses import dataclass
from uuid import UUID

from geo import events, idempotency, reports
from geo.db import Database
from geo.errors import NotPermitted, TransitionNotAllowed
from geo.models import EventKind, Outcome, ReportStatus
from geo.statuses import Statuses
from geo.texts import check_text
from geo.viewer import Viewer


@dataclass(frozen=True, slots=True)
class StatusChange:
    report_id: UUID
    to: ReportStatus
    remark: str | None


async def change_status(
    db: Database, statuses: Statuses, viewer: Viewer, change: StatusChange, idempotency_key: str | None
) -> Outcome:
    """The event of the change, or the first answer to the same key.

    Raises `UnknownReport`, `TransitionNotAllowed`, `NotPermitted`, `InvalidText`, and the problems of idempotency keys.
    """
    remark = None if change.remark is None else check_text(change.remark, ("input", "remark"))
    once = idempotency.Once(viewer, idempotency_key, "changeStatus", change)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before = await reports.lock(conn, viewer, change.report_id, ("input", "reportId"))
        if not viewer.works_in(before.place.codes):
            raise NotPermitted(
                "Only an authority may change the status, and only in its own territory.",
                path=("input", "reportId"),
                hint="See `allowedTransitions` on the report.",
            )
        allowed = await statuses.allowed(viewer, before)
        if change.to not in allowed:
            raise TransitionNotAllowed(
                f"A report that is {before.status} can't become {change.to}.",
                path=("input", "to"),
                hint=f"One of: {', '.join(allowed)}." if allowed else "You can't take it anywhere from here.",
                allowed=allowed,
            )
        after = await reports.set_status(conn, before, change.to)
        detail = {"from": before.status, "to": after.status, "remark": remark}
        event = await events.append(conn, EventKind.STATUS_CHANGED, viewer.actor, before, after, detail)
        await once.done(conn, event.id)
        return Outcome(event, after)
