"""Take a report to another status, along the transition table."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from geo import adoptions, contacts, events, idempotency, reports
from geo.categories import Categories
from geo.db import Database
from geo.errors import NotPermitted
from geo.models import AdoptionEnding, EventKind, Outcome, ReportStatus
from geo.published import publishable
from geo.statuses import Statuses
from geo.usecases.reopen import reopen
from geo.viewer import Viewer

FINISHED = frozenset({ReportStatus.RESOLVED, ReportStatus.REJECTED})  # from which the only step is to open it again


@dataclass(frozen=True, slots=True)
class StatusChange:
    report_id: UUID
    to: ReportStatus
    remark: str | None
    mask: bool = False  # personal data in the remark, rather than refuse it


async def change_status(
    db: Database,
    categories: Categories,
    statuses: Statuses,
    viewer: Viewer,
    change: StatusChange,
    idempotency_key: str | None,
) -> Outcome:
    """The event of the change, or the first answer to the same key.

    Raises `UnknownReport`, `TransitionNotAllowed`, `NotPermitted`, `InvalidText`, `PersonalDataFound`,
    and the problems of idempotency keys.
    """
    remark = None
    if change.remark is not None:
        remark = publishable(change.remark, ("input", "remark"), mask=change.mask).text
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
        await statuses.check(before, change.to, viewer.role, ("input", "to"))
        if before.status is ReportStatus.ADOPTED:
            await adoptions.end(conn, before.id, AdoptionEnding.TAKEN_OVER)
        if before.status in FINISHED:
            event, after = await reopen(conn, categories, viewer, before, remark)
        else:
            category = (await categories.all())[before.category]
            after = await reports.set_status(conn, before, change.to, viewer.actor, category.feedback_days)
            if after.status is ReportStatus.REJECTED:  # nobody judges it, and no time passes before it is final
                await contacts.expire(conn, after.id, after.updated_at + timedelta(days=category.contact_days))
            detail = {"from": before.status, "to": after.status, "remark": remark}
            event = await events.append(
                conn, EventKind.STATUS_CHANGED, viewer.actor, before, after, detail, party=viewer.party
            )
        await once.done(conn, event.id)
        return Outcome(event, after)
