"""Give an adopted report back; it goes the usual way again."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import adoptions, events, idempotency, reports
from geo.db import Database
from geo.errors import NotAdopted
from geo.models import ActorKind, AdoptionEnding, Event, EventKind, Outcome, Report, ReportStatus, Standing
from geo.statuses import Statuses
from geo.viewer import Viewer


async def release_report(
    db: Database, statuses: Statuses, viewer: Viewer, report_id: UUID, idempotency_key: str | None
) -> Outcome:
    """The event of the release, or the first answer to the same key.

    Raises `UnknownReport`, `NotAdopted`, `TransitionNotAllowed`, `NotPermitted`, and the problems of idempotency keys.
    """
    party = viewer.known_party()
    once = idempotency.Once(viewer, idempotency_key, "releaseReport", report_id)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before = await reports.lock(conn, viewer, report_id, ("input", "reportId"))
        await check_adopter(conn, before, party)
        await statuses.check(before, ReportStatus.REPORTED, Standing.ADOPTER, ("input", "reportId"))
        event, after = await give_back(conn, before, AdoptionEnding.RELEASED, viewer.actor, party)
        await once.done(conn, event.id)
        return Outcome(event, after)


async def check_adopter(conn: AsyncConnection, report: Report, party: str) -> None:
    """Whether this party has the report in hand; raises `NotAdopted`."""
    current = (await adoptions.latest(conn, [report.id])).get(report.id)
    if report.status is not ReportStatus.ADOPTED or current is None or current.party != party:
        raise NotAdopted(path=("input", "reportId"), hint="Only who adopted it can do this, while it is adopted.")


async def give_back(
    conn: AsyncConnection, before: Report, ending: AdoptionEnding, actor: ActorKind, party: str | None
) -> tuple[Event, Report]:
    """End the adoption of a locked report without a solution."""
    await adoptions.end(conn, before.id, ending)
    after = await reports.change(conn, before, status=ReportStatus.REPORTED)
    detail = {"ending": ending}
    return await events.append(conn, EventKind.ADOPTION_ENDED, actor, before, after, detail, party=party), after
