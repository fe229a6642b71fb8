"""Tokens that were revoked, before they expire by themselves: told to every process as changes of the map are."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.db import Database
from geo.errors import TooSlow
from geo.tables import revocation
from geo.viewer import Viewer

log = structlog.get_logger()


class Revocation(NamedTuple):
    """One token by its id, or all of an organisation, or of one of its subjects, that were issued until `at`.

    Tokens tell in whole seconds when they were issued: those of the second of `at` are all revoked.
    `expires_at` is when the last of them expires by itself; None where that is not known, and then it is kept for ever.
    """

    at: datetime
    token_id: str | None = None
    organisation: str | None = None
    subject: str | None = None
    expires_at: datetime | None = None


_EXPIRED = revocation.c.expires_at < func.now()
_READ = select(*(revocation.c[name] for name in Revocation._fields)).where(
    or_(revocation.c.expires_at.is_(None), ~_EXPIRED)
)


async def add(conn: AsyncConnection, revoked: Revocation) -> None:
    await conn.execute(insert(revocation).values(revoked._asdict()))


async def purge(conn: AsyncConnection) -> int:
    """Forget those whose tokens have all expired; returns how many."""
    return (await conn.execute(delete(revocation).where(_EXPIRED))).rowcount


class Revocations:
    """What this process knows of them; `version` rises whenever it looked again."""

    def __init__(self, db: Database, *, interval: float = 0.5) -> None:
        self._db = db
        self._interval = interval
        self._stale = asyncio.Event()
        self._token_ids: frozenset[str] = frozenset()
        self._issued_until: dict[tuple[str, str | None], datetime] = {}
        self._watched: dict[object, tuple[Viewer, Callable[[], None]]] = {}
        self.version = 0

    def revoked(self, viewer: Viewer) -> bool:
        """Whether the token that made this viewer was revoked. One that does not tell when it was issued is old."""
        if viewer.token_id in self._token_ids:
            return True
        if viewer.organisation is None or not self._issued_until:
            return False
        untils = (self._issued_until.get((viewer.organisation, subject)) for subject in (None, viewer.subject))
        return any(until and (viewer.issued_at is None or viewer.issued_at <= until) for until in untils)

    @contextmanager
    def ending(self, viewer: Viewer, end: Callable[[], None]) -> Iterator[None]:
        """While the block runs, `end` is called when the viewer's token is revoked; not where it already was."""
        key = object()
        self._watched[key] = viewer, end
        try:
            yield
        finally:
            del self._watched[key]

    def wake(self) -> None:
        """Somebody says that tokens were revoked."""
        self._stale.set()

    async def run(self) -> None:
        """Look again whenever woken, until cancelled."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                await self.load()
            except (SQLAlchemyError, OSError, TooSlow) as error:  # the database may be away for a while
                log.warning("revocations_not_read", error=type(error).__name__)
                self.wake()
                await asyncio.sleep(self._interval)

    async def load(self) -> None:
        async with self._db.read_primary() as conn:
            found = [Revocation(*row) for row in await conn.execute(_READ.order_by(revocation.c.at))]
        self._token_ids = frozenset(each.token_id for each in found if each.token_id)
        self._issued_until = {(each.organisation, each.subject): each.at for each in found if each.organisation}
        self.version += 1
        for viewer, end in list(self._watched.values()):
            if self.revoked(viewer):
                end()
