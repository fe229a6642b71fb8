"""`python -m tests.chaos`: break everything, and see what is lost."""

import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench.environment import DISK
from tests.chaos.act import Outcome
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.figures import table, write
from tests.chaos.planted import PLANTS
from tests.chaos.play import city, play
from tests.chaos.profiles import PROFILES
from tests.chaos.servers import AS_DEPLOYED, Postgres

RESULTS = Path(__file__).parents[2] / "bench" / "results" / "chaos.jsonl"
PRINTED = 10  # findings of an act
cli = typer.Typer(pretty_exceptions_enable=False)
console = Console(width=150)


def _one_of(names: dict[str, object]) -> str:
    return f"One of: {', '.join(names)}."


@cli.command()
def main(
    profile: Annotated[str, typer.Option(help=f"One of: {', '.join(PROFILES)}.")] = "spine",
    fault: Annotated[str, typer.Option(help=f"One of: {', '.join(FAULTS)}; those of the profile when left out.")] = "",
    short: Annotated[bool, typer.Option(help="Less of everything, as in the test suite.")] = False,
    plant: Annotated[str, typer.Option(help=f"Plant a bug: {', '.join(PLANTS)}.")] = "",
) -> None:
    """Run the faults of a profile; ends with 1 where anything was lost, doubled, out of order, leaked or untrue."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="bart-chaos-", dir=DISK) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL does not run as root but as another user, who must get in
        outcomes = uvloop.run(_play(Path(folder), profile, fault, short, plant))
    console.print(table(outcomes))
    for name in {each.name for each in asked(profile, fault, short)} - {outcome.fault for outcome in outcomes}:
        console.print(f"Left out, for this machine has no redis-server: {name}.", style="yellow")
    write(outcomes, RESULTS)
    raise typer.Exit(any(outcome.findings for outcome in outcomes))


async def _play(folder: Path, profile: str, fault: str, short: bool, plant: str) -> list[Outcome]:
    chosen = PROFILES[profile]
    faults, effort = asked(profile, fault, short), chosen.short if short else chosen.full
    module = ("tests.chaos.planted", plant) if plant else AS_DEPLOYED
    outcomes = []
    postgres = Postgres(folder / "data")
    try:
        await city(postgres)
        async for outcome in play(postgres, folder, chosen.watched, faults, effort, module):
            tell(outcome)
            outcomes.append(outcome)
    finally:
        await postgres.stop()
    return outcomes


def asked(profile: str, fault: str, short: bool) -> Sequence[Fault]:
    """The faults to run."""
    names = PROFILES[profile].short_faults if short else PROFILES[profile].faults
    return [FAULTS[name] for name in ([fault] if fault else names)]


def tell(outcome: Outcome) -> None:
    """One line, and what was wrong first."""
    console.print(
        f"{outcome.fault}: {len(outcome.findings)} findings, {outcome.coalesced} events coalesced, "
        f"{len(outcome.errors)} errors logged by servers, {outcome.seconds:.0f} s"
    )
    for finding in outcome.findings[:PRINTED]:
        console.print(f"  {finding.rule}: {finding.client}: {finding.what}", style="red")


if __name__ == "__main__":
    cli()
