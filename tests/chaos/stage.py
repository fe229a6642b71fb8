"""The stage: what a fault can reach, and what it happens to."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import history
from tests.chaos.people import RESIDENTS
from tests.chaos.records import Interest
from tests.chaos.servers import Fleet, Postgres, Redis
from tests.chaos.watchers import Reader, Watcher
from tests.chaos.writers import Choice, Writer


@dataclass(frozen=True)
class Effort:
    """How much is done in each act: so many events in so many seconds. What the API does not take in that time is
    written below it."""

    events: int
    seconds: float
    lasts: float  # seconds that a fault lasts that lasts
    servers: int
    writers: int
    crowd: int
    patience: float  # seconds until every watcher must have heard everything


@dataclass
class Stage:
    """What a fault can reach, and what it happens to."""

    postgres: Postgres
    redis: Redis
    fleet: Fleet
    effort: Effort
    folder: Path
    own: list[str] = field(default_factory=list)  # reports that the residents made
    others: list[str] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []

    @property
    def steady(self) -> list[str]:
        """Reports that stay visible to everybody, to be watched one by one."""
        return self.own[:6]

    @property
    def apart(self) -> list[str]:
        """Reports that writers leave alone."""
        return self.own[-3:]

    async def lasting(self) -> None:
        """As long as a fault lasts."""
        await asyncio.sleep(self.effort.lasts)

    async def watch(self, interests: Iterable[Interest]) -> list[Watcher]:
        """Begin to watch, each from the state as it is now. It goes on until the end of the act."""
        interests = list(interests)
        reader = Reader(self.fleet, self.postgres.url)
        firsts = await reader.read_all(interests)
        begun = []
        for interest in interests:
            begun.append(Watcher(reader, self.fleet, interest, firsts[interest], len(self.watchers)))
            self.watchers.append(begun[-1])
        self._running += [self._tasks.create_task(watcher.run()) for watcher in begun]
        return begun

    async def found(self) -> None:
        """The residents make some reports of their own, beside the demo's; again on one database, the same ones."""
        for resident in RESIDENTS:
            choice = Choice(f"reports of {resident.name}", [])
            writer = Writer(self.fleet, resident, choice)
            await writer.write([choice.submit() for _ in range(30)])
            self.own += [accepted.report for accepted in writer.accepted]
        known = await history.read(self.postgres.url, 0)
        self.others = sorted(known.of_report.keys() - set(self.own))

    @asynccontextmanager
    async def watching(self, interests: Iterable[Interest]) -> AsyncIterator[None]:
        """With these watchers, and those that join them, until the block ends."""
        async with asyncio.TaskGroup() as self._tasks:
            self.watchers, self._running = [], []
            await self.watch(interests)
            try:
                yield
            finally:
                for task in self._running:
                    task.cancel()
