"""What the faults happen to: a PostgreSQL of its own, a Redis where there is one, and server processes on them, each
started as an operator starts it."""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals

from api import migrate, postgres
from api.cluster import Cluster
from api.settings import ROOT
from bench.environment import free_port
from tests.chaos.waiting import until

START_SECONDS = 60
SECRET = "a secret for chaos, of more than 32 characters"
AS_DEPLOYED = ("api",)  # the Python module that is run


class Postgres:
    """A cluster of its own, which keeps what it has committed through any of this."""

    def __init__(self, folder: Path) -> None:
        self._cluster = Cluster(folder)
        self.url = self._cluster.url

    async def start(self) -> None:
        await asyncio.to_thread(self._cluster.start)
        await asyncio.to_thread(migrate.upgrade, self.url)

    async def stop(self) -> None:
        await asyncio.to_thread(self._cluster.stop)

    async def restart(self) -> None:
        """Stop it, whoever is connected, and start it again."""
        if problem := await asyncio.to_thread(self._start_again):
            raise RuntimeError(f"PostgreSQL did not come back:\n{problem}")

    async def crash(self) -> None:
        """`kill -9` of the postmaster, and a start as soon as the processes that it left behind have gone."""
        os.kill(int((self._cluster.folder / "postmaster.pid").read_text().split()[0]), SIGKILL)

        async def started() -> bool:
            return await asyncio.to_thread(self._start_again) is None

        if not await until(started, START_SECONDS):
            raise RuntimeError(f"PostgreSQL did not come back: see {self._cluster.log}.")

    def _start_again(self) -> str | None:
        """What went wrong, if anything did. It keeps the options that it was started with."""
        found = postgres.find()
        assert found is not None
        where = f"--pgdata={self._cluster.folder}", f"--log={self._cluster.log}"
        done = found.run("pg_ctl", "restart", "--silent", "--wait", "--mode=fast", *where)
        return done.stdout if done.returncode else None


class Redis:
    """A Redis that keeps nothing; absent where the machine has none."""

    def __init__(self) -> None:
        self._program = shutil.which("redis-server")
        self._port = free_port()
        self._process: Process | None = None
        self.url = f"redis://127.0.0.1:{self._port}"

    @property
    def present(self) -> bool:
        return self._program is not None

    async def start(self) -> None:
        assert self._program is not None
        options = "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"
        self._process = await asyncio.create_subprocess_exec(self._program, *options, stdout=DEVNULL, cwd="/")

    async def stop(self) -> None:
        if self._process:
            self._process.terminate()
            await self._process.wait()
            self._process = None


class Server:
    """One server process on a port of its own. `module` is what is run, to start it with a difference."""

    def __init__(self, settings: dict[str, str], folder: Path, module: Sequence[str]) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/graphql"
        self.sockets = f"ws://127.0.0.1:{port}/graphql"
        self.settings = settings | {"PORT": str(port), "DATA_DIR": str(folder / str(port))}
        self.log = folder / f"server-{port}.log"
        self.module = module
        self._process: Process | None = None
        self._seen = 0  # bytes of its log

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        environment = {f"BART_{name}": value for name, value in self.settings.items()}
        command = sys.executable, "-m", *self.module, "serve"
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=environment, stdout=PIPE, stderr=log
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            if not await self._process.stdout.readline():
                raise RuntimeError(f"A server did not start:\n{self.log.read_text()[-2000:]}")

    async def signal(self, number: Signals) -> None:
        """Send a signal, and wait until it has ended where that ends it."""
        assert self._process is not None
        self._process.send_signal(number)
        if number in (SIGKILL, SIGTERM):
            await self._process.wait()

    async def restart(self, *, by: Signals, away: float = 0.0) -> None:
        """End it, stay away for some seconds, start it again."""
        await self.signal(by)
        await asyncio.sleep(away)
        await self.start()

    async def stop(self) -> None:
        if self.alive:
            await self.signal(SIGTERM)

    def errors(self) -> list[str]:
        """The lines that it logged as errors since this was asked before."""
        new = self.log.read_bytes()[self._seen :]
        self._seen += len(new)
        return [line.decode() for line in new.splitlines() if b'"level":"error"' in line.replace(b" ", b"")]


class Fleet(list[Server]):
    """Servers on one database, which hear of each other over one bus."""

    async def start(self) -> None:
        async with asyncio.TaskGroup() as group:
            for server in self:
                group.create_task(server.start())

    async def stop(self) -> None:
        async with asyncio.TaskGroup() as group:
            for server in self:
                group.create_task(server.stop())

    async def change(self, **settings: str) -> None:
        """Start all of them again where these settings are others than theirs."""
        if any(server.settings | settings != server.settings for server in self):
            await self.stop()
            for server in self:
                server.settings |= settings
            await self.start()


@asynccontextmanager
async def serving(
    postgres: Postgres, folder: Path, *, servers: int, module: Sequence[str] = AS_DEPLOYED
) -> AsyncIterator[Fleet]:
    """Servers on the database, until the block ends. They do no background work: it would write events of its own."""
    settings = {
        "DATABASE_URL": postgres.url,
        "SECRET_KEY": SECRET,
        "RATE_LIMIT": "1000000000",
        "RUN_WORKER": "false",
        "BROADCAST_URL": "",
    }
    fleet = Fleet(Server(settings, folder, module) for _ in range(servers))
    try:
        await fleet.start()
        yield fleet
    finally:
        await fleet.stop()
