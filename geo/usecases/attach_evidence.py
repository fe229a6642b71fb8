"""Attach a remark or a photo to a locked report."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import events, evidence, involvement, reports, uploads
from geo.geometry import Path
from geo.models import EventKind, Involvement, Outcome, Report
from geo.published import Written
from geo.viewer import Viewer


async def attach_evidence(
    conn: AsyncConnection, author: Viewer, before: Report, written: Written | None, upload_id: UUID | None, path: Path
) -> Outcome:
    """The event of the new evidence; `path` is where the upload was named.

    Raises `UnknownUpload`, `UploadNotReady`, `NotPermitted`.
    """
    party = author.known_party()
    if upload_id is not None:
        await uploads.claim(conn, party, upload_id, path)
    piece = await evidence.add(
        conn,
        before.id,
        remark=written and written.text,
        original=written and written.original,
        upload_id=upload_id,
        party=party,
        added_by=author.actor,
    )
    await involvement.involve(conn, before.id, party, Involvement.CONTRIBUTOR)
    after = await reports.change(conn, before)
    detail = {"evidence": str(piece.id), "kind": piece.kind}
    event = await events.append(conn, EventKind.EVIDENCE_ADDED, author.actor, before, after, detail, party=party)
    return Outcome(event, after)
