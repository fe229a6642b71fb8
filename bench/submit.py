"""How long `submitReport` takes to answer, and how many a second one server process takes in."""

from bench.clients import Load, load
from bench.environment import World, served
from bench.figures import Effort, Figure
from bench.floors import FLOOR, floor
from bench.submissions import SUBMITTED, bare, graphql
from geo.models import Role


async def measure(world: World, effort: Effort) -> list[Figure]:
    figures: list[Figure] = []
    headers = world.bearer(Role.RESIDENT)
    with floor(world) as theirs, served(world) as ours:
        for connections in (1, 8):
            how = {"connections": connections, "seconds": effort.seconds}
            mine: list[Load] = []
            floors: list[Load] = []
            for _ in range(effort.runs):
                mine.append(await load(f"{ours}/graphql", headers, graphql, SUBMITTED, **how))
                floors.append(await load(f"{theirs}/submit", {}, bare, SUBMITTED, **how))
            figures += [
                Figure.of("submit.answer.p50", "ms", how, [run.percentile(50) for run in mine], FLOOR, [run.percentile(50) for run in floors]),
                Figure.of("submit.rate", "mutations/s", how, [run.per_second for run in mine], FLOOR, [run.per_second for run in floors]),
                Figure.of("submit.client_cpu", "processors", how, [run.client_cpu for run in mine]),
            ]
    return figures
