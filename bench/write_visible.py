"""How soon a watcher hears of a mutation: after its answer, and after it was sent for."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.clients import Connection
from bench.environment import World, served
from bench.figures import Effort, Figure, percentile
from bench.floors import FLOOR, floor
from bench.submissions import bare, graphql
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
_REPORT_ID = re.compile(rb'"reportId":"([^"]+)"')
_CURSOR = re.compile(rb'"cursor":"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Side:
    """A server with somebody who writes and somebody who watches."""

    url: str
    headers: Mapping[str, str]
    make_body: Callable[[], bytes]
    writer: Connection
    watcher: ClientConnection

    async def run(self, seconds: float) -> list[tuple[float, float]]:
        """Milliseconds from the answer, and from the request, until the event is at the watcher: each in its turn."""
        found: list[tuple[float, float]] = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            (event, at), answer = await asyncio.gather(
                self._hear(), self.writer.post(self.url, self.headers, self.make_body())
            )
            if _first(_REPORT_ID, event) != _first(_REPORT_ID, answer.body):
                raise RuntimeError(f"The watcher heard {event.decode()} and not {answer.body.decode()}")
            found.append(((at - answer.at) * 1000, (at - answer.sent_at) * 1000))
        return found

    async def _hear(self) -> tuple[bytes, float]:
        return await self.watcher.recv(decode=False), time.perf_counter()


def _first(pattern: re.Pattern[bytes], text: bytes) -> str:
    found = pattern.search(text)
    if found is None:
        raise RuntimeError(f"Nothing like {pattern.pattern!r} in {text.decode()}")
    return found[1].decode()


@asynccontextmanager
async def _ours(url: str, headers: Mapping[str, str]) -> AsyncIterator[Side]:
    writer = await Connection.open(url)
    first = await writer.post(f"{url}/graphql", headers, graphql())
    variables = {"area": {"code": MUNICIPALITY}, "after": _first(_CURSOR, first.body)}
    messages = (
        {"type": "connection_init", "payload": headers},
        {"type": "subscribe", "id": "1", "payload": {"query": WATCH, "variables": variables}},
    )
    protocol = Subprotocol("graphql-transport-ws")
    async with connect(f"{url.replace('http', 'ws', 1)}/graphql", subprotocols=[protocol]) as watcher:
        for message in messages:
            await watcher.send(orjson.dumps(message), text=True)
            await watcher.recv()  # that we are welcome; the event of the first report
        yield Side(f"{url}/graphql", headers, graphql, writer, watcher)
    writer.close()


@asynccontextmanager
async def _bare(url: str) -> AsyncIterator[Side]:
    writer = await Connection.open(url)
    async with connect(f"{url.replace('http', 'ws', 1)}/events") as watcher:
        yield Side(f"{url}/publish", {}, bare, writer, watcher)
    writer.close()


async def measure(world: World, effort: Effort) -> list[Figure]:
    with floor(world) as their_url, served(world) as our_url:
        async with _bare(their_url) as theirs, _ours(our_url, world.bearer(Role.RESIDENT)) as ours:
            runs = [(await ours.run(effort.seconds), await theirs.run(effort.seconds)) for _ in range(effort.runs)]
    figures = []
    for which, name in enumerate(("after_answer", "after_request")):
        for percent in (50, 99):
            mine, floors = (
                [percentile([times[which] for times in run[side]], percent) for run in runs] for side in (0, 1)
            )
            print(name, percent, mine, floors)
            figures.append(Figure.of(f"write_visible.{name}.p{percent}", "ms", {"watchers": 1}, mine, FLOOR, floors))
    return figures
