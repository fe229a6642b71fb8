"""The command line: `python -m api --help`."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from geo.demo.load import load as load_demo
from rich.console import Console

from api import migrate, serve
from api import settings as settings_module
from api.auth import Tokens
from api.banner import banner
from api.cluster import Cluster
from api.settings import ROOT, Settings
from geo import events
from geo.db import Database, engine
from geo.models import Role

SDL = ROOT / "schema" / "schema.graphql"
T = TypeVar("T")

cli = typer.Typer(
    no_args_is_help=True, help="BART: neighbourhood reports over GraphQL.", pretty_exceptions_enable=False
)
areas = typer.Typer(no_args_is_help=True, help="The map of areas.")
cli.add_typer(areas, name="areas")
console = Console(stderr=True)


def _with_database(settings: Settings, do: Callable[[Database], Awaitable[T]]) -> T:
    """Do one thing on the database of the settings."""

    async def main(url: str) -> T:
        db = Database(engine(url, statement_timeout=900))
        try:
            return await do(db)
        finally:
            await db.engine.dispose()

    with serve.database(settings) as url:
        return asyncio.run(main(url))


@cli.command("serve")
def serve_command(demo: Annotated[bool, typer.Option(help="Load the demo, and say how to try it.")] = False) -> None:
    """Serve the API, on a private PostgreSQL unless BART_DATABASE_URL is set."""
    settings = Settings()
    with serve.database(settings) as url:
        if demo:
            _with_database(settings, load_demo)
        serve.serve(settings, url, banner(settings) if demo else f"Serving {settings.url}/graphql")


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
        with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder), durable=False) as url:
            migrate.upgrade(url)
            if new:
                migrate.revision(url, new)
            else:
                migrate.check(url)
        return
    with serve.database(Settings()):
        console.print("The database has the newest version.")


@cli.command()
def token(
    role: Annotated[Role, typer.Option(case_sensitive=False, help="What the caller is.")],
    organisation: Annotated[str, typer.Option(help="Who the token is for.")] = "development",
    subject: Annotated[str, typer.Option(help="A pseudonym within the organisation; never a name.")] = "developer",
    areas: Annotated[str, typer.Option(help="The codes of its territory, separated by commas.")] = "",
    days: Annotated[float, typer.Option(min=0, help="How long it is good.")] = 30,
) -> None:
    """Print a bearer token."""
    if role is Role.ANONYMOUS:
        raise typer.BadParameter("An anonymous caller has no token.")
    codes = frozenset(code.strip() for code in areas.split(",") if code.strip())
    tokens = Tokens(Settings().key())
    print(tokens.mint(role, subject=subject, organisation=organisation, areas=codes, lifetime=timedelta(days=days)))


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


@cli.command()
def epoch() -> None:
    """Begin a new epoch of the event feed; do this after restoring a back-up. Every client reads its state again."""

    async def renew(db: Database) -> None:
        async with db.write() as conn:
            await events.renew_epoch(conn, (await events.head(conn)).epoch)

    _with_database(Settings(), renew)
