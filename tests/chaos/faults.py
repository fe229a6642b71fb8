"""The faults. Each is a function that does something to the stage while writers write and watchers watch, and puts it
right again; `@fault` gives it its name, and the profiles of profiles.py name the function."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from signal import SIGKILL, SIGTERM

import psycopg

from tests.chaos.bulk import busy_elsewhere, held_open
from tests.chaos.clock import Clock
from tests.chaos.people import ANYBODY, DESK
from tests.chaos.records import Interest
from tests.chaos.stage import Stage
from tests.chaos.waiting import until
from tests.chaos.watchers import CITY, PAUSE
from tests.chaos.writers import PLACES

Run = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """`redis`: the servers hear of each other over Redis meanwhile, and over PostgreSQL otherwise."""

    name: str
    run: Run
    redis: bool = False


FAULTS: dict[str, Fault] = {}


def fault(name: str, *, redis: bool = False) -> Callable[[Run], Run]:
    def add(run: Run) -> Run:
        FAULTS[run.__name__] = Fault(name, run, redis)
        return run

    return add


@fault("nothing")
async def calm(stage: Stage) -> None:
    """To compare with."""


@fault("a server killed")
async def kill_server(stage: Stage) -> None:
    await stage.fleet[-1].restart(by=SIGKILL, away=stage.effort.lasts)


@fault("servers restarted, one after another")
async def rolling_restart(stage: Stage) -> None:
    for server in stage.fleet:
        await server.restart(by=SIGTERM)


@fault("PostgreSQL restarted")
async def restart_postgres(stage: Stage) -> None:
    await stage.postgres.restart()


@fault("PostgreSQL killed")
async def kill_postgres(stage: Stage) -> None:
    await stage.postgres.crash()


@fault("listeners disconnected")
async def disconnect_listeners(stage: Stage) -> None:
    """Again and again, as long as it lasts."""
    listening = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'LISTEN %'"
    async with await psycopg.AsyncConnection.connect(stage.postgres.url, autocommit=True) as conn:
        found = 0
        for _ in range(3):
            found += (await conn.execute(listening)).rowcount
            await stage.lasting()
    assert found >= len(stage.fleet)


@fault("Redis stopped and started", redis=True)
async def restart_redis(stage: Stage) -> None:
    await stage.redis.stop()
    await stage.lasting()
    await stage.redis.start()


@fault("writers held open, here and elsewhere")
async def hold_writers(stage: Stage) -> None:
    async with busy_elsewhere(stage.postgres.url), held_open(stage.postgres.url, stage.apart):
        await stage.lasting()


@fault("connections lost")
async def cut_connections(stage: Stage) -> None:
    """Of all watchers, twice: the second time some are still on their way back."""
    for _ in range(2):
        for watcher in stage.watchers:
            watcher.cut()
        await asyncio.sleep(PAUSE)


@fault("a socket that is not read")
async def stall_socket(stage: Stage) -> None:
    (watcher,) = await stage.watch([Interest("not reading", DESK, CITY, wide=True)])
    await watcher.connected.wait()
    watcher.stall()
    await asyncio.sleep(stage.effort.lasts * 6)
    watcher.go_on()

    def told() -> bool:
        return watcher.coalesced > 0 or watcher.closings.total() > 0

    assert await until(told, stage.effort.patience), "it was never too much"


@fault("a crowd that comes back at once")
async def crowd_returns(stage: Stage) -> None:
    lon, lat = PLACES[0]
    square = {"west": lon - 0.0005, "south": lat - 0.0005, "east": lon + 0.0005, "north": lat + 0.0005}
    crowd = await stage.watch([Interest("crowd", ANYBODY, {"bbox": square})] * stage.effort.crowd)
    for _ in range(2):
        await asyncio.gather(*(watcher.connected.wait() for watcher in crowd))
        for watcher in crowd:
            watcher.cut()
            watcher.connected.clear()


@fault("a clock that steps")
async def step_clock(stage: Stage) -> None:
    """Two hours, longer than the tokens last: forth, back to before they were given, and right again."""
    server, clock = stage.fleet[0], Clock(stage.folder / "clock")
    module, server.module = server.module, clock.module
    await server.restart(by=SIGTERM)
    for hours in (2, -2, 0):
        for watcher in stage.watchers:
            watcher.cut()  # some come to this server
        await stage.lasting()
        clock.step(timedelta(hours=hours))
        await stage.lasting()
    server.module = module
    await server.restart(by=SIGTERM)


@fault("a new epoch, as after a restored back-up")
async def new_epoch(stage: Stage) -> None:
    async with await psycopg.AsyncConnection.connect(stage.postgres.url, autocommit=True) as conn:
        await conn.execute("UPDATE feed SET epoch = gen_random_uuid()")
