"""Open a resolved report again, with a new time by which it should be resolved."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import contacts, events, reports
from geo.categories import Categories
from geo.hours import due
from geo.models import Event, EventKind, Report, ReportStatus
from geo.viewer import Viewer


async def reopen(
    conn: AsyncConnection, categories: Categories, viewer: Viewer, before: Report, remark: str | None = None
) -> tuple[Event, Report]:
    """The event of it, and the report; it is locked already."""
    category = (await categories.all())[before.category]
    after = await reports.reopen(conn, before, due(datetime.now(UTC), category))
    await contacts.expire(conn, before.id, None)
    detail = {"from": before.status, "to": ReportStatus.REPORTED, "remark": remark}
    event = await events.append(conn, EventKind.STATUS_CHANGED, viewer.actor, before, after, detail, party=viewer.party)
    return event, after
