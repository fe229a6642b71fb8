"""`python -m bench [NAME]`: measure, print tables, write bench/results/latest.jsonl."""

from collections.abc import Callable, Coroutine
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench import submit, write_visible
from bench.environment import World, world
from bench.figures import RESULTS, Effort, Figure, table, write

BENCHES: dict[str, Callable[[World, Effort], Coroutine[None, None, list[Figure]]]] = {
    "submit": submit.measure,
    "write_visible": write_visible.measure,
}
cli = typer.Typer(pretty_exceptions_enable=False)


@cli.command()
def main(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(BENCHES)}; all of them when left out.")] = "",
    runs: Annotated[int, typer.Option(min=1, help="Runs, of which the median counts.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, help="The length of a run.")] = 4.0,
) -> None:
    """Measure BART against its floor and its peers, on a PostgreSQL of its own."""
    if name and name not in BENCHES:
        raise typer.BadParameter(f'There is no "{name}". One of: {", ".join(BENCHES)}.')
    console, effort = Console(), Effort(runs, seconds)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("wb") as file:
        for each in [name] if name else BENCHES:
            with console.status(f"{each} …"), world() as made:
                figures = uvloop.run(BENCHES[each](made, effort))
            write(figures, file)
            console.print(table(each, figures))


if __name__ == "__main__":
    cli()
