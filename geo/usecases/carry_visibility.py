"""What was merged into a report is seen by whoever sees that report, and by nobody else."""

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import events, reports
from geo.models import EventKind, Report
from geo.viewer import Viewer


async def carry_visibility(conn: AsyncConnection, viewer: Viewer, before: Report, after: Report) -> None:
    """Give what is merged into a changed report the same visibility, each with its event."""
    if before.visibility is after.visibility:
        return
    for merged in await reports.lock_merged(conn, after.id):
        changed = await reports.change(conn, merged, visibility=after.visibility)
        detail = {"to": after.visibility}
        await events.append(
            conn, EventKind.VISIBILITY_CHANGED, viewer.actor, merged, changed, detail, party=viewer.party
        )
