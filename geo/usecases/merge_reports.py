"""Join a duplicate to the report that goes on for both."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from geo import adoptions, confirmations, events, idempotency, merges, reports
from geo.db import Database
from geo.errors import MergeNotPossible, NotPermitted, UnknownReport
from geo.geometry import Path
from geo.models import AdoptionEnding, EventKind, Outcome, Report, ReportStatus
from geo.viewer import Viewer

DUPLICATE, INTO = ("input", "duplicateId"), ("input", "intoId")


async def merge_reports(
    db: Database, viewer: Viewer, duplicate_id: UUID, into_id: UUID, idempotency_key: str | None
) -> Outcome:
    """The event of the duplicate, or the first answer to the same key. The other report has an event of its own.

    Raises `UnknownReport`, `NotPermitted`, `MergeNotPossible`, and the problems of idempotency keys.
    """
    once = idempotency.Once(viewer, idempotency_key, "mergeReports", duplicate_id, into_id)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        found = await reports.lock_several(conn, viewer, [duplicate_id, into_id])
        duplicate = permitted(viewer, found.get(duplicate_id), DUPLICATE)
        into = permitted(viewer, found.get(into_id), INTO)
        _check(duplicate, into)
        await adoptions.end(conn, duplicate.id, AdoptionEnding.TAKEN_OVER)
        await merges.move(conn, duplicate, into)
        merged = await reports.change(conn, duplicate, status=ReportStatus.MERGED, merged_into=into.id)
        event = await events.append(
            conn,
            EventKind.REPORT_MERGED,
            viewer.actor,
            duplicate,
            merged,
            {"into": str(into.id)},
            party=viewer.party,
        )
        joined = await reports.change(
            conn,
            into,
            confirmations=await confirmations.still_there(conn, into.id),
            last_confirmed_at=_later(into.last_confirmed_at, duplicate.last_confirmed_at),
        )
        detail = {"duplicate": str(duplicate.id)}
        await events.append(conn, EventKind.DUPLICATE_JOINED, viewer.actor, into, joined, detail, party=viewer.party)
        await once.done(conn, event.id)
        return Outcome(event, merged)


def permitted(viewer: Viewer, report: Report | None, path: Path) -> Report:
    """The report, if this viewer may merge it and undo that; raises `UnknownReport`, `NotPermitted`."""
    if report is None:
        raise UnknownReport(path=path, hint="Pass the `id` of a report that you can read.")
    if not viewer.works_in(report.place.codes):
        raise NotPermitted(
            "Only an authority merges reports, and only in its own territory.",
            path=path,
            hint="Ask the municipality of the place.",
        )
    return report


def _check(duplicate: Report, into: Report) -> None:
    if duplicate.id == into.id:
        raise MergeNotPossible("A report is no duplicate of itself.", path=INTO, hint="Give another report.")
    for report, path in ((duplicate, DUPLICATE), (into, INTO)):
        if report.merged_into is not None:
            raise MergeNotPossible("This report is merged already.", path=path, hint="See its `mergedInto`.")
        if report.status is ReportStatus.REJECTED or report.closed_at is not None:
            raise MergeNotPossible("This report is final.", path=path, hint="Open it again first.")
    if duplicate.visibility is not into.visibility:
        raise MergeNotPossible(
            "Not the same people may see the two.", path=INTO, hint="Give them the same visibility first."
        )


def _later(*times: datetime | None) -> datetime | None:
    known: Sequence[datetime] = [time for time in times if time is not None]
    return max(known, default=None)
