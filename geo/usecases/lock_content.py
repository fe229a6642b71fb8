"""Lock what people wrote: the description of a report, or a piece of evidence.

Evidence is locked by its report, as everything that changes with the report is.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import evidence, reports
from geo.errors import InvalidId, NotPermitted, UnknownEvidence, UnknownReport
from geo.geometry import Path
from geo.models import Evidence, HiddenReason, Report
from geo.viewer import Viewer


class Content(NamedTuple):
    """What is to be hidden or shown: one of the two."""

    report_id: UUID | None
    evidence_id: UUID | None


async def lock_evidence(
    conn: AsyncConnection, viewer: Viewer, evidence_id: UUID, path: Path
) -> tuple[Report, Evidence]:
    """The evidence with its report, which is locked; raises `UnknownEvidence` where there is none for this viewer.

    A merge, or one undone, may take it to another report while this waits for the lock; then it follows.
    """
    unknown = UnknownEvidence(path=path, hint="Pass the `id` of evidence that you can read.")
    while piece := await evidence.by_id(conn, evidence_id):
        try:
            report = await reports.lock(conn, viewer, piece.report_id, path)
        except UnknownReport:
            raise unknown from None
        piece = await evidence.by_id(conn, evidence_id)
        if piece is not None and piece.report_id == report.id:
            return report, piece
    raise unknown


async def lock_content(conn: AsyncConnection, viewer: Viewer, content: Content) -> tuple[Report, Evidence | None]:
    """What a moderator may hide or show: evidence with its report, or a report with its description.

    Raises `InvalidId`, `UnknownReport`, `UnknownEvidence`, `NotPermitted`.
    """
    piece = None
    match content:
        case Content(report_id=UUID() as report_id, evidence_id=None):
            path: Path = ("input", "reportId")
            report = await reports.lock(conn, viewer, report_id, path)
        case Content(report_id=None, evidence_id=UUID() as evidence_id):
            path = ("input", "evidenceId")
            report, piece = await lock_evidence(conn, viewer, evidence_id, path)
        case _:
            raise InvalidId(path=("input",), hint="Give a `reportId` or an `evidenceId`, and not both.")
    if not viewer.works_in(report.place.codes):
        raise NotPermitted(
            "Only an authority hides what people wrote, and only in its own territory.",
            path=path,
            hint="Ask the municipality of the place.",
        )
    if (piece or report).hidden_reason is HiddenReason.ERASED:
        raise NotPermitted("Whoever wrote it had it erased.", path=path, hint="There is nothing left to hide or show.")
    return report, piece
