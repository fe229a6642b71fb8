"""Plays the faults of a profile, one after another, on one city."""

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

from geo.db import Database, engine
from geo.demo.load import load
from tests.chaos.act import Act, Outcome
from tests.chaos.faults import Fault
from tests.chaos.profiles import Watched
from tests.chaos.servers import AS_DEPLOYED, Postgres, Redis, serving
from tests.chaos.stage import Effort, Stage


async def city(postgres: Postgres) -> None:
    """A database with the demo in it."""
    await postgres.start()
    db = Database(engine(postgres.url))
    await load(db)
    await db.engine.dispose()


async def play(
    postgres: Postgres,
    folder: Path,
    watched: Watched,
    faults: Iterable[Fault],
    effort: Effort,
    module: Sequence[str] = AS_DEPLOYED,
) -> AsyncIterator[Outcome]:
    """What each fault came to; of one that needs what this machine has not, nothing."""
    redis = Redis()
    async with serving(postgres, folder, servers=effort.servers, module=module) as fleet:
        stage = Stage(postgres, redis, fleet, effort, folder)
        await stage.found()
        for fault in faults:
            if fault.redis and not redis.present:
                continue
            if fault.redis:
                await redis.start()
            await fleet.change(BROADCAST_URL=redis.url if fault.redis else "")
            yield await Act(stage, fault.name, fault.run).play(watched(stage))
            await redis.stop()
