"""Several server processes on one port, as an operator starts them: who connects always finds one, whatever happens."""

import asyncio
import json
import os
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.responses import JSONResponse
from websockets import ConnectionClosed, Subprotocol, connect

from api.serve import DRAIN_SECONDS
from api.supervisor import close_door
from geo.db import Database
from tests.clients.caller import calling
from tests.clients.watchers import watch
from tests.conftest import Served
from tests.process import bart, serving
from tests.world import INSIDE, RESIDENT

pytestmark = pytest.mark.anyio

PATIENCE = 30  # seconds


@dataclass(frozen=True)
class Site:
    """A supervisor and what it serves."""

    served: Served
    supervisor: Process
    log: Path

    def said(self, event: str) -> list[dict[str, Any]]:
        rows = [json.loads(row) for row in self.log.read_text().splitlines() if row.startswith("{")]
        return [row for row in rows if row["event"] == event]

    @property
    def started(self) -> list[int]:
        """The processes that were ever started."""
        return [row["pid"] for row in self.said("server_process_started")]

    @property
    def alive(self) -> list[int]:
        return [pid for pid in self.started if _lives(pid)]

    async def submit(self) -> str:
        """The id of a new report, made over a connection of its own."""
        async with calling(self.served, RESIDENT) as anna:
            return await anna.submit(INSIDE)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@asynccontextmanager
async def site(database_url: str, db: Database, folder: Path) -> AsyncIterator[Site]:
    async with serving(database_url, db, folder, "--workers", "2") as (served, supervisor):
        yield Site(served, supervisor, folder / "log")


@contextmanager
def held(pid: int) -> Iterator[None]:
    """A process that does nothing until the block ends: whoever connects meanwhile comes to the other one."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def until(site: Site, *, started: int, alive: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while (len(site.started), len(site.alive)) != (started, alive):  # noqa: ASYNC110 - others' doings have no event
            await asyncio.sleep(0.05)


async def test_each_answers_and_tells_of_what_came_in_by_the_other(
    database_url: str, world: Database, tmp_path: Path
) -> None:
    async with site(database_url, world, tmp_path) as two, AsyncExitStack() as stack:
        first, second = two.started
        for this, other in ((first, second), (second, first)):
            with held(other):
                watcher = await stack.enter_async_context(watch(two.served))
                told = await two.submit()
                await watcher.until(told)
            with held(this):
                made = await two.submit()
            await watcher.until(made)
            assert [event["reportId"] for event in watcher.told] == [told, made]


async def test_one_that_is_killed_is_replaced_and_its_watchers_miss_nothing(
    database_url: str, world: Database, tmp_path: Path
) -> None:
    async with site(database_url, world, tmp_path) as two, AsyncExitStack() as stack:
        first, second = two.started
        watchers = []
        for other in (second, first):
            with held(other):
                watchers.append(await stack.enter_async_context(watch(two.served)))
                made = [await two.submit()]
                await watchers[-1].until(made[0])
        await watchers[0].until(made[0])
        os.kill(first, signal.SIGKILL)
        made.append(await two.submit())
        await until(two, started=3, alive=2)
        with held(second):  # until the one that came in its place answers
            made.append(await two.submit())
        os.kill(second, signal.SIGKILL)
        made.append(await two.submit())
        await until(two, started=4, alive=2)
        for watcher in watchers:
            await watcher.until(made[-1])
            assert [event["reportId"] for event in watcher.told][-len(made) :] == made
            assert len({event["cursor"] for event in watcher.told}) == len(watcher.told)
        assert {row["pid"] for row in two.said("server_process_died")} == {first, second}


async def test_a_rolling_restart_is_noticed_by_nobody(database_url: str, world: Database, tmp_path: Path) -> None:
    """No request and no handshake fails, each over a new connection; a watcher that comes back misses nothing."""
    made: list[str] = []
    ends: set[int | None] = set()

    async def greet() -> None:
        async with connect(two.served.sockets, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as ws:
            try:
                await ws.send('{"type": "connection_init"}')
                assert json.loads(await ws.recv()) == {"type": "connection_ack"}
            except ConnectionClosed:  # sent away as soon as it was open
                pass
        ends.add(ws.close_code)

    async with site(database_url, world, tmp_path) as two, watch(two.served) as watcher:
        old = two.started
        two.supervisor.send_signal(signal.SIGHUP)
        async with asyncio.timeout(2 * PATIENCE):
            while len(two.started) < 4 or two.alive != two.started[2:]:
                made.append(await two.submit())
                await greet()
        made.append(await two.submit())
        await watcher.until(made[-1])
        assert [event["reportId"] for event in watcher.told] == made
        assert set(two.alive).isdisjoint(old)
        assert '"level": "error"' not in two.log.read_text()
    assert ends <= {1000, 1012}


class Careful(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await close_door(self)
        await super().shutdown(sockets)


@pytest.mark.parametrize("says", ["something", "nothing"])
async def test_who_came_in_before_the_door_closed_is_heard(says: str) -> None:
    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():  # noqa: ASYNC110 - uvicorn does not tell
                await asyncio.sleep(0)

    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        server = Careful(uvicorn.Config(JSONResponse("heard"), http="httptools", lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[taken]))
        reader, writer = await asyncio.open_connection(*taken.getsockname())
        await until(lambda: bool(server.server_state.connections))
        server.should_exit = True
        await until(lambda: not server.servers[0].is_serving())
        if says == "something":
            writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
            await serving
        writer.close()
    assert answer.endswith(b'"heard"') == (says == "something")


async def test_all_stop_in_order(database_url: str, world: Database, tmp_path: Path) -> None:
    async with site(database_url, world, tmp_path) as two, AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(
                connect(two.served.sockets, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None)
            )
            for _ in range(4)
        ]
        for ws in sockets:
            await ws.send('{"type": "connection_init"}')
            await ws.recv()
        two.supervisor.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DRAIN_SECONDS):
            for ws in sockets:
                await ws.wait_closed()
                assert ws.close_code == 1012
        async with asyncio.timeout(PATIENCE):
            assert await two.supervisor.wait() == 0
            assert two.supervisor.stdout
            assert await two.supervisor.stdout.read() == b""  # it said once that all listen
        assert two.alive == []
        assert '"level": "error"' not in two.log.read_text()  # as of one that had to be killed


async def test_none_is_left_without_the_supervisor(database_url: str, world: Database, tmp_path: Path) -> None:
    async with site(database_url, world, tmp_path) as two:
        two.supervisor.kill()
        await until(two, started=2, alive=0)


def test_a_port_that_is_taken_is_named(database_url: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        done = bart(database_url, "serve", "--workers", "2", PORT=port)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr


def test_processes_that_cannot_start_end_it(database_url: str) -> None:
    done = bart(database_url, "serve", "--workers", "2", PORT="0", STORAGE_URL="nonsense")
    assert done.returncode == 1
    assert done.stderr.endswith("A server process could not start; the log says why.\n")
    assert "Serving" not in done.stdout
