"""What a benchmark runs in: a PostgreSQL of its own that loses nothing in a crash, and servers as processes."""

import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psycopg
import uvloop
from sqlalchemy import make_url

from api import migrate
from api.auth import Tokens
from api.cluster import Cluster
from api.settings import ROOT
from bench.helpers import python
from geo.db import Database, engine
from geo.demo.load import load
from geo.models import Role

# Not /tmp, which is in memory on many machines: there a commit waits for nothing.
DISK = Path("/var/tmp")


@dataclass(frozen=True)
class World:
    """A migrated database that holds the demo, and a folder for logs."""

    database_url: str
    folder: Path
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def bearer(self, role: Role) -> dict[str, str]:
        """The headers of a caller of this role, whom nothing sets apart."""
        minted = Tokens(self.secret).mint(
            role, subject="bench", organisation="bench", areas=frozenset(), lifetime=timedelta(hours=12)
        )
        return {"Authorization": f"Bearer {minted}"}

    def copy(self) -> str:
        """The URL of a new database with the same in it, for a peer: what it writes must not be work for our server.

        Nobody may be connected to ours meanwhile.
        """
        name = f"copy_{secrets.token_hex(6)}"
        with closing(psycopg.connect(self._url("postgres"), autocommit=True)) as conn:
            conn.execute(f'CREATE DATABASE {name} TEMPLATE "{make_url(self.database_url).database}"'.encode())
        return self._url(name)

    def empty(self) -> str:
        """The URL of a new database with nothing in it, for a peer that makes its own tables."""
        name = f"empty_{secrets.token_hex(6)}"
        with closing(psycopg.connect(self._url("postgres"), autocommit=True)) as conn:
            conn.execute(f"CREATE DATABASE {name}".encode())
        return self._url(name)

    def _url(self, database: str) -> str:
        return make_url(self.database_url).set(database=database).render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a process of its own."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="bart-bench-", dir=DISK) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL does not run as root but as another user, who must get in
        data = Path(folder) / "data"
        with Cluster(data) as url, closing(psycopg.connect(url, autocommit=True)) as conn:
            conn.execute("ALTER SYSTEM SET track_commit_timestamp = on")  # takes a restart
        with Cluster(data) as url:
            migrate.upgrade(url)
            uvloop.run(_load_demo(url))
            yield World(url, Path(folder))


async def _load_demo(url: str) -> None:
    db = Database(engine(url))
    await load(db)
    await db.engine.dispose()


@contextmanager
def served(world: World, **changes: str) -> Iterator[Server]:
    """Our server as it is deployed, on one process, until the block ends.

    `changes` are settings, by their names in api/settings.py.
    """
    port = free_port()
    settings = {
        "port": str(port),
        "database_url": world.database_url,
        "secret_key": world.secret,
        "data_dir": str(world.folder / "server"),
        "rate_limit": "1000000000",
        **changes,
    }
    environment = {f"BART_{name.upper()}": value for name, value in settings.items()}
    with process(python("api", "serve"), world.folder / f"server_{port}.log", environment) as pid:
        yield Server(port, pid)


@contextmanager
def process(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    *,
    folder: Path = ROOT,
    listens: bytes = b"Serving",
) -> Iterator[int]:
    """A process, from the line on standard output by which it says that it listens: its number."""
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, cwd=folder, env=dict(environment), stdout=subprocess.PIPE, stderr=errors) as running,
    ):
        try:
            assert running.stdout is not None
            if not any(listens in line for line in running.stdout):
                raise RuntimeError(f"{' '.join(command)} did not start:\n{log.read_text()}")
            yield running.pid
        finally:
            running.terminate()


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
        return port
