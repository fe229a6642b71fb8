"""The command line: `python -m api --help`."""

import asyncio
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress

from api import migrate, serve, token_commands
from api import settings as settings_module
from api.auth import Tokens
from api.banner import banner
from api.cluster import Cluster
from api.settings import ROOT, Settings
from api.supervisor import supervise
from geo import positions
from geo.db import Database, engine
from geo.demo.areas import MUNICIPALITY
from geo.demo.load import load as load_demo
from geo.models import Role
from geo.usecases.import_areas import Step, import_areas

SDL = ROOT / "schema" / "schema.graphql"
T = TypeVar("T")

cli = typer.Typer(
    no_args_is_help=True, help="BART: neighbourhood reports over GraphQL.", pretty_exceptions_enable=False
)
areas = typer.Typer(no_args_is_help=True, help="The map of areas.")
cli.add_typer(areas, name="areas")
cli.add_typer(token_commands.token, name="token")
console = Console(stderr=True, soft_wrap=True)


def _do(url: str, what: Callable[[Database], Awaitable[T]]) -> T:
    """Do one thing on a database, for which there is time enough."""

    async def main() -> T:
        db = Database(engine(url, statement_timeout=900))
        try:
            return await what(db)
        finally:
            await db.engine.dispose()

    return asyncio.run(main())


@cli.command("serve")
def serve_command(
    demo: Annotated[bool, typer.Option(help="Load the demo, and say how to try it.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Server processes; BART_WORKERS when left out.")] = None,
) -> None:
    """Serve the API, on a private PostgreSQL unless BART_DATABASE_URL is set."""
    settings = Settings() if workers is None else Settings(workers=workers)
    run = serve.serve if settings.workers == 1 else supervise
    with serve.database(settings) as url:
        if demo:
            _do(url, load_demo)
        run(settings, url, banner(settings) if demo else f"Serving {settings.url}/graphql")


@cli.command()
def worker() -> None:
    """Do the background work, beside servers with BART_RUN_WORKER=false."""
    settings = Settings()
    with serve.database(settings) as url:
        serve.run_worker(settings, url)


@cli.command("migrate")
def migrate_command(
    check: Annotated[
        bool, typer.Option(help="Only check, on an empty database, that tables and migrations agree.")
    ] = False,
    new: Annotated[str, typer.Option(help="Write a new migration with this message from the difference.")] = "",
) -> None:
    """Bring the database to the newest version."""
    if check or new:
        with tempfile.TemporaryDirectory(prefix="bart-") as folder:
            Path(folder).chmod(0o711)  # PostgreSQL does not run as root but as another user, who must get in
            with Cluster(Path(folder), durable=False) as url:
                migrate.upgrade(url)
                if new:
                    migrate.revision(url, new)
                else:
                    migrate.check(url)
        return
    with serve.database(Settings()):
        console.print("The database has the newest version.")


@areas.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="GeoJSON or GeoPackage of CBS or PDOK.")],
    approximate: Annotated[
        bool | None,
        typer.Option(help="Its borders are rough: never replace exact ones with them. Without it, the file decides."),
    ] = None,
) -> None:
    """Bring the areas of a file in force, in place of the map they had; again with the same file changes nothing."""
    with Progress(*Progress.get_default_columns(), console=console) as bars:
        tasks = {step: bars.add_task(step, total=None) for step in Step}

        def progress(step: Step, done: int, total: int) -> None:
            bars.update(tasks[step], completed=done, total=total)

        with serve.database(Settings()) as url:
            summary = _do(url, lambda db: import_areas(db, file, approximate=approximate, progress=progress))
    console.print(
        f"{file.name}: {summary.added} added, {summary.replaced} replaced, {summary.unchanged} unchanged, "
        f"{len(summary.ended)} ended, {summary.kept} left out for exact ones, {summary.skipped} skipped as water, "
        f"{summary.reports_moved} reports moved."
    )
    if summary.repaired:
        console.print(f"Repaired: {', '.join(summary.repaired)}.")
    for rejected in summary.rejected:
        console.print(f"Rejected: {rejected.feature}: {rejected.reason}")
    for ending in summary.ended:
        console.print(f"Ended: {ending.code}, followed by {ending.successor}.")


@cli.command()
def schema(
    check: Annotated[bool, typer.Option(help="Only check that schema/schema.graphql is up to date.")] = False,
) -> None:
    """Write schema/schema.graphql from the code."""
    from schema.root import make_schema  # noqa: PLC0415 - takes a second that other commands need not wait

    text = make_schema().as_str() + "\n"
    if check:
        if not SDL.is_file() or SDL.read_text() != text:
            raise SystemExit(
                "schema/schema.graphql is not what the code says: run `python -m api schema`, and read the diff."
            )
        return
    SDL.write_text(text)


@cli.command("settings")
def settings_command() -> None:
    """Print the settings as the table of docs/settings.md."""
    print(settings_module.table(), end="")


@cli.command("story")
def story_command(
    url: Annotated[str, typer.Option(help="Where the server is.")] = "",
    port: Annotated[int, typer.Option(envvar="PORT", help="Or its port on this machine.")] = 0,
) -> None:
    """Play the story of the glass against a running server with the demo, and say what happens."""
    from api import story  # noqa: PLC0415 - its clients are for nothing else

    settings = Settings()
    tokens = Tokens(settings.key())

    def token(role: Role, organisation: str, areas: frozenset[str] = frozenset()) -> str:
        subject, lifetime = f"story-{secrets.token_hex(4)}", timedelta(hours=1)
        return tokens.mint(role, subject=subject, organisation=organisation, areas=areas, lifetime=lifetime)

    territory = frozenset({MUNICIPALITY})
    players = story.Tokens(
        app=token(Role.APP, "buurtapp"),
        neighbour=token(Role.RESIDENT, "buurt"),
        officer=token(Role.OFFICER, "gemeente", territory),
        police=token(Role.POLICE, "politie", territory),
    )
    out = Console(soft_wrap=True)
    where = url.rstrip("/") or (f"http://127.0.0.1:{port}" if port else settings.url)
    asyncio.run(story.play(where, players, lambda what, said: out.print(f"[bold]{what}[/]: {said}")))


@cli.command()
def epoch() -> None:
    """Begin a new epoch of the event feed; do this after restoring a back-up. Every client reads its state again."""

    async def renew(db: Database) -> None:
        async with db.write() as conn:
            await positions.renew_epoch(conn, (await positions.head(conn)).epoch)

    with serve.database(Settings()) as url:
        _do(url, renew)
