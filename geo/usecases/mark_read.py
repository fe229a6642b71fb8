"""Say that notifications were read."""

from collections.abc import Sequence
from uuid import UUID

from uuid_utils.compat import uuid7

from geo import idempotency, notifications
from geo.db import Database
from geo.viewer import Viewer


async def mark_read(db: Database, viewer: Viewer, ids: Sequence[UUID] | None, idempotency_key: str | None) -> None:
    """Mark these of the viewer's notifications as read, or without ids all of them.

    Raises `NotPermitted`, and the problems of idempotency keys.
    """
    party = viewer.known_party()
    once = idempotency.Once(viewer, idempotency_key, "markRead", ids)
    async with db.write() as conn:
        if await once.earlier(conn) is None:
            await notifications.mark_read(conn, party, ids)
            await once.done(conn, uuid7())
