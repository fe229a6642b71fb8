"""Open a report to more eyes, or to fewer."""

from uuid import UUID

from geo import events, idempotency, merges, reports
from geo.db import Database
from geo.errors import NotPermitted
from geo.models import EventKind, Outcome, Visibility
from geo.usecases.carry_visibility import carry_visibility
from geo.usecases.correct_report import STRICTEST_LAST
from geo.viewer import Viewer
from geo.visibility import levels


async def change_visibility(
    db: Database, viewer: Viewer, report_id: UUID, to: Visibility, idempotency_key: str | None
) -> Outcome:
    """The event of the change, or the first answer to the same key.

    Opening a report decides about that report alone, and not about what was merged into it.

    Raises `UnknownReport`, `NotPermitted`, and the problems of idempotency keys.
    """
    once = idempotency.Once(viewer, idempotency_key, "changeVisibility", report_id, to)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before = await reports.lock(conn, viewer, report_id, ("input", "reportId"))
        if not viewer.works_in(before.place.codes) or to not in levels(viewer):
            raise NotPermitted(
                "Only an authority may change the visibility, in its own territory, to a level it can see itself.",
                path=("input", "to"),
                hint=f"You can choose among: {', '.join(sorted(levels(viewer)))}."
                if viewer.works_in(before.place.codes)
                else "Ask the municipality of the place.",
            )
        if max([to, *await merges.visibilities(conn, before.id)], key=STRICTEST_LAST.index) is not to:
            raise NotPermitted(
                "What was merged into this report is for fewer eyes.",
                path=("input", "to"),
                hint="Undo the merge first, within a day of it; then open this report alone.",
            )
        after = await reports.change(conn, before, visibility=to)
        await carry_visibility(conn, viewer, before, after)
        detail = {"to": to}
        event = await events.append(
            conn, EventKind.VISIBILITY_CHANGED, viewer.actor, before, after, detail, party=viewer.party
        )
        await once.done(conn, event.id)
        return Outcome(event, after)
