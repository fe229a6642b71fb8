"""Whether a server's loop turns: one who asks it for the least there is, at a fixed pace, over a connection of its own.

`Probe` is its handle, and `python -m bench.probe` the process. What it sees includes what the machine itself is late.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import uvloop

from bench.helpers import Helper, helper, say, serve

PACE = 0.005  # seconds between two questions
QUESTION = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Probe:
    def __init__(self, process: Helper) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def at(cls, port: int) -> AsyncIterator[Self]:
        async with helper("bench.probe") as process:
            await process.ask({"port": port})
            yield cls(process)

    async def taken(self) -> list[float]:
        """Milliseconds until each answer since the last time this was asked."""
        found: list[float] = await self._process.ask({"taken": None})
        return found


class Process:
    """Asks one question at a time: while one waits for its answer, those that were due are not asked."""

    def __init__(self) -> None:
        self._milliseconds: list[float] = []

    async def handle(self, order: dict[str, int]) -> None:
        if "port" in order:
            self._asking = asyncio.create_task(self._ask(order["port"]))
            say(None)
        else:
            taken, self._milliseconds = self._milliseconds, []
            say(taken)

    async def _ask(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            start = time.perf_counter()
            writer.write(QUESTION)
            await reader.readuntil(b"ok\n")
            took = time.perf_counter() - start
            self._milliseconds.append(took * 1000)
            await asyncio.sleep(max(0, PACE - took))


if __name__ == "__main__":
    uvloop.run(serve(Process().handle))
