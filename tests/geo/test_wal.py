"""How far the primary is, asked for many readers at once."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import event

from geo import wal
from geo.db import Database

pytestmark = pytest.mark.anyio


async def test_readers_share_an_asking_that_begins_after_them(db: Database) -> None:
    primary, asked = wal.Primary(db.engine), 0
    later: list[asyncio.Task[wal.Position]] = []

    def note(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal asked
        asked += "pg_walfile_name" in statement
        if not later:  # the asking of the first twenty has begun: too late for these
            later.extend(asyncio.get_running_loop().create_task(primary.position()) for _ in range(20))

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    await asyncio.gather(*(primary.position() for _ in range(20)))
    await asyncio.gather(*later)
    assert asked == 2
