"""`python -m bench [NAME] [FILE]`: measure, print tables, write bench/results/latest.jsonl."""

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from signal import SIGTERM, signal
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench import areas, fanout, live_areas, live_latency, matching, replay, similar_1m, sockets, submit, write_visible
from bench.environment import World, world
from bench.figures import RESULTS, SOCKETS, Effort, Figure, table, write

BENCHES: dict[str, Callable[[World, Effort], Coroutine[None, None, list[Figure]]]] = {
    "submit": submit.measure,
    "write_visible": write_visible.measure,
    "similar_1m": similar_1m.measure,
    "fanout": fanout.measure,
    "live_areas": live_areas.measure,
    "sockets": sockets.measure,
    "live_latency": live_latency.measure,
    "replay": replay.measure,
}
WITHOUT_SERVER: dict[str, Callable[[Path | None, Effort], list[Figure]]] = {
    "matching": lambda city, _: matching.measure(city),
    "areas": lambda _, effort: areas.measure(effort),
}


def _names() -> list[str]:
    return [*BENCHES, *WITHOUT_SERVER]


cli = typer.Typer(pretty_exceptions_enable=False)


@cli.command()
def main(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(_names())}; all of them when left out.")] = "",
    city: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="For matching: a CSV of reports that marks duplicates.")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Runs, of which the median counts.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, help="The length of a run.")] = 4.0,
    sockets: Annotated[list[int] | None, typer.Option(help="Watchers, where many watch; may be given again.")] = None,
    peers: Annotated[
        Path | None, typer.Option(envvar="PEERS", help="The folder in which peers are installed: see bench/peers.py.")
    ] = None,
) -> None:
    """Measure BART against its floor and its peers, on a PostgreSQL of its own."""
    if name and name not in _names():
        raise typer.BadParameter(f'There is no "{name}". One of: {", ".join(_names())}.')
    signal(SIGTERM, lambda *_: sys.exit(1))  # which unwinds the stack: PostgreSQL and the servers are stopped
    _, most_files = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (most_files, most_files))  # a socket is one
    console, effort = Console(), Effort(runs, seconds, sockets or SOCKETS, peers)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("wb") as file:
        for each in [name] if name else _names():
            with console.status(f"{each} …"):
                if each in WITHOUT_SERVER:
                    figures = WITHOUT_SERVER[each](city, effort)
                else:
                    with world() as made:
                        figures = uvloop.run(BENCHES[each](made, effort))
            write(figures, file)
            console.print(table(each, figures))


if __name__ == "__main__":
    cli()
