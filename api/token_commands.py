"""`python -m api token`: give out bearer tokens, and take them back."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

from api import serve
from api.auth import Tokens
from api.bus import Bus
from api.settings import Settings
from geo.db import Database, engine
from geo.errors import BadToken
from geo.models import Role
from geo.revocations import Revocation
from geo.usecases.revoke import revoke

token = typer.Typer(invoke_without_command=True, help="Print a bearer token.")


@token.callback()
def mint(
    context: typer.Context,
    role: Annotated[Role | None, typer.Option(case_sensitive=False, help="What the caller is. Needed.")] = None,
    organisation: Annotated[str, typer.Option(help="Who the token is for.")] = "development",
    subject: Annotated[str, typer.Option(help="A pseudonym within the organisation; never a name.")] = "developer",
    areas: Annotated[str, typer.Option(help="The codes of its territory, separated by commas.")] = "",
    days: Annotated[float, typer.Option(min=0, help="How long it is good.")] = 30,
) -> None:
    """Print a bearer token, and on standard error its id, by which it can be revoked."""
    if context.invoked_subcommand is not None:
        return
    if role is None:
        raise typer.BadParameter("Say with --role what the caller is.")
    if role is Role.ANONYMOUS:
        raise typer.BadParameter("An anonymous caller has no token.")
    codes = frozenset(code.strip() for code in areas.split(",") if code.strip())
    tokens = Tokens(Settings().key())
    made = tokens.mint(role, subject=subject, organisation=organisation, areas=codes, lifetime=timedelta(days=days))
    print(made)
    print(f"Its id: {tokens.read(made).token_id}", file=sys.stderr)


@token.command("revoke")
def revoke_command(
    token: Annotated[str, typer.Argument(help="A token or its id; from standard input when left out.")] = "",
    organisation: Annotated[str, typer.Option(help="Instead: all that were issued to this organisation so far.")] = "",
    subject: Annotated[str, typer.Option(help="Of these only the ones of this subject.")] = "",
) -> None:
    """Have a token refused from now on, or all that an organisation has; within a second, by every server."""
    if (organisation and token) or (subject and not organisation):
        raise typer.BadParameter("Give a token, or --organisation with or without --subject.")
    settings = Settings()
    if organisation:
        revoked = Revocation(datetime.now(UTC), organisation=organisation, subject=subject or None)
    else:
        revoked = _one(Tokens(settings.key()), token or sys.stdin.readline().strip())
    with serve.database(settings) as url:
        asyncio.run(_revoke(settings, url, revoked))
    print("Revoked.", file=sys.stderr)


def _one(tokens: Tokens, named: str) -> Revocation:
    """The revocation of a token, or of the one with an id."""
    now = datetime.now(UTC)
    if "." not in named:
        try:
            return Revocation(now, token_id=str(UUID(named)))
        except ValueError:
            raise typer.BadParameter("This is neither a token nor the id of one.") from None
    try:
        viewer = tokens.read(named)
    except BadToken as error:
        raise typer.BadParameter(error.message) from None
    if viewer.token_id is None:
        raise typer.BadParameter("This token has no id. Revoke by --organisation and --subject.")
    return Revocation(now, token_id=viewer.token_id, expires_at=viewer.expires_at)


async def _revoke(settings: Settings, url: str, revoked: Revocation) -> None:
    db = Database(engine(url))
    try:
        await revoke(db, revoked)
    finally:
        await db.engine.dispose()
    await Bus(settings.broadcast_url, database_url=url).announce_once()
