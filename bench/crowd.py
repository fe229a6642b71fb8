"""A crowd of watchers in a process of its own: `Crowd` is its handle, and `python -m bench.crowd` the process."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

import uvloop

from bench.helpers import Helper, helper, say, serve
from bench.watchers import Audience, Manner, Watcher

AT_ONCE = 100  # sockets that are opened together, unless it is to be a storm


class Heard(NamedTuple):
    """What a crowd has heard since it came."""

    complete: bool  # whether it was all that was wanted
    events: int
    at: float  # when the last that was wanted was heard, in seconds of `time.time`
    last: str  # that event
    closed: int
    trouble: str


class Crowd:
    """Watchers of one server. A crowd can leave and come again."""

    def __init__(self, process: Helper) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def gather(cls) -> AsyncIterator[Self]:
        async with helper("bench.crowd") as process:
            yield cls(process)

    async def join(
        self,
        port: int,
        manner: Manner,
        hellos: Sequence[str],
        subscriptions: Sequence[str],
        *,
        at_once: int = AT_ONCE,
        expected: int = 0,
    ) -> float:
        """Open a socket for each subscription, with the hello of the same place; returns when the first was opened, in
        seconds of `time.time`.

        Their subscriptions may not be in force yet: only an event that they hear shows that. So many events are
        `expected` from the first on.
        """
        order = Join(port, asdict(manner), list(hellos), list(subscriptions), at_once, expected)
        start: float = await self._process.ask({"join": asdict(order)})
        return start

    async def expect(self, events: int) -> None:
        """From now on so many events count, over all watchers; what was heard before is forgotten."""
        await self._process.ask({"expect": events})

    async def heard(self, patience: float = 0) -> Heard:
        """What has come: as soon as it is all that is expected, or patience has ended."""
        return Heard(*await self._process.ask({"hear": patience}))

    async def leave(self) -> None:
        await self._process.ask({"leave": None})


@dataclass(frozen=True, slots=True)
class Join:
    port: int
    manner: dict[str, str]
    hellos: list[str]
    subscriptions: list[str]
    at_once: int
    expected: int


class Process:
    def __init__(self) -> None:
        self._audience = Audience()
        self._watchers: list[Watcher] = []

    async def handle(self, order: dict[str, Any]) -> None:
        match order:
            case {"join": join}:
                say(await self._join(Join(**join)))
            case {"expect": events}:
                self._audience.expect(events)
                say(None)
            case {"hear": patience}:
                complete, audience = await self._audience.complete(patience), self._audience
                last, trouble = audience.last.decode(), audience.trouble.decode(errors="replace")
                say([complete, audience.heard, audience.at, last, audience.closed, trouble])
            case {"leave": _}:
                for watcher in self._watchers:
                    watcher.close()
                await asyncio.sleep(0)
                self._watchers, self._audience = [], Audience()
                say(None)

    async def _join(self, order: Join) -> float:
        loop, start = asyncio.get_running_loop(), time.time()
        manner, room = Manner(**order.manner), asyncio.Semaphore(order.at_once)
        self._audience.expect(order.expected)

        async def open_one(hello: str, subscription: str) -> None:
            async with room:
                _, watcher = await loop.create_connection(
                    lambda: Watcher(manner, hello, subscription, self._audience), "127.0.0.1", order.port
                )
                self._watchers.append(watcher)
                await watcher.welcome

        await asyncio.gather(*map(open_one, order.hellos, order.subscriptions))
        gc.collect()
        gc.freeze()  # so that collecting is never in the way of what is measured
        return start


if __name__ == "__main__":
    uvloop.run(serve(Process().handle))
