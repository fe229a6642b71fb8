"""Read replicas: a read goes to one that shows at least what the primary showed when it began, else to the primary.

Clients move between processes, so it is not enough to go by what this process wrote or saw. The primary is asked how
far it is, by one small statement that all reads waiting at that moment share; then the replica is asked, on the
connection that the read is going to use. A replica that does not answer in time is left out for some seconds, and no
caller notices. Where the primary does not answer, a read fails as it does without replicas: it alone knows what other
processes may have shown.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from itertools import cycle, islice
from typing import Any, cast

import structlog
from psycopg.errors import QueryCanceled
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool

from geo.wal import NotCaughtUp, NotOurs, Position, Primary, check_replayed

PAUSES = (0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032)  # seconds before each look whether a replica has caught up
ANSWER_SECONDS = 0.5  # for all of that together, and to connect
REST_SECONDS = 3.0  # that a replica is left out which took longer, or failed
UNFIT = (SQLAlchemyError, OSError, NotCaughtUp, NotOurs)  # what getting a connection to a replica may end in
log = structlog.get_logger()


class ReadConnection(AsyncConnection):
    """A connection to a replica that goes on at the primary when the replica fails in the middle of a read.

    The reader can't tell: a statement that failed has given nothing, and each sees a snapshot of its own anyway.
    """

    __slots__ = ("_primary", "_replica")

    def __init__(self, conn: AsyncConnection, replica: "Replica", primary: AsyncEngine) -> None:
        super().__init__(conn.engine, conn.sync_connection)
        self._replica = replica
        self._primary = primary

    async def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().execute(*args, **options)
        except OperationalError as error:  # it is gone, or had to replay what this statement stood in the way of
            if self.engine is self._primary or isinstance(error.orig, QueryCanceled):  # too slow for either
                raise
            self._replica.leave_out(error)
        moved = await self._primary.connect()
        await self.close()
        self.engine, self.sync_engine, self.sync_connection = moved.engine, moved.sync_engine, moved.sync_connection
        return await super().execute(*args, **options)


class Replica:
    """One replica. `number` is its name in the log: its URL may hold a password."""

    def __init__(self, number: int, engine: AsyncEngine, primary: Primary) -> None:
        # Whoever waits for a connection waits here: only what the replica itself takes is held against it.
        self.free = asyncio.Semaphore(cast("QueuePool", engine.pool).size())
        self.left_out = False
        self._number = number
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._primary = primary
        self._rests_until = 0.0
        self._abandoned = set[asyncio.Task[None]]()

    @property
    def rests(self) -> bool:
        """Whether no read is to be sent here now."""
        return time.monotonic() < self._rests_until

    def leave_out(self, error: Exception) -> None:
        """Let it rest."""
        if not self.left_out:
            log.warning("replica_left_out", replica=self._number, error=type(error).__name__)
        self.left_out = True
        self._rests_until = time.monotonic() + REST_SECONDS

    async def connect(self) -> ReadConnection | None:
        """A connection that shows what the primary shows; None where that takes too long, and then it is left out."""
        if self.rests:
            return None
        if self.left_out:  # then this read tries it, for all
            self._rests_until = time.monotonic() + REST_SECONDS
        attempt = asyncio.create_task(self._catch_up(await self._primary.position()))
        try:
            await asyncio.wait({attempt}, timeout=ANSWER_SECONDS)
            if not attempt.done():
                raise TimeoutError
            conn = attempt.result()
        except BaseException as error:
            self._abandon(attempt)
            if not isinstance(error, UNFIT):
                raise
            self.leave_out(error)
            return None
        if self.left_out:
            log.info("replica_used_again", replica=self._number)
        self.left_out, self._rests_until = False, 0.0
        return ReadConnection(conn, self, self._primary.engine)

    async def _catch_up(self, position: Position) -> AsyncConnection:
        conn = await self._autocommit.connect()
        try:
            for pause in PAUSES:
                await asyncio.sleep(pause)
                with suppress(NotCaughtUp):
                    await check_replayed(conn, position)
                    return conn
            raise NotCaughtUp
        except BaseException:
            await conn.close()
            raise

    def _abandon(self, attempt: asyncio.Task[AsyncConnection]) -> None:
        """End it without waiting for the end: a server that hangs holds up that too."""

        async def end() -> None:
            with suppress(asyncio.CancelledError, *UNFIT):
                await (await attempt).close()

        attempt.cancel()
        task = asyncio.create_task(end())
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)


class Replicas:
    """`count` is told of each read: whether a replica served it."""

    def __init__(self, primary: AsyncEngine, replicas: Sequence[AsyncEngine], count: Callable[[bool], None]) -> None:
        self._primary = Primary(primary)
        self._replicas = [Replica(number, engine, self._primary) for number, engine in enumerate(replicas, 1)]
        self._turns = cycle(self._replicas)
        self._count = count

    @property
    def left_out(self) -> int:
        """How many are left out now."""
        return sum(replica.left_out for replica in self._replicas)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection for one read, on which each statement sees its own snapshot."""
        async with AsyncExitStack() as stack:
            conn = None
            turns = islice(self._turns, len(self._replicas))
            if replica := next((one for one in turns if not one.rests), None):
                await stack.enter_async_context(replica.free)
                conn = await replica.connect()
            self._count(conn is not None)
            if conn is None:
                yield await stack.enter_async_context(self._primary.engine.connect())
            else:
                yield await stack.enter_async_context(aclosing(conn))
