"""Many who watch the same neighbourhood: from the commit of a mutation until the last of them has the event.

The loop sends the very frames that we send, from the moment at which it has their bytes: no database stands before it.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import orjson

from bench.bare import BARE, HERE, bare
from bench.environment import Server, World, served
from bench.figures import Effort, Figure
from bench.live import Stage, compare
from bench.peers import parse, postgraphile
from bench.rivals import Rival, ours
from bench.writer import Post
from geo.geometry import Box

CODE = "WK051829"
POINT = (4.3007, 52.0705)  # in it
GENERATOR = "generator"  # our server with a plain generator for each watcher
BOX = Box(4.295, 52.068, 4.305, 52.072)  # holds it too
MANY = 4_000  # more would be too many for all but us and the loop


def area(number: int) -> object:
    return {"code": CODE}


def loop(server: Server, like: Rival, frame: str) -> Rival:
    """The loop over the same sockets, with the frames of a rival: the one that is given tells what they look like."""
    template, times = re.subn(r'"id":"w\d+"', f'"id":"{HERE}"', frame)
    assert times == 1

    return replace(
        like,
        name=BARE,
        server=server,
        post=lambda: Post(f"{server.url}/send", {}, template),
        committed=lambda written: orjson.loads(written.answer)["at"],
        answers=False,
    )


async def measure(world: World, effort: Effort) -> list[Figure]:
    other = replace(world, database_url=world.copy())
    figures: list[Figure] = []
    with (
        served(world) as server,
        served(other, fan_out="false") as plain,
        bare(world) as bare_server,
        postgraphile(world, effort.peers, CODE, POINT) as postgraphiles,
        parse(world, effort.peers, lambda number: BOX, POINT) as parses,
    ):
        fast = ours("BART", world, server, area, POINT)
        generator = ours(GENERATOR, other, plain, area, POINT)
        async with Stage.set(fast, 1, 1) as stage:
            floor = loop(bare_server, fast, stage.last)
        for sockets in effort.sockets:
            others = [generator, *postgraphiles, *parses] if sockets <= MANY else []
            figures += await compare("fanout", [fast, floor, *others], sockets, sockets, effort)
    return figures + growth(figures)


def growth(figures: Sequence[Figure]) -> list[Figure]:
    """What each further watcher costs, beside the smallest crowd: the ratio is 1 where time grows with their number."""
    crowds = [
        (int(figure.params["sockets"]), figure.value)
        for figure in figures
        if figure.name == "fanout.last.p50" and figure.peer == BARE
    ]
    (least, soonest), *larger = crowds
    return [
        Figure.of(
            "fanout.watcher",
            "µs",
            {"sockets": sockets},
            [last / sockets * 1000],
            f"of {least}",
            [soonest / least * 1000],
        )
        for sockets, last in larger
    ]
