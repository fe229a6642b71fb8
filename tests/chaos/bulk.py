"""Writers below the API: plain SQL, many changes in one transaction, as an import or another program makes them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

import psycopg
from uuid_utils.compat import uuid7

# Locked by a statement of its own: the next one sees what the transactions committed that it waited for.
_LOCK = "SELECT id FROM report WHERE id = ANY(%s::uuid[]) ORDER BY id FOR UPDATE"
_CHANGE = """
    WITH asked AS (
        SELECT report.id, asked.event_id, report.status AS was
        FROM unnest(%(reports)s::uuid[], %(events)s::uuid[]) AS asked (id, event_id) JOIN report USING (id)
    ), changed AS (
        UPDATE report SET version = version + 1, status = %(to)s, updated_at = clock_timestamp(),
            resolved_at = NULL, resolved_by = NULL, feedback_until = NULL, closed_at = NULL
        FROM asked WHERE report.id = asked.id
        RETURNING report.id, event_id, was, version, visibility, updated_at
    )
    INSERT INTO event (id, report_id, version, kind, actor, at, visibility, before, after, detail)
    SELECT event_id, changed.id, changed.version, 'STATUS_CHANGED', 'SYSTEM', changed.updated_at, changed.visibility,
        last.after, jsonb_set(last.after, '{status}', to_jsonb(%(to)s::text)),
        jsonb_build_object('from', was, 'to', %(to)s::text, 'remark', NULL)
    FROM changed JOIN event AS last ON last.report_id = changed.id AND last.version = changed.version - 1
"""


async def change(conn: psycopg.AsyncConnection, reports: Sequence[str], to: str) -> None:
    """Take these reports to another status, each with its event."""
    await conn.execute(_LOCK, (reports,))
    await conn.execute(_CHANGE, {"reports": reports, "events": [uuid7() for _ in reports], "to": to})


@asynccontextmanager
async def held_open(url: str, reports: Sequence[str]) -> AsyncIterator[None]:
    """A transaction that has made its changes and appended its events, and commits when the block ends."""
    async with await psycopg.AsyncConnection.connect(url) as conn:
        await change(conn, reports, "ON_HOLD")
        yield


@asynccontextmanager
async def busy_elsewhere(url: str) -> AsyncIterator[None]:
    """Another database of the same PostgreSQL, in which a transaction has written and goes on until the block ends."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute("DROP DATABASE IF EXISTS elsewhere")
        await conn.execute("CREATE DATABASE elsewhere")
    async with await psycopg.AsyncConnection.connect(url, dbname="elsewhere") as conn:
        await conn.execute("CREATE TABLE written ()")
        yield


class BulkWriter:
    """Changes several reports at once, as often as it takes to write its share."""

    def __init__(self, url: str, reports: Sequence[str], size: int) -> None:
        self._url = url
        self._reports = reports
        self._size = size
        self._turns = count()

    async def write(self) -> None:
        """One transaction; after a failure it is not tried again, for it may have been committed."""
        turn = next(self._turns)
        chosen = sorted(self._reports[(turn * self._size + n) % len(self._reports)] for n in range(self._size))
        try:
            async with await psycopg.AsyncConnection.connect(self._url) as conn:
                await change(conn, chosen, ("ROUTED", "SCHEDULED", "UNDER_WAY")[turn % 3])
        except psycopg.OperationalError:
            await asyncio.sleep(0.5)
