"""Background work is really done, and only to what is due."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from api.worker import FORGOTTEN_AFTER, make_worker, work
from geo import reports, uploads
from geo.db import Database
from geo.photos import PhotoStore
from geo.tables import idempotency, report, upload
from tests.world import ADMIN, submit

pytestmark = pytest.mark.anyio


async def test_photos_that_never_became_evidence_are_forgotten(database_url: str, world: Database) -> None:
    async def announce(expired_for: timedelta) -> UUID:
        async with world.write() as conn:
            made = await uploads.create(conn, "residents/anna", "image/jpeg", datetime.now(UTC) - expired_for)
        return made.id

    old = await announce(FORGOTTEN_AFTER + timedelta(minutes=1))
    recent = await announce(FORGOTTEN_AFTER - timedelta(minutes=1))
    await do(database_url, world, "purge_uploads")
    async with world.read() as conn:
        left = (await conn.scalars(select(upload.c.id))).all()
    assert left == [recent] != [old]


async def test_old_idempotency_keys_are_forgotten(database_url: str, world: Database) -> None:
    now = datetime.now(UTC)
    async with world.write() as conn:
        rows = [
            {"party": "residents/anna", "key": f"key-of-{days}-days", "digest": b"", "at": now - timedelta(days=days)}
            for days in (6, 8)
        ]
        await conn.execute(insert(idempotency), rows)
    await do(database_url, world, "purge_idempotency_keys")
    async with world.read() as conn:
        assert (await conn.scalars(select(idempotency.c.key))).all() == ["key-of-6-days"]


async def test_the_time_is_kept(database_url: str, world: Database) -> None:
    one = await submit(world)
    async with world.write() as conn:
        await conn.execute(update(report).values(due_at=datetime.now(UTC) - timedelta(minutes=1)))
    await do(database_url, world, "keep_time")
    async with world.read() as conn:
        assert (await reports.by_ids(conn, ADMIN, [one.id]))[one.id].escalated_at is not None


async def do(database_url: str, db: Database, task: str) -> None:
    """Have a worker do one job, as its timetable would ask for it."""
    jobs = make_worker(database_url, db, PhotoStore("memory:///"))
    async with jobs.open_async():
        await jobs.tasks[task].defer_async(timestamp=0)
    await work(make_worker(database_url, db, PhotoStore("memory:///")), forever=False)
