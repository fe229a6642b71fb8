"""The connection pool, and the two ways to use it: read, and write in one transaction."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import orjson
from psycopg.errors import QueryCanceled
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from geo.errors import TooSlow
from geo.replicas import Replicas

Connection = AsyncConnection
_BEGIN_SNAPSHOT = text("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
_END_SNAPSHOT = text("COMMIT")


def _nothing(*_: object) -> None:
    pass


def engine(url: str, *, pool_size: int = 10, statement_timeout: float = 10.0, pre_ping: bool = True) -> AsyncEngine:
    """A pool of connections to a libpq `url`, each statement cancelled after `statement_timeout` seconds.

    Plans are made for the values at hand: an area of ten reports and one of a million need different ones, and a
    generic plan would serve one of them badly. And they are made for one process: to start another for a page takes
    longer than to read it. `pre_ping` tries a connection before each use, in one round trip.
    """
    options = {
        "statement_timeout": f"{statement_timeout * 1000:.0f}",
        "idle_in_transaction_session_timeout": "15000",
        "plan_cache_mode": "force_custom_plan",
        "max_parallel_workers_per_gather": "0",
        "timezone": "UTC",
    }
    return create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=statement_timeout,
        pool_pre_ping=pre_ping,
        hide_parameters=True,  # they are what people wrote, and errors are logged
        connect_args={"options": " ".join(f"-c {name}={value}" for name, value in options.items())},
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """Names the one error of PostgreSQL that a request can cause: it took longer than the statement timeout."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, QueryCanceled):
            raise TooSlow(hint="Ask for less: a smaller area, a smaller page, fewer nested lists.") from error
        raise


class Database:
    """`after_commit` is called after each commit of `write`; the feed sets it to place the new events.

    `replicas` are those of the primary that `engine` is for; `count_read` is told of each read while there are any:
    whether a replica served it.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        replicas: Sequence[AsyncEngine] = (),
        *,
        count_read: Callable[[bool], None] = _nothing,
    ) -> None:
        self.engine = engine
        self.after_commit: Callable[[], None] = _nothing
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._engines = (engine, *replicas)
        self.replicas = Replicas(self._autocommit, replicas, count_read) if replicas else None

    def forget(self) -> None:
        """Let go of the values that SQLAlchemy keeps with each statement it has compiled: the first it was run with."""
        for engine in self._engines:
            engine.clear_compiled_cache()

    async def close(self) -> None:
        """Close all connections."""
        for engine in self._engines:
            await engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement sees its own snapshot, none older than this call; perhaps to a replica.

        For what is shown to a caller. What is written down or remembered afterwards is read by `read_primary`.
        """
        async with _in_time(), (self.replicas or self._autocommit).connect() as conn:
            yield conn

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """The same, but all statements see the snapshot of the first one. Where a replica fails in the middle, those
        that follow see what is newer, never what is older."""
        async with self.read() as conn:
            await conn.execute(_BEGIN_SNAPSHOT)
            yield conn
            await conn.execute(_END_SNAPSHOT)  # the rollback of the pool would forget the prepared statements too

    @asynccontextmanager
    async def read_primary(self) -> AsyncIterator[AsyncConnection]:
        """The same at the primary; saves the BEGIN and ROLLBACK of a transaction."""
        async with _in_time(), self._autocommit.connect() as conn:
            yield conn

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        async with _in_time(), self.engine.begin() as conn:
            yield conn
        self.after_commit()
