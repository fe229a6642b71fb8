"""Follow a report or an area no longer."""

from uuid_utils.compat import uuid7

from geo import follows, idempotency
from geo.db import Database
from geo.models import Area, Report
from geo.usecases.follow import Target, find
from geo.viewer import Viewer


async def unfollow(db: Database, viewer: Viewer, target: Target, idempotency_key: str | None) -> Report | Area:
    """What is followed no longer. Whoever has more to do with a report than following it stays involved.

    Raises `UnknownReport`, `UnknownArea`, `NotPermitted`, and the problems of idempotency keys.
    """
    party = viewer.known_party()
    once = idempotency.Once(viewer, idempotency_key, "unfollow", target)
    async with db.write() as conn:
        done = await once.earlier(conn)
        found = await find(conn, viewer, target)
        if done is None:
            if isinstance(found, Area):
                await follows.unfollow_area(conn, party, found.code)
            else:
                await follows.unfollow_report(conn, party, found.id)
            await once.done(conn, uuid7())
        return found
