"""Say of an adopted report that it is done, with a photo that shows it."""

from dataclasses import dataclass
from uuid import UUID

from geo import adoptions, events, evidence, idempotency, involvement, reports, uploads
from geo.categories import Categories
from geo.db import Database
from geo.models import AdoptionEnding, EventKind, Involvement, Outcome, ReportStatus, Standing
from geo.published import publishable
from geo.statuses import Statuses
from geo.usecases.release_report import check_adopter
from geo.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Completion:
    """What the adopter shows and says. Personal data in the remark are masked for the public, or refused."""

    report_id: UUID
    upload_id: UUID
    remark: str | None
    mask_personal_data: bool = False


async def complete_adoption(
    db: Database,
    categories: Categories,
    statuses: Statuses,
    viewer: Viewer,
    completion: Completion,
    idempotency_key: str | None,
) -> Outcome:
    """The event of the completion, or the first answer to the same key.

    Raises `UnknownReport`, `NotAdopted`, `TransitionNotAllowed`, `UnknownUpload`, `UploadNotReady`, `InvalidText`,
    `PersonalDataFound`, `NotPermitted`, and the problems of idempotency keys.
    """
    party = viewer.known_party()
    remark: str | None = None
    original: str | None = None
    if completion.remark is not None:
        remark, original = publishable(completion.remark, ("input", "remark"), mask=completion.mask_personal_data)
    once = idempotency.Once(viewer, idempotency_key, "completeAdoption", completion)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before = await reports.lock(conn, viewer, completion.report_id, ("input", "reportId"))
        await check_adopter(conn, before, party)
        await statuses.check(before, ReportStatus.RESOLVED, Standing.ADOPTER, ("input", "reportId"))
        await uploads.claim(conn, party, completion.upload_id, ("input", "uploadId"))
        piece = await evidence.add(
            conn,
            before.id,
            remark=remark,
            original=original,
            upload_id=completion.upload_id,
            party=party,
            added_by=viewer.actor,
        )
        await involvement.involve(conn, before.id, party, Involvement.CONTRIBUTOR)
        await adoptions.end(conn, before.id, AdoptionEnding.COMPLETED)
        days = (await categories.all())[before.category].feedback_days
        after = await reports.set_status(conn, before, ReportStatus.RESOLVED, viewer.actor, days)
        detail = {"evidence": str(piece.id)}
        event = await events.append(
            conn, EventKind.ADOPTION_COMPLETED, viewer.actor, before, after, detail, party=party
        )
        await once.done(conn, event.id)
        return Outcome(event, after)
