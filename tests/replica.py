"""A streaming replica of a private cluster, to be paused, killed and started again; and processes that use it."""

import asyncio
import os
import shlex
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import func, make_url, select
from sqlalchemy.ext.asyncio import AsyncConnection

from api import migrate, postgres
from api.cluster import Cluster
from geo.db import Database, engine
from tests.conftest import Served, execute, named, running

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",  # no fewer than the primary's
    "shared_buffers": "64MB",
    "fsync": "off",
    "hot_standby_feedback": "on",
    "max_standby_streaming_delay": "100ms",  # then a read that stands in the way is cancelled
}
WHERE = select(func.pg_is_in_recovery())  # whether a connection is one to a replica


class Replica:
    """Made from the PostgreSQL at a URL, in a folder that PostgreSQL's account can enter."""

    def __init__(self, primary_url: str, folder: Path) -> None:
        found = postgres.find()
        assert found is not None
        self._postgres = found
        self.primary_url = primary_url
        self._primary = make_url(primary_url)
        self._folder = folder / "replica"
        self._sockets = folder / "socket"
        self.url = self._primary.update_query_dict({"host": str(self._sockets)}).render_as_string(hide_password=False)
        self._maintenance = named(self.url, "postgres")  # where nothing is replayed that could cancel a statement

    def __enter__(self) -> Self:
        owner = postgres.owner()
        for made in (self._folder, self._sockets):
            made.mkdir(mode=0o700)
            os.chown(made, owner.pw_uid, owner.pw_gid)
        host = self._primary.query["host"]
        source = [f"--host={host}", f"--username={self._primary.query['user']}"]
        self._run("pg_basebackup", *source, f"--pgdata={self._folder}", "-R", "--checkpoint=fast", "--no-sync")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        settings = _SETTINGS | {"unix_socket_directories": str(self._sockets)}
        options = shlex.join(chain.from_iterable(("-c", f"{name}={value}") for name, value in settings.items()))
        log = f"--log={self._folder / 'server.log'}"
        self._run("pg_ctl", "start", "--silent", "--wait", f"--pgdata={self._folder}", log, f"--options={options}")

    def kill(self) -> None:
        """At once, in the middle of whatever it does."""
        self._run("pg_ctl", "stop", "--silent", "--mode=immediate", f"--pgdata={self._folder}")

    def pause(self) -> None:
        """It goes on to receive and to answer, and shows nothing new."""
        execute(self._maintenance, "SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        execute(self._maintenance, "SELECT pg_wal_replay_resume()")

    def _run(self, program: str, *arguments: str) -> None:
        done = self._postgres.run(program, *arguments)
        assert done.returncode == 0, done.stdout


@contextmanager
def replicated() -> Iterator[Replica]:
    """The replica of a migrated PostgreSQL whose commits wait until they are flushed, as those of a real one do."""
    with tempfile.TemporaryDirectory(prefix="bart-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL does not run as root but as another user, who must get in
        with Cluster(folder / "primary", durable=False) as url:
            execute(url, "ALTER DATABASE bart SET synchronous_commit = on")
            migrate.upgrade(url)
            with Replica(url, folder) as replica:
                yield replica


@asynccontextmanager
async def opened(primary_url: str, *replica_urls: str) -> AsyncIterator[tuple[Database, Counter[bool]]]:
    """A database as a process uses it, and the number of its reads that a replica served, and did not."""
    reads: Counter[bool] = Counter()

    def count(at_replica: bool) -> None:
        reads[at_replica] += 1

    made = [engine(url, pre_ping=False) for url in replica_urls]
    database = Database(engine(primary_url), made, count_read=count)
    yield database, reads
    await database.close()


async def at_replica(db: Database) -> bool:
    async with db.read() as conn:
        return bool(await conn.scalar(WHERE))


def left_out(db: Database) -> int:
    """How many of its replicas it does not use now."""
    assert db.replicas is not None
    return db.replicas.left_out


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await what():  # noqa: ASYNC110 - it happens in the database
            await asyncio.sleep(0.02)


@asynccontextmanager
async def reading_at_replica(db: Database) -> AsyncIterator[AsyncConnection]:
    """A read that began at the replica: on a busy machine one may have gone to the primary before."""
    async with asyncio.timeout(30):
        while True:
            async with db.read() as conn:
                if await conn.scalar(WHERE):
                    yield conn
                    return


@asynccontextmanager
async def served(url: str, folder: Path, *replica_urls: str) -> AsyncIterator[Served]:
    urls = ",".join(replica_urls)
    async with opened(url) as (database, _), running(url, database, folder, replica_urls=urls) as one:
        yield one
