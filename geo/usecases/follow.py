"""Follow a report or an area: be told of what happens there."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo import areas, follows, idempotency, involvement, reports
from geo.db import Database
from geo.errors import UnknownReport
from geo.models import Area, Involvement, Report
from geo.viewer import Viewer

Target = UUID | str  # the id of a report, or the code of an area


async def follow(db: Database, viewer: Viewer, target: Target, idempotency_key: str | None) -> Report | Area:
    """What is followed from now on. An older code leads to the area that took its place.

    Raises `UnknownReport`, `UnknownArea`, `NotPermitted`, and the problems of idempotency keys.
    """
    party = viewer.known_party()
    once = idempotency.Once(viewer, idempotency_key, "follow", target)
    async with db.write() as conn:
        done = await once.earlier(conn)
        found = await find(conn, viewer, target)
        if done is None:
            if isinstance(found, Area):
                await follows.follow_area(conn, party, found.code)
            else:
                await involvement.involve(conn, found.id, party, Involvement.FOLLOWER)
            await once.done(conn, uuid7())
        return found


async def find(conn: AsyncConnection, viewer: Viewer, target: Target) -> Report | Area:
    """What is meant; raises `UnknownReport`, `UnknownArea`."""
    if isinstance(target, str):
        path = ("input", "target", "code")
        if (area := await areas.by_code(conn, target)) is None:
            raise areas.unknown(target, path)
        return area
    if (report := (await reports.by_ids(conn, viewer, [target])).get(target)) is None:
        raise UnknownReport(path=("input", "target", "reportId"), hint="Pass the `id` of a report that you can read.")
    return report
