"""Undo a merge: two reports again, each with what was its own."""

from datetime import datetime
from uuid import UUID

from geo import confirmations, contacts, events, idempotency, merges, reports
from geo.db import Database
from geo.errors import MergeNotPossible, NotMerged
from geo.merges import Merge
from geo.models import EventKind, Outcome, Report, ReportStatus
from geo.usecases.merge_reports import permitted
from geo.viewer import Viewer

PATH = ("input", "reportId")


async def undo_merge(db: Database, viewer: Viewer, report_id: UUID, idempotency_key: str | None) -> Outcome:
    """The event of the report that was merged, or the first answer to the same key. The other has one of its own.

    Raises `UnknownReport`, `NotPermitted`, `NotMerged`, `MergeNotPossible`, and the problems of idempotency keys.
    """
    once = idempotency.Once(viewer, idempotency_key, "undoMerge", report_id)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        made = await merges.latest(conn, report_id)
        found = await reports.lock_several(conn, viewer, [report_id, *([made.into_id] if made else [])])
        duplicate = permitted(viewer, found.get(report_id), PATH)
        if made is None or made != await merges.latest(conn, report_id):
            raise NotMerged(path=PATH, hint="See the `ReportMerged` events in its `timeline`.")
        into = permitted(viewer, found.get(made.into_id), PATH)
        if await merges.built_upon(conn, made):
            raise MergeNotPossible(
                "Another merge came after it.", path=PATH, hint="Undo the later merges first, the last one first."
            )
        await merges.move_back(conn, made)
        await contacts.expire(conn, duplicate.id, None)  # only what is not final can be merged; the other may be by now
        apart = await reports.change(conn, duplicate, status=ReportStatus(made.moved["status"]), merged_into=None)
        event = await events.append(
            conn,
            EventKind.MERGE_UNDONE,
            viewer.actor,
            duplicate,
            apart,
            {"other": str(into.id)},
            party=viewer.party,
        )
        alone = await reports.change(
            conn,
            into,
            confirmations=await confirmations.still_there(conn, into.id),
            last_confirmed_at=_last_confirmed(made, duplicate, into),
        )
        detail = {"other": str(duplicate.id)}
        await events.append(conn, EventKind.MERGE_UNDONE, viewer.actor, into, alone, detail, party=viewer.party)
        await once.done(conn, event.id)
        return Outcome(event, apart)


def _last_confirmed(made: Merge, duplicate: Report, into: Report) -> datetime | None:
    """As it was before the merge, unless somebody confirmed it since."""
    if into.last_confirmed_at != duplicate.last_confirmed_at:
        return into.last_confirmed_at
    before: str | None = made.moved["last_confirmed_at"]
    return None if before is None else datetime.fromisoformat(before)
