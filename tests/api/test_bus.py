"""The bus over each of its backends, real ones: hints arrive, and arrive again after the backend broke."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import psycopg
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from api.bus import Bus

pytestmark = pytest.mark.anyio

PATIENCE = 20  # seconds
NO_BEAT = 3600.0  # seconds: every hint after the first is one that was announced


class Ear:
    """Counts the hints that a bus brings."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self._hints = asyncio.Semaphore(0)
        self.task = asyncio.create_task(bus.run(self._hints.release))

    async def hear(self, hints: int = 1) -> None:
        async with asyncio.timeout(PATIENCE):
            for _ in range(hints):
                await self._hints.acquire()

    @property
    def has_heard_all(self) -> bool:
        return self._hints.locked()


@asynccontextmanager
async def listening(bus: Bus) -> AsyncIterator[Ear]:
    """A bus that runs until the block ends, once it hears itself."""
    ear = Ear(bus)
    try:
        await ear.hear()
        yield ear
    finally:
        ear.task.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([ear.task])


async def becomes(wanted: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await wanted():  # noqa: ASYNC110 - what others see has no event here
            await asyncio.sleep(0.01)


@asynccontextmanager
async def redis_server(port: int, folder: Path) -> AsyncIterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed here; `apt-get install redis-server` brings it")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    quiet = asyncio.subprocess.DEVNULL
    server = await asyncio.create_subprocess_exec(program, *options, stdout=quiet, stderr=quiet)
    url = f"redis://127.0.0.1:{port}"

    async def answers() -> bool:
        try:
            async with Redis.from_url(url) as client:
                return bool(await client.ping())
        except RedisConnectionError:
            return False

    try:
        await becomes(answers)
        yield url
    finally:
        server.kill()
        await server.wait()


@pytest.fixture
def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port: int = free.getsockname()[1]
        return port


async def backends(url: str) -> set[int]:
    """The connections to a database, but for the one that asks."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        rows = await conn.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in await rows.fetchall()}


async def end_backends(url: str, kind: str) -> None:
    """End the connections whose last statement begins so."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        rows = await conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE %s AND pid <> pg_backend_pid()",
            (f"{kind}%",),
        )
        assert await rows.fetchall() == [(True,)]


async def check_hints_between_two(url: str, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        buses = [Bus(url, database_url=database_url, beat=NO_BEAT) for _ in range(2)]
        there, here = [await stack.enter_async_context(listening(bus)) for bus in buses]
        await there.hear()  # the first beat of the other one
        for _ in range(3):
            await here.bus.announce()
        await asyncio.gather(here.hear(3), there.hear(3))
        assert here.has_heard_all
        assert there.has_heard_all


async def test_hints_within_a_process() -> None:
    async with listening(Bus("memory://", database_url="", beat=NO_BEAT)) as ear:
        await ear.bus.announce()
        await ear.hear()
        assert ear.has_heard_all


async def test_hints_between_processes_by_postgresql(database_url: str) -> None:
    await check_hints_between_two("", database_url)


async def test_hints_between_processes_by_redis(free_port: int, tmp_path: Path) -> None:
    async with redis_server(free_port, tmp_path) as url:
        await check_hints_between_two(url, "")


@pytest.mark.parametrize("kind", ["LISTEN", "SELECT pg_notify"])
async def test_hints_resume_after_postgresql_ended_a_connection(kind: str, database_url: str) -> None:
    async with listening(Bus("", database_url=database_url, beat=0.2)) as ear:
        before = await backends(database_url)
        await end_backends(database_url, kind)

        async def connected_anew() -> bool:
            now = await backends(database_url)
            return len(now) == 2 and now.isdisjoint(before)

        await becomes(connected_anew)
        while not ear.has_heard_all:
            await ear.hear()
        await ear.hear(2)


async def test_hints_resume_after_redis_was_away(free_port: int, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with redis_server(free_port, tmp_path) as url:
            ear = await stack.enter_async_context(listening(Bus(url, database_url="", beat=0.2)))
        await ear.bus.announce()  # nobody is there; that is no reason to fail
        while not ear.has_heard_all:
            await ear.hear()
        async with redis_server(free_port, tmp_path):
            await ear.hear(2)


async def test_a_bus_that_hears_nothing_can_be_stopped(database_url: str) -> None:
    ear = Ear(Bus("", database_url=database_url, beat=NO_BEAT))
    await ear.hear()
    await end_backends(database_url, "LISTEN")
    ear.task.cancel()
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait([ear.task])
    assert await backends(database_url) == set()


async def test_a_backend_that_is_not_there_is_tried_again(free_port: int) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port}/nothing"
    ear = Ear(Bus("", database_url=nowhere, beat=0.1))
    await ear.bus.announce()
    with closing(socket.create_server(("127.0.0.1", free_port))) as server:
        server.setblocking(False)
        for _ in range(2):
            async with asyncio.timeout(PATIENCE):
                connection, _ = await asyncio.get_running_loop().sock_accept(server)
            connection.close()
    ear.task.cancel()
    await asyncio.wait([ear.task])
    assert ear.task.cancelled()
