"""How far a server is in the primary's log (WAL): what a replica must have replayed to show what the primary shows."""

import asyncio
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Position(NamedTuple):
    """A place in the log. Places compare only within one cluster and one timeline of it: a replica that did not follow
    a fail-over may be far along a log that nobody else knows."""

    system: int
    timeline: int
    lsn: str


class NotCaughtUp(Exception):
    """The replica is behind."""


class NotOurs(Exception):
    """It is no replica of this primary, or has not followed it to its present timeline."""


# What is visible was flushed before; only where commits don't wait for that, no more than inserted. Replicas know
# nothing beyond the flushed, so that reads need not wait for what a transaction under way has inserted.
_POSITION = text("""
    SELECT system_identifier, left(pg_walfile_name(log.lsn), 8), CAST(log.lsn AS text)
    FROM pg_control_system(), LATERAL (
        SELECT CASE current_setting('synchronous_commit')
            WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn()
        END
    ) AS log (lsn)
""")
_REPLAYED = text("""
    SELECT pg_is_in_recovery() AND system_identifier = :system AND timeline_id = :timeline,
        pg_last_wal_replay_lsn() >= CAST(:lsn AS pg_lsn)
    FROM pg_control_system(), pg_control_checkpoint()
""")


class Primary:
    """Where the primary is: asked by one at a time, for all who came before that asking began."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[Position] | None = None

    async def position(self) -> Position:
        """At least as far as all that was visible when this was called."""
        if self._next is None:
            self._next = asyncio.create_task(self._ask())
        return await asyncio.shield(self._next)

    async def _ask(self) -> Position:
        async with self._turn:
            self._next = None  # whoever comes from now on needs a later answer
            async with self.engine.connect() as conn:
                system, timeline, lsn = (await conn.execute(_POSITION)).one()
        return Position(system, int(timeline, 16), lsn)


async def check_replayed(conn: AsyncConnection, position: Position) -> None:
    """Whether a replica shows all up to there; raises `NotCaughtUp`, `NotOurs`."""
    ours, replayed = (await conn.execute(_REPLAYED, position._asdict())).one()
    if not ours:
        raise NotOurs
    if not replayed:
        raise NotCaughtUp
