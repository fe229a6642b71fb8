"""`python -m bench [NAME] [FILE]`: measure, print tables, write bench/results/latest.jsonl."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench import matching, similar_1m, submit, write_visible
from bench.environment import World, world
from bench.figures import RESULTS, Effort, Figure, table, write

BENCHES: dict[str, Callable[[World, Effort], Coroutine[None, None, list[Figure]]]] = {
    "submit": submit.measure,
    "write_visible": write_visible.measure,
    "similar_1m": similar_1m.measure,
}
WITHOUT_SERVER: dict[str, Callable[[Path | None], list[Figure]]] = {"matching": matching.measure}


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
) -> None:
    """Measure BART against its floor and its peers, on a PostgreSQL of its own."""
    if name and name not in _names():
        raise typer.BadParameter(f'There is no "{name}". One of: {", ".join(_names())}.')
    console, effort = Console(), Effort(runs, seconds)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("wb") as file:
        for each in [name] if name else _names():
            with console.status(f"{each} …"):
                if each in WITHOUT_SERVER:
                    figures = WITHOUT_SERVER[each](city)
                else:
                    with world() as made:
                        figures = uvloop.run(BENCHES[each](made, effort))
            write(figures, file)
            console.print(table(each, figures))


if __name__ == "__main__":
    cli()
