"""Background work is really done, and only to what is due."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import insert, make_url, select, text, update
from structlog.testing import capture_logs

from api.worker import FORGOTTEN_AFTER, QUEUES, make_worker, work
from geo import reports, uploads
from geo.db import Database
from geo.photos import PhotoStore
from geo.tables import idempotency, report, upload
from tests.api.office import during, until
from tests.conftest import execute
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
    one = await overdue(world)
    await do(database_url, world, "keep_time")
    assert await escalated(world, one)


async def test_work_goes_on_when_the_database_is_back(
    server_url: str, database_url: str, world: Database, caplog: pytest.LogCaptureFixture
) -> None:
    name = make_url(database_url).database

    async def listening() -> bool:
        ours = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'")
        async with world.read() as conn:
            return bool(await conn.scalar(ours) == len(QUEUES))

    async def cut_off() -> bool:
        ended = any(line["event"] == "worker_stopped" for line in logs)  # as it does where it was asking for work
        return ended or "stopping worker" in caplog.text

    with capture_logs() as logs:
        async with during(work(make_worker(database_url, world, PhotoStore("memory:///")))):
            await until(listening)
            execute(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            execute(server_url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            await until(cut_off)
            execute(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            one = await overdue(world)
            await defer(database_url, world, "keep_time")
            await until(lambda: escalated(world, one))
    assert "worker_stopped" in [line["event"] for line in logs]


async def test_cancelling_ends_work_even_where_it_fails_at_its_end(
    database_url: str, world: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def run(**options: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("on purpose")

    jobs = make_worker(database_url, world, PhotoStore("memory:///"))
    monkeypatch.setattr(jobs, "run_worker_async", run)
    task = asyncio.create_task(work(jobs))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await task


async def overdue(db: Database) -> UUID:
    """A report whose authority is late."""
    made = await submit(db)
    async with db.write() as conn:
        await conn.execute(update(report).values(due_at=datetime.now(UTC) - timedelta(minutes=1)))
    return made.id


async def escalated(db: Database, report_id: UUID) -> bool:
    async with db.read() as conn:
        return (await reports.by_ids(conn, ADMIN, [report_id]))[report_id].escalated_at is not None


async def defer(database_url: str, db: Database, task: str) -> None:
    jobs = make_worker(database_url, db, PhotoStore("memory:///"))
    async with jobs.open_async():
        with suppress(AlreadyEnqueued):
            await jobs.tasks[task].defer_async(timestamp=0)


async def do(database_url: str, db: Database, task: str) -> None:
    """Have a worker do one job, as its timetable would ask for it."""
    await defer(database_url, db, task)
    await work(make_worker(database_url, db, PhotoStore("memory:///")), forever=False)
