"""How soon a watcher hears of a mutation, counted from its answer and from its request.

The floor has no ratio from the answer: its event comes at the same moment, often before, and a ratio of that is noise.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.clients import Connection, Target
from bench.environment import World, served
from bench.figures import Effort, Figure, percentile
from bench.floors import FLOOR, floor
from bench.rivals import value
from bench.submissions import to_floor, to_ours
from geo.demo.areas import MUNICIPALITY
from geo.models import Role

WATCH = """
subscription Watch($area: AreaInput!, $after: Cursor) {
  reportEvents(area: $area, after: $after) {
    __typename
    ... on ReportEvent { cursor reportId version report { number status } }
  }
}
"""
PROTOCOL = Subprotocol("graphql-transport-ws")


class Delay(NamedTuple):
    """Milliseconds until the event is at the watcher."""

    after_answer: float
    after_request: float


@dataclass(frozen=True, slots=True)
class Pair:
    """One who writes and one who watches, of one server."""

    target: Target
    watcher: ClientConnection

    async def run(self, seconds: float) -> list[Delay]:
        """Write again and again, each time when the event of the last report has come."""
        found = []
        writer = await Connection.open(self.target)  # servers close one that is idle while the other runs
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            (event, at), answer = await asyncio.gather(self._hear(), writer.post())
            if value("reportId", event) != value("reportId", answer.body):
                raise RuntimeError(f"The watcher heard of another report: {event.decode()}")
            found.append(Delay((at - answer.at) * 1000, (at - answer.asked_at) * 1000))
        writer.close()
        return found

    async def _hear(self) -> tuple[bytes, float]:
        return await self.watcher.recv(decode=False), time.perf_counter()


@asynccontextmanager
async def our_pair(url: str, headers: Mapping[str, str]) -> AsyncIterator[Pair]:
    target = to_ours(url, headers)
    writer = await Connection.open(target)
    first = (await writer.post()).body
    writer.close()
    variables = {"area": {"code": MUNICIPALITY}, "after": value("cursor", first)}
    async with connect(f"{url.replace('http', 'ws', 1)}/graphql", subprotocols=[PROTOCOL]) as watcher:
        for message in (
            {"type": "connection_init", "payload": headers},
            {"type": "subscribe", "id": "1", "payload": {"query": WATCH, "variables": variables}},
        ):
            await watcher.send(orjson.dumps(message), text=True)
        await watcher.recv()  # that we are welcome
        while value("reportId", await watcher.recv(decode=False)) != value("reportId", first):
            pass  # of what was written shortly before
        yield Pair(target, watcher)


@asynccontextmanager
async def floor_pair(url: str) -> AsyncIterator[Pair]:
    async with connect(f"{url.replace('http', 'ws', 1)}/events") as watcher:
        yield Pair(to_floor(url, "publish"), watcher)


async def measure(world: World, effort: Effort) -> list[Figure]:
    mine, floors = [], []
    with floor(world, world.copy()) as bare, served(world) as server:
        async with our_pair(server.url, world.bearer(Role.RESIDENT)) as ours, floor_pair(bare.url) as theirs:
            for _ in range(effort.runs):
                mine.append(await ours.run(effort.seconds))
                floors.append(await theirs.run(effort.seconds))
    figures = []
    for percent in (50, 99):
        answers = [percentile([delay.after_answer for delay in run], percent) for run in mine]
        requests = [
            [percentile([delay.after_request for delay in run], percent) for run in runs] for runs in (mine, floors)
        ]
        figures += [
            Figure.of(f"write_visible.after_answer.p{percent}", "ms", {}, answers),
            Figure.of(f"write_visible.after_request.p{percent}", "ms", {}, requests[0], FLOOR, requests[1]),
        ]
    return figures
