"""How long `submitReport` takes to answer, and how many a second one server process takes in."""

from bench.clients import load
from bench.environment import World, served
from bench.figures import Effort, Figure
from bench.floors import FLOOR, floor
from bench.submissions import to_floor, to_ours
from geo.models import Role

CONNECTIONS = (1, 8)


async def measure(world: World, effort: Effort) -> list[Figure]:
    figures: list[Figure] = []
    with floor(world, world.copy()) as bare, served(world) as server:
        ours, theirs = to_ours(server.url, world.bearer(Role.RESIDENT)), to_floor(bare.url, "submit")
        for connections in CONNECTIONS:
            mine, floors = [], []
            for _ in range(effort.runs):
                mine.append(await load(ours, connections, effort.seconds))
                floors.append(await load(theirs, connections, effort.seconds))
            params = {"connections": connections}
            answers = [[run.percentile(50) for run in runs] for runs in (mine, floors)]
            rates = [[run.per_second for run in runs] for runs in (mine, floors)]
            figures += [
                Figure.of("submit.answer.p50", "ms", params, answers[0], FLOOR, answers[1]),
                Figure.of("submit.rate", "mutations/s", params, rates[0], FLOOR, rates[1]),
                Figure.of("submit.client_cpu", "CPU", params, [run.client_cpu for run in mine]),
            ]
    return figures
