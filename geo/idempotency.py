"""Idempotency keys: the same key again gets the first answer, and does nothing twice."""

import hashlib
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.errors import IdempotencyKeyReused, InvalidIdempotencyKey
from geo.tables import idempotency
from geo.viewer import Viewer

KEPT_DAYS = 7
_PATH = ("input", "idempotencyKey")


class Once:
    """The key of one request. Without a key every request is new."""

    def __init__(self, viewer: Viewer, key: str | None, mutation: str, *given: Any) -> None:
        if key is not None and not (16 <= len(key) <= 128 and key.isascii() and key.isprintable()):
            raise InvalidIdempotencyKey(path=_PATH, hint="16 to 128 visible ASCII characters, such as a new UUID.")
        self._key = key
        self._party = viewer.party or viewer.organisation or "anonymous"
        self._digest = hashlib.sha256(orjson.dumps([mutation, *given], default=str)).digest()

    async def earlier(self, conn: AsyncConnection) -> UUID | None:
        """What the first request with this key made, or None when this is the first.

        Of two requests at once the second waits here until the first has committed. Raises `IdempotencyKeyReused`.
        """
        if self._key is None:
            return None
        values = {"party": self._party, "key": self._key, "digest": self._digest, "at": func.now()}
        fresh = insert(idempotency).values(values).on_conflict_do_nothing().returning(idempotency.c.key)
        if (await conn.execute(fresh)).first():
            return None
        row = (await conn.execute(select(idempotency).where(self._row))).one()
        if row.digest != self._digest:
            raise IdempotencyKeyReused(path=_PATH, hint="Use a new key for new input; send the old input to retry.")
        found: UUID = row.outcome
        return found

    async def done(self, conn: AsyncConnection, outcome: UUID) -> None:
        """Remember what this request made, in the transaction that made it."""
        if self._key is not None:
            await conn.execute(update(idempotency).where(self._row).values(outcome=outcome))

    async def undone(self, conn: AsyncConnection) -> None:
        """Forget the key: the request was answered with a question, and made nothing."""
        if self._key is not None:
            await conn.execute(delete(idempotency).where(self._row))

    @property
    def _row(self) -> Any:
        return (idempotency.c.party == self._party) & (idempotency.c.key == self._key)


async def purge(conn: AsyncConnection) -> int:
    """Forget the keys of more than a week ago; returns how many."""
    old = idempotency.c.at < func.now() - func.make_interval(0, 0, 0, KEPT_DAYS)
    return (await conn.execute(delete(idempotency).where(old))).rowcount
