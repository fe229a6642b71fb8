"""The bus of hints between processes. It carries only "there is something new".

broadcaster gives it over memory and Redis; its PostgreSQL backend wants another driver, so that one is ours.
Each process makes exactly one subscription (two first subscribers at once break each other in broadcaster), and a beat
of its own tells whether it still hears: a failing backend ends its listener in silence. A hint that gets lost costs
latency only, since every feed also looks by the clock.
"""

import asyncio
from collections.abc import Callable

import psycopg
import structlog
from broadcaster import Broadcast, BroadcastBackend, Event

CHANNEL = "bart_feed"
BEAT_SECONDS = 5.0
log = structlog.get_logger()


class PostgresBackend(BroadcastBackend):
    """LISTEN and NOTIFY, each on an autocommit connection of its own: never inside a writer's transaction."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._subscribed = asyncio.Event()

    async def connect(self) -> None:
        self._listener = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        self._notifier = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        self._heard = self._listener.notifies()

    async def disconnect(self) -> None:
        await self._listener.close()
        await self._notifier.close()

    async def subscribe(self, group: str) -> None:
        await self._listener.execute(f'LISTEN "{group}"'.encode())
        self._subscribed.set()

    async def unsubscribe(self, group: str) -> None:
        """The connection is waiting for notifications and takes no command; closing it ends the subscription."""

    async def publish(self, channel: str, message: str) -> None:
        await self._notifier.execute("SELECT pg_notify(%s, %s)", (channel, message))

    async def next_published(self) -> Event:
        await self._subscribed.wait()
        notify = await anext(self._heard)
        return Event(notify.channel, notify.payload)


class Bus:
    """The process's one connection to the bus, made again whenever it falls silent."""

    def __init__(self, url: str, *, database_url: str, beat: float = BEAT_SECONDS) -> None:
        self._url = url
        self._database_url = database_url
        self._beat = beat
        self._broadcast: Broadcast | None = None

    def _connect(self) -> Broadcast:
        return Broadcast(self._url) if self._url else Broadcast(backend=PostgresBackend(self._database_url))

    async def announce(self) -> None:
        """Tell the other processes that there is something new. They will find it without us too."""
        if self._broadcast is not None:
            try:
                await self._broadcast.publish(CHANNEL, "")
            except Exception as error:  # whatever the backend raises; `run` makes a new connection
                log.warning("hint_not_sent", error=type(error).__name__)

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
