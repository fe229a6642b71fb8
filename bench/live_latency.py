"""How soon a single watcher hears of a mutation while many are made a second, on its own process or on another one.

Mutations come when they come (a Poisson process), whether the server keeps up or not. While a writer is held open, a
transaction that has written an event does not end; nobody else's event may wait for it.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass

import psycopg

from bench.clients import Connection
from bench.environment import Server, World, served
from bench.figures import Effort, Figure, Params, percentile
from bench.listening import listening, live_cursor
from bench.redis import redis
from bench.rivals import value
from bench.submissions import to_ours
from geo.demo.areas import MUNICIPALITY
from geo.models import Role

RATE = 200  # mutations a second
CONNECTIONS = 64
WARM_UP = 1.0  # seconds: first requests cost more
PATIENCE = 30.0  # seconds, for the events of the last mutations
HELD = 5.0  # seconds that a writer is held open
AREA = {"code": MUNICIPALITY}
SAME, OTHER, NOBODY = "same database", "other database", "nobody"
_COMMITS = """
SELECT number, extract(epoch FROM pg_xact_commit_timestamp(involvement.xmin))::float8
FROM involvement JOIN report ON report.id = report_id WHERE number = ANY(%s)
"""
_EVENT = """
INSERT INTO event (id, report_id, version, kind, actor, at, visibility, after, detail)
SELECT gen_random_uuid(), report_id, version + 1000000, kind, actor, clock_timestamp(), visibility, after, detail
FROM event WHERE kind = 'REPORT_SUBMITTED' LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds until the event was heard."""

    after_commit: list[float]
    after_arrival: list[float]  # of the mutation, when it had yet to be sent


async def measure(world: World, effort: Effort) -> list[Figure]:
    apart = world.empty()
    with redis(world) as redis_url:
        buses = {"PostgreSQL": ""} | ({"Redis": redis_url} if redis_url else {})
        figures = []
        with served(world) as server:
            async with pair(world, server, server) as both:
                runs: dict[str, list[Latencies]] = {NOBODY: [], SAME: [], OTHER: []}
                for _ in range(effort.runs):
                    runs[NOBODY].append(await both.run(effort.seconds))
                    with held(world.database_url, _EVENT):
                        runs[SAME].append(await both.run(max(effort.seconds, HELD)))
                    with held(apart, "CREATE TABLE made (id int)"):
                        runs[OTHER].append(await both.run(max(effort.seconds, HELD)))
        figures += _told("same process", runs[NOBODY])
        for bus, url in buses.items():
            with served(world, broadcast_url=url) as server, served(world, broadcast_url=url) as second:
                async with pair(world, server, second) as both:
                    figures += _told(
                        f"another process, {bus}", [await both.run(effort.seconds) for _ in range(effort.runs)]
                    )
        return figures + [_held(holding, percent, runs) for holding in (SAME, OTHER) for percent in (50, 99)]


def _told(where: str, runs: list[Latencies]) -> list[Figure]:
    params: Params = {"mutations/s": RATE, "watcher": where}
    return [
        Figure.of(f"live_latency.after_{what}.p{percent}", "ms", params, [percentile(of, percent) for of in each])
        for what, each in (
            ("commit", [run.after_commit for run in runs]),
            ("arrival", [run.after_arrival for run in runs]),
        )
        for percent in (50, 99)
    ]


def _held(holding: str, percent: float, runs: Mapping[str, list[Latencies]]) -> Figure:
    mine, alone = ([percentile(run.after_commit, percent) for run in runs[who]] for who in (holding, NOBODY))
    params: Params = {"mutations/s": RATE, "writer held open": holding}
    return Figure.of(f"live_latency.held.p{percent}", "ms", params, mine, "nobody held", alone)


@contextmanager
def held(database_url: str, statement: str) -> Iterator[None]:
    """A transaction that has written and does not end before the block does."""
    with closing(psycopg.connect(database_url)) as conn:
        conn.execute(statement.encode())
        yield
        conn.rollback()


class Pair:
    """Those who write at one server, and the one who listens, perhaps at another."""

    def __init__(self, world: World, writers: list[Connection], events: AsyncIterator[str]) -> None:
        self._world = world
        self._events = events
        self._heard: dict[str, float] = {}  # when each report was, by its number
        self._news = asyncio.Condition()
        self._free = asyncio.Queue[Connection]()
        for writer in writers:
            self._free.put_nowait(writer)

    async def listen(self) -> None:
        async for event in self._events:
            self._heard[value("number", event)] = time.time()
            async with self._news:
                self._news.notify_all()

    async def run(self, seconds: float) -> Latencies:
        start, due = time.time(), 0.0
        arrivals: list[asyncio.Task[tuple[str, float]]] = []
        while (due := due + random.expovariate(RATE)) < seconds or not arrivals:
            await asyncio.sleep(start + due - time.time())
            arrivals.append(asyncio.create_task(self._submit(start + due)))
        arrived = dict(await asyncio.gather(*arrivals))
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                await self._news.wait_for(lambda: self._heard.keys() >= arrived.keys())
        except TimeoutError:
            missing = arrived.keys() - self._heard.keys()
            raise RuntimeError(f"Of {len(arrived)} reports, {len(missing)} were never heard of: {missing}") from None
        with closing(psycopg.connect(self._world.database_url)) as conn:
            committed = conn.execute(_COMMITS.encode(), [list(arrived)]).fetchall()
        return Latencies(
            [(self._heard[number] - at) * 1000 for number, at in committed],
            [(self._heard[number] - at) * 1000 for number, at in arrived.items()],
        )

    async def _submit(self, due: float) -> tuple[str, float]:
        writer = await self._free.get()
        try:
            return value("number", (await writer.post()).body), due
        finally:
            self._free.put_nowait(writer)


@asynccontextmanager
async def pair(world: World, written: Server, watched: Server) -> AsyncIterator[Pair]:
    headers = world.bearer(Role.RESIDENT)
    target = to_ours(written.url, headers)
    cursor = live_cursor(watched, headers, AREA)
    async with listening(watched, headers, AREA, cursor) as events, asyncio.TaskGroup() as group:
        both = Pair(world, [await Connection.open(target) for _ in range(CONNECTIONS)], events)
        listener = group.create_task(both.listen())
        await both.run(WARM_UP)
        yield both
        listener.cancel()
