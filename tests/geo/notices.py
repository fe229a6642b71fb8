"""What tests of notifications do below the use-cases."""

from datetime import UTC, datetime

from geo import events, follows, notifications, positions, reports
from geo.db import Database
from geo.models import (
    EventKind,
    Report,
    ReportStatus,
)
from geo.notifications import Notification
from geo.tables import notification
from geo.usecases.notify import notify
from geo.viewer import Viewer
from tests.world import ADMIN, OFFICER, RESIDENT

FOLLOWER = Viewer(RESIDENT.role, "residents/carla", "residents")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


async def told(db: Database) -> list[tuple[str, str]]:
    """Notify of all that happened; returns who has been told what, from the beginning on, in order."""
    await place(db)
    while await notify(db, None):
        pass
    async with db.read() as conn:
        rows = await conn.execute(notifications.READING.order_by(notification.c.id))
        found = [notifications.to_notification(row) for row in rows]
    return [(one.party.rpartition("/")[2], one.event.kind.value) for one in found]


async def place(db: Database) -> None:
    async with db.engine.begin() as conn:
        await positions.place(conn)


async def of(db: Database, viewer: Viewer) -> list[Notification]:
    async with db.read() as conn:
        return await notifications.page(conn, viewer, None, 100)


async def follow_area(db: Database, viewer: Viewer, code: str) -> None:
    async with db.write() as conn:
        await follows.follow_area(conn, viewer.known_party(), code)


async def change(db: Database, report: Report, status: ReportStatus, by: Viewer = OFFICER) -> Report:
    async with db.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        after = await reports.set_status(conn, before, status, by.actor, 14)
        detail = {"from": before.status, "to": status, "remark": None}
        await events.append(conn, EventKind.STATUS_CHANGED, by.actor, before, after, detail, party=by.party)
    return after
