"""Add evidence to a report: a remark, a photo, or both."""

from dataclasses import dataclass
from uuid import UUID

from geo import events, evidence, idempotency, involvement, reports, uploads
from geo.db import Database
from geo.errors import InvalidEvidence
from geo.models import EventKind, Involvement, Outcome
from geo.texts import check_text
from geo.viewer import Viewer


@dataclass(frozen=True, slots=True)
class EvidenceDraft:
    report_id: UUID
    remark: str | None
    upload_id: UUID | None


async def add_evidence(db: Database, viewer: Viewer, draft: EvidenceDraft, idempotency_key: str | None) -> Outcome:
    """The event of the new evidence, or the first answer to the same key.

    Raises `InvalidEvidence`, `InvalidText`, `UnknownReport`, `UnknownUpload`, `UploadNotReady`, `NotPermitted`, and the
    problems of idempotency keys.
    """
    party = viewer.known_party()
    if draft.remark is None and draft.upload_id is None:
        raise InvalidEvidence(path=("input",), hint="Give a `remark`, an `uploadId`, or both.")
    remark = None if draft.remark is None else check_text(draft.remark, ("input", "remark"))
    once = idempotency.Once(viewer, idempotency_key, "addEvidence", draft)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before = await reports.lock(conn, viewer, draft.report_id, ("input", "reportId"))
        if draft.upload_id is not None:
            await uploads.claim(conn, party, draft.upload_id, ("input", "uploadId"))
        piece = await evidence.add(
            conn, before.id, remark=remark, upload_id=draft.upload_id, party=party, added_by=viewer.actor
        )
        await involvement.involve(conn, before.id, party, Involvement.CONTRIBUTOR)
        after = await reports.change(conn, before)
        detail = {"evidence": str(piece.id)}
        event = await events.append(conn, EventKind.EVIDENCE_ADDED, viewer.actor, before, after, detail)
        await once.done(conn, event.id)
        return Outcome(event, after)
