"""What a watcher costs while nothing happens, and whether a server that has very many goes on without a pause.

Watchers watch all areas of the map in turn, of every level. Events come at a fixed pace, within a kilometre.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import cycle, islice

import psycopg

from bench.bare import BARE, bare
from bench.crowd import Crowd
from bench.environment import Server, World, served
from bench.figures import Effort, Figure, Params, percentile
from bench.probe import Probe
from bench.rivals import Rival, ours
from bench.usage import cpu, memory
from bench.writer import Writer

IDLE = (2_000, 10_000)
FIRST = 100  # watchers that come before those that are counted: code is loaded, and buffers are there
STILL = 0.002  # the part by which memory still changes within a second when it has settled
PACE = 0.2  # seconds between two events
PATIENCE = 2.0  # seconds, for the last events to come
_CODES = "SELECT code FROM area WHERE state = 'LIVE' ORDER BY code"
_EVENTS = "SELECT after -> 'codes' FROM event WHERE kind = 'REPORT_SUBMITTED' AND at > to_timestamp(%s)"


async def measure(world: World, effort: Effort) -> list[Figure]:
    with closing(psycopg.connect(world.database_url)) as conn:
        codes = [code for (code,) in conn.execute(_CODES)]
    most = max(effort.sockets)
    watched = list(islice(cycle(codes), most))

    def rival(server: Server) -> Rival:
        return ours("BART", world, server, lambda number: {"code": watched[number % most]})

    figures = []
    for sockets in sorted({min(sockets, most) for sockets in IDLE}):
        mine, theirs = [], []
        for _ in range(effort.runs):
            with served(world) as server:
                mine.append(await _idle(rival(server), sockets))
            with bare(world) as server:
                theirs.append(await _idle(replace(rival(server), name=BARE), sockets))
        params: Params = {"sockets": sockets}
        beyond = [our - their for our, their in zip(mine, theirs, strict=True)]
        figures += [
            Figure.of("sockets.memory", "KiB/watcher", params, mine, BARE, theirs),
            Figure.of("sockets.memory_beyond_bare", "KiB/watcher", params, beyond),
        ]
    with served(world) as server:
        return figures + await _held(rival(server), world, watched, effort)


async def _idle(rival: Rival, sockets: int) -> float:
    """KiB that the server needs for each."""
    async with Crowd.gather() as first, Crowd.gather() as crowd:
        await rival.watched_by(first, range(FIRST))
        before = await _settled(rival.server.pid)
        await rival.watched_by(crowd, range(FIRST, FIRST + sockets))
        needed = await _settled(rival.server.pid) - before
        heard = await crowd.heard()
    if heard.closed or heard.trouble:
        raise RuntimeError(f"{rival.name}: {heard}")
    return needed / sockets / 1024


async def _settled(pid: int) -> int:
    """The memory of a process that has come to rest."""
    last = 0
    while abs((now := memory(pid)) - last) > now * STILL:
        last = now
        await asyncio.sleep(1)
    return now


async def _held(rival: Rival, world: World, watched: list[str], effort: Effort) -> list[Figure]:
    """All runs with the same sockets; each must be told exactly what happens in its area."""
    pid = rival.server.pid
    async with Crowd.gather() as crowd, Writer.ready() as writer, Probe.at(rival.server.port) as probe:
        await _flow(writer, rival, effort.seconds)
        unwatched = await probe.taken()
        await rival.watched_by(crowd, range(len(watched)))
        await _settled(pid)
        pauses, used, start = [], [], time.time()
        await crowd.expect(0)
        await probe.taken()
        for _ in range(effort.runs):
            before = cpu(pid)
            took = await _flow(writer, rival, effort.seconds)
            used.append((cpu(pid) - before) / took)
            pauses.append(await probe.taken())
        await asyncio.sleep(PATIENCE)
        heard, wanted = await crowd.heard(), _wanted(world, watched, start)
    if heard.events != wanted:
        raise RuntimeError(f"{heard.events} of {wanted} events were heard. {heard.trouble}")
    params: Params = {"sockets": len(watched), "events/s": 1 / PACE, "s": effort.runs * effort.seconds}

    def pause(name: str, of: Callable[[list[float]], float]) -> Figure:
        alone = [of(unwatched)] * effort.runs
        return Figure.of(f"sockets.pause.{name}", "ms", params, [of(each) for each in pauses], "unwatched", alone)

    return [
        Figure.of("sockets.dropped", "sockets", params, [heard.closed]),
        Figure.of("sockets.told", "events", params, [heard.events]),
        Figure.of("sockets.cpu", "CPU", params, used),
        pause("p99", lambda each: percentile(each, 99)),
        pause("longest", max),
    ]


async def _flow(writer: Writer, rival: Rival, seconds: float) -> float:
    """Write at the pace for so many seconds; returns how many it took."""
    start = time.perf_counter()
    for number in range(max(1, round(seconds / PACE))):
        await asyncio.sleep(start + number * PACE - time.perf_counter())
        await writer.write(rival.post())
    return time.perf_counter() - start


def _wanted(world: World, watched: list[str], since: float) -> int:
    """How many are to be told, over all events since a moment."""
    watchers = Counter(watched)
    with closing(psycopg.connect(world.database_url)) as conn:
        return sum(watchers[code] for (codes,) in conn.execute(_EVENTS, [since]) for code in codes)
