"""One real PostgreSQL with PostGIS for the run; each test gets its own copy of a migrated template database."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

from api import migrate
from api.cluster import Cluster
from geo.db import Database, engine


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-url", help="a PostgreSQL server to make test databases on, instead of a private one")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server, by its maintenance database."""
    if url := request.config.getoption("--database-url"):
        yield url
        return
    with Cluster(tmp_path_factory.mktemp("cluster"), durable=False) as url:
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


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A fresh migrated database, for this test alone."""
    name = f"test_{uuid4().hex[:12]}"
    execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield named(server_url, name)
    execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


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
