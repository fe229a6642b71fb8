"""One real PostgreSQL with PostGIS for the run; each test gets its own copy of a migrated template database."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy import make_url

from api import migrate, serve
from api.auth import Tokens
from api.cluster import Cluster
from api.settings import Settings
from geo.db import Database, engine
from geo.viewer import Viewer
from tests.world import build


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-url", help="a PostgreSQL server to make test databases on, instead of a private one")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The server, by its maintenance database."""
    if url := request.config.getoption("--database-url"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="bart-test-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL does not run as root but as another user, who must get in
        with Cluster(Path(folder), durable=False) as url:
            yield url


def execute(url: str, statement: str) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as conn:
        conn.execute(statement.encode())


def named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated, empty database to copy."""
    name = f"template_{uuid4().hex[:12]}"
    execute(server_url, f"CREATE DATABASE {name}")
    migrate.upgrade(named(server_url, name))
    yield name
    execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def copied(server_url: str, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex[:12]}"
    execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")  # twice as fast here
    try:
        yield named(server_url, name)
    finally:
        execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A fresh migrated database, for this test alone."""
    with copied(server_url, template) as url:
        yield url


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(engine(database_url, pool_size=20))
    yield database
    await database.engine.dispose()


SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real areas; a test that needs it skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"real data not present at {SHARED}")
    return SHARED


@pytest.fixture
async def world(db: Database) -> Database:
    """A database with the small world of tests/world.py."""
    await build(db)
    return db


@dataclass(frozen=True)
class Served:
    """A server on a real socket of its own."""

    url: str  # http://127.0.0.1:PORT
    db: Database
    tokens: Tokens

    @property
    def graphql(self) -> str:
        return f"{self.url}/graphql"

    @property
    def sockets(self) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/graphql"

    def headers(self, viewer: Viewer) -> dict[str, str]:
        """The Authorization header of a viewer with a party `organisation/subject`."""
        assert viewer.party is not None
        organisation, _, subject = viewer.party.partition("/")
        token = self.tokens.mint(
            viewer.role, subject=subject, organisation=organisation, areas=viewer.areas, lifetime=timedelta(hours=1)
        )
        return {"Authorization": f"Bearer {token}"}


SECRET = "a secret for tests, of more than 32 characters"


@asynccontextmanager
async def running(database_url: str, db: Database, folder: Path, **changes: Any) -> AsyncIterator[Served]:
    """A server on a database, until the block ends."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        usual = {"run_worker": False, "rate_limit": 100_000}
        settings = Settings(port=port, secret_key=SecretStr(SECRET), data_dir=folder, **(usual | changes))
        server = uvicorn.Server(serve.config(settings, database_url))
        task = asyncio.create_task(server.serve(sockets=[taken]))
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.01)
        try:
            yield Served(f"http://127.0.0.1:{port}", db, Tokens(SECRET))
        finally:
            server.should_exit = True
            await task


@pytest.fixture
async def server(database_url: str, world: Database, tmp_path: Path) -> AsyncIterator[Served]:
    async with running(database_url, world, tmp_path) as served:
        yield served


@pytest.fixture(scope="module")
async def shared(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One server with the small world for all tests of a module, which leave no traces in it that others would mind."""
    with copied(server_url, template) as url:
        database = Database(engine(url))
        await build(database)
        async with running(url, database, tmp_path_factory.mktemp("shared")) as served:
            yield served
        await database.engine.dispose()
