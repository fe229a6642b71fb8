"""The bus of hints between processes. It carries only "there is something new".

Each process makes exactly one subscription (two first subscribers at once break each other in broadcaster), and a beat
of its own tells whether it still hears: a failing backend ends its listener in silence. A hint that gets lost costs
latency only, since every feed also looks by the clock.
"""

import asyncio
from collections.abc import Callable

import structlog
from broadcaster import Broadcast

from api.bus_backends import PostgresBackend, RedisBackend

CHANNEL = "bart_feed"
BEAT_SECONDS = 5.0
log = structlog.get_logger()


class Connection(Broadcast):
    """broadcaster's own raises what its listener died of, in place of our cancellation, and leaves a backend connected
    that failed."""

    async def connect(self) -> None:
        try:
            await super().connect()
        except BaseException:
            await self._backend.disconnect()
            raise

    async def disconnect(self) -> None:
        self._listener_task.cancel()
        await asyncio.wait([self._listener_task])
        if not self._listener_task.cancelled():
            log.warning("bus_listener_failed", error=type(self._listener_task.exception()).__name__)
        await self._backend.disconnect()


class Bus:
    """The process's one connection to the bus, made again whenever it falls silent."""

    def __init__(self, url: str, *, database_url: str, beat: float = BEAT_SECONDS) -> None:
        self._url = url
        self._database_url = database_url
        self._beat = beat
        self._broadcast: Broadcast | None = None

    def _connect(self) -> Broadcast:
        if not self._url:
            return Connection(backend=PostgresBackend(self._database_url))
        if self._url.startswith("redis"):
            return Connection(backend=RedisBackend(self._url))
        return Connection(self._url)

    async def announce(self) -> None:
        """Tell the other processes that there is something new. They will find it without us too."""
        if self._broadcast is not None:
            try:
                await self._broadcast.publish(CHANNEL, "")
            except Exception as error:  # whatever the backend raises; `run` makes a new connection
                log.warning("hint_not_sent", error=type(error).__name__)

    async def announce_once(self) -> None:
        """The same, from a process that does not `run`."""
        try:
            async with asyncio.timeout(self._beat), self._connect() as self._broadcast:
                await self.announce()
        except Exception as error:  # whatever the backend raises
            log.warning("hint_not_sent", error=type(error).__name__)
        finally:
            self._broadcast = None

    async def run(self, hear: Callable[[], None]) -> None:
        """Call `hear` at each hint, until cancelled."""
        while True:
            try:
                async with (
                    self._connect() as broadcast,
                    broadcast.subscribe(CHANNEL) as hints,
                    asyncio.TaskGroup() as group,
                ):
                    self._broadcast = broadcast
                    group.create_task(self._keep_beating())
                    while True:
                        async with asyncio.timeout(3 * self._beat):
                            await hints.get()
                        hear()
            except Exception as error:  # whatever the backend raises, or its silence
                log.warning("bus_lost", error=type(error).__name__)
            finally:
                self._broadcast = None
            await asyncio.sleep(self._beat / 5)

    async def _keep_beating(self) -> None:
        while True:
            await self.announce()
            await asyncio.sleep(self._beat)
