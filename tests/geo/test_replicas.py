"""Reads from a streaming replica: never older than what anybody was shown before, and never failing because of it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from geo import events, replicas, reports, wal
from geo.db import Database
from geo.models import ActorKind, EventKind, Report, ReportStatus
from geo.wal import NotCaughtUp, NotOurs
from schema.nodes import make_id
from tests.clients.caller import Caller, calling
from tests.clients.watchers import DISTRICT, watch
from tests.conftest import Served, execute
from tests.replica import WHERE, Replica, at_replica, left_out, opened, reading_at_replica, replicated, served, until
from tests.world import ADMIN, INSIDE, OFFICER, RESIDENT, build, submit

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def made() -> Iterator[Replica]:
    with replicated() as replica:
        yield replica


@pytest.fixture
def replica(made: Replica, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    """The replica at work, which is tried again soon after it failed."""
    monkeypatch.setattr(replicas, "REST_SECONDS", 0.2)
    yield made
    made.resume()


@pytest.fixture
async def db(replica: Replica) -> AsyncIterator[Database]:
    async with opened(replica.primary_url, replica.url) as (database, _):
        yield database


@pytest.fixture(scope="module")
async def world_url(made: Replica) -> str:
    async with opened(made.primary_url) as (database, _):
        await build(database)
    return made.primary_url


async def change(db: Database, report: Report) -> Report:
    """The next version of a report."""
    async with db.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        status = ReportStatus.UNDER_WAY if before.status is ReportStatus.REPORTED else ReportStatus.REPORTED
        after = await reports.set_status(conn, before, status, ActorKind.MUNICIPALITY, 14)
        await events.append(conn, EventKind.STATUS_CHANGED, ActorKind.MUNICIPALITY, before, after, {})
    return after


async def version(conn: AsyncConnection, report: Report) -> int:
    found = await reports.by_ids(conn, ADMIN, [report.id])
    return found[report.id].version if found else 0


async def reads(one: Served, at: str) -> float:
    """How many reads a server has had answered there, as it tells Prometheus."""
    async with httpx.AsyncClient() as client:
        told = (await client.get(f"{one.url}/metrics")).text
    found = (line.split()[-1] for line in told.splitlines() if line.startswith(f'bart_reads_total{{at="{at}"}}'))
    return float(next(found, 0))


async def shown(caller: Caller, report_id: str) -> int:
    found = await caller.run("query ($id: ID!) { report(id: $id) { version } }", {"id": report_id})
    return int(found["report"]["version"]) if found["report"] else 0


async def test_queries_are_answered_by_the_replica(world_url: str, replica: Replica, tmp_path: Path) -> None:
    async with served(world_url, tmp_path, replica.url) as one, calling(one, RESIDENT) as caller:

        async def answered_there() -> bool:
            await caller.snapshot(DISTRICT)
            return await reads(one, "replica") > 0

        await until(answered_there)


async def test_what_is_read_to_be_written_is_read_at_the_primary(db: Database) -> None:
    await until(lambda: at_replica(db))
    async with db.read_primary() as conn:
        assert not await conn.scalar(WHERE)


async def test_a_change_is_seen_at_once_while_the_replica_stands_still(
    world_url: str, replica: Replica, tmp_path: Path
) -> None:
    async with served(world_url, tmp_path, replica.url) as one, calling(one, RESIDENT) as caller:
        replica.pause()
        report_id = await caller.submit(INSIDE)
        for expected in range(2, 7):
            assert await shown(caller, report_id) == expected - 1
            event = await caller.mutate("addEvidence", reportId=report_id, remark="Het ligt er nog")
            assert event["version"] == expected
        assert report_id in (await caller.snapshot(DISTRICT))[0]
        assert await reads(one, "primary") > 0


async def test_after_an_event_from_another_process_no_older_state_is_seen(
    world_url: str, replica: Replica, tmp_path: Path
) -> None:
    async with (
        served(world_url, tmp_path) as there,
        served(world_url, tmp_path, replica.url) as here,
        calling(there, RESIDENT) as writer,
        calling(here, RESIDENT) as reader,
        watch(there, after=await writer.now(DISTRICT)) as watcher,
    ):
        for stands_still in (False, True):
            if stands_still:
                replica.pause()
            report_id = await writer.submit(INSIDE)
            for number in range(1, 5):
                await watcher.until(report_id, number)
                assert await shown(reader, report_id) >= number
                await writer.mutate("addEvidence", reportId=report_id, remark="Het ligt er nog")


@pytest.mark.parametrize("commits_wait", [True, False])
async def test_no_reader_ever_goes_back(world_url: str, replica: Replica, *, commits_wait: bool) -> None:
    """Two processes read while reports change and the replica stands still now and then.

    What a replica shows, all replicas show from then on; the primary may still be about to.
    """
    execute(world_url, f"ALTER DATABASE bart SET synchronous_commit = {'on' if commits_wait else 'off'}")
    try:
        async with opened(world_url, replica.url) as (here, counted), opened(world_url, replica.url) as (there, _):
            made = [await submit(here) for _ in range(4)]
            certain = Counter({report.id: 1 for report in made})  # the versions that everybody must be shown
            anywhere = certain.copy()  # and those that were shown by a replica
            stop = asyncio.Event()

            async def write(report: Report) -> None:
                while not stop.is_set():
                    after = await change(here, report)
                    certain[report.id] = max(certain[report.id], after.version)

            async def read(db: Database, report: Report) -> None:
                while not stop.is_set():
                    low, high = certain[report.id], max(certain[report.id], anywhere[report.id])
                    async with db.read() as conn:
                        from_replica = bool(await conn.scalar(WHERE))
                        seen = await version(conn, report)
                    assert seen >= (high if from_replica else low)
                    known = anywhere if from_replica else certain
                    known[report.id] = max(known[report.id], seen)

            async with asyncio.TaskGroup() as group:
                for report in made:
                    group.create_task(write(report))
                    group.create_task(read(here, report))
                    group.create_task(read(there, report))
                for _ in range(3):
                    await until(_more(counted, True, 20 if commits_wait else 3))
                    replica.pause()
                    await until(_more(counted, False, 20))
                    replica.resume()
                stop.set()
            assert min(certain.values()) > 5
    finally:
        execute(world_url, "ALTER DATABASE bart SET synchronous_commit = on")


def _more(counted: Counter[bool], which: bool, count: int) -> Callable[[], Awaitable[bool]]:
    begun = counted[which]

    async def enough() -> bool:
        return counted[which] >= begun + count

    return enough


async def test_a_replica_that_is_killed_is_left_out_and_used_again(db: Database, replica: Replica) -> None:
    async with reading_at_replica(db) as conn:
        replica.kill()
        with capture_logs() as logs:
            assert not await conn.scalar(WHERE)  # goes on in the middle of it
            assert not await conn.scalar(WHERE)
    assert [entry["event"] for entry in logs] == ["replica_left_out"]
    with capture_logs() as logs:
        try:
            end = time.monotonic() + 1  # longer than it rests
            while time.monotonic() < end:
                assert not await at_replica(db)
            assert left_out(db) == 1
        finally:
            replica.start()
        await until(lambda: at_replica(db))
        assert left_out(db) == 0
    assert [entry["event"] for entry in logs] == ["replica_used_again"]


async def test_a_statement_that_replaying_cancels_is_done_at_the_primary(
    world_url: str, replica: Replica, db: Database
) -> None:
    slow_at_replica = text("SELECT CASE WHEN pg_is_in_recovery() THEN pg_sleep(8) IS NULL ELSE true END FROM feed")

    async def reading() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        async with await psycopg.AsyncConnection.connect(replica.url) as conn:
            row = await (await conn.execute(query)).fetchone()
        return row == (1,)

    async with reading_at_replica(db) as conn:
        running = asyncio.create_task(conn.scalar(slow_at_replica))
        await until(reading)
        execute(world_url, "BEGIN; LOCK TABLE feed; COMMIT")
        assert await running is True


async def test_a_snapshot_at_the_replica_is_as_new_as_any_read(db: Database) -> None:
    await until(lambda: at_replica(db))
    report = await submit(db)
    async with db.snapshot() as conn:
        assert await version(conn, report) == 1
        await change(db, report)
        assert await version(conn, report) == 1
    async with db.snapshot() as conn:
        assert await version(conn, report) == 2


async def test_a_replica_that_does_not_answer_is_asked_once(world_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "ANSWER_SECONDS", 0.1)
    callers = 0

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal callers
        callers += 1
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1")
    port = silent.sockets[0].getsockname()[1]
    async with opened(world_url, f"postgresql://bart@127.0.0.1:{port}/bart?sslmode=disable") as (db, counted):
        for _ in range(3):
            assert not await at_replica(db)
        assert callers == 1
        assert counted == {False: 3}
    silent.close()
    await silent.wait_closed()


async def test_of_two_replicas_the_one_that_works_is_used(world_url: str, replica: Replica) -> None:
    async with opened(world_url, "postgresql:///bart?host=/nowhere", replica.url) as (db, _):
        await until(lambda: at_replica(db))
        assert left_out(db) == 1


async def test_another_server_is_not_taken_for_a_replica(world_url: str, replica: Replica) -> None:
    async with opened(world_url, world_url) as (db, counted):  # the primary itself
        assert not await at_replica(db)
        assert counted == {False: 1}
    async with opened(replica.url) as (there, _), opened(world_url) as (here, _), there.read() as conn:
        position = await wal.Primary(here.engine).position()

        async def replayed() -> bool:
            with suppress(NotCaughtUp):
                await wal.check_replayed(conn, position)
                return True
            return False

        await until(replayed)
        for other in (position._replace(timeline=position.timeline + 1), position._replace(system=1)):
            with pytest.raises(NotOurs):
                await wal.check_replayed(conn, other)


async def test_what_was_erased_is_forgotten_with_the_statements_for_replicas(db: Database) -> None:
    await until(lambda: at_replica(db))
    caches = [one.sync_engine._compiled_cache for one in db._engines]
    assert all(caches)
    db.forget()
    assert not any(caches)


async def test_an_officer_sees_what_another_just_changed(world_url: str, replica: Replica, tmp_path: Path) -> None:
    """The answer of a mutation is read behind its commit, nested fields too."""
    async with served(world_url, tmp_path, replica.url) as one, calling(one, OFFICER) as officer:
        report_id = make_id("Report", (await submit(one.db)).id)
        made = "... on ReportEvent { report { timeline(first: 9) { nodes { version } } } }"
        answer = await officer.mutate("changeStatus", made, reportId=report_id, to="UNDER_WAY")
        assert [node["version"] for node in answer["report"]["timeline"]["nodes"]] == [1, 2]
