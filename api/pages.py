"""The few pages besides GraphQL: health, metrics, and GraphiQL's files."""

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from api.auth import Tokens
from api.metrics import Metrics
from api.settings import ROOT
from geo.db import Database
from geo.errors import BadToken, TooSlow
from geo.feed import Feed
from geo.models import Role

GRAPHIQL = ROOT / "web" / "graphiql" / "dist"
GRAPHIQL_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
NOT_BUILT = """<!doctype html><title>BART</title><p>This is the GraphQL endpoint of BART. GraphiQL was not built:
run <code>npm ci &amp;&amp; npm run build</code> in <code>web/graphiql</code>.</p>"""
AWAY = (SQLAlchemyError, OSError, TooSlow)  # what reading raises when the database does not answer
log = structlog.get_logger()


def graphiql_page() -> str:
    """The HTML of GraphiQL, or a page that says how to build it."""
    page = GRAPHIQL / "index.html"
    return page.read_text() if page.is_file() else NOT_BUILT


def graphiql_files() -> list[BaseRoute]:
    return [Mount("/graphiql", StaticFiles(directory=GRAPHIQL))] if GRAPHIQL.is_dir() else []


def health(
    db: Database, feed: Feed, tokens: Tokens, metrics: Metrics, tasks: Sequence[asyncio.Task[None]]
) -> list[BaseRoute]:
    """`/healthz`: the process lives. `/readyz`: it can answer, and its tasks go on. `/metrics`: for this machine, or an
    admin's token."""

    async def home(request: Request) -> Response:
        return RedirectResponse("/graphql")

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        try:
            async with db.read_primary() as conn:
                await conn.execute(text("SELECT 1"))
        except AWAY as error:
            log.warning("not_ready", error=type(error).__name__)
            return PlainTextResponse("The database does not answer.\n", 503)
        if any(task.done() for task in tasks):
            return PlainTextResponse("A task of the process has ended: see the log, and start it again.\n", 503)
        return PlainTextResponse("ok\n")

    async def prometheus(request: Request) -> Response:
        try:
            admin = tokens.viewer(request.headers).role is Role.ADMIN
        except BadToken as error:
            raise HTTPException(401, f"{error.message} {error.hint}", {"WWW-Authenticate": "Bearer"}) from None
        if not admin and (request.client is None or request.client.host not in ("127.0.0.1", "::1")):
            raise HTTPException(403, "Metrics are for the machine itself, or for an admin's token.")
        try:
            found = await metrics.text(db, feed)
        except AWAY:
            raise HTTPException(503, "The database does not answer.") from None
        return Response(found, media_type="text/plain; version=0.0.4; charset=utf-8")

    return [
        Route("/", home),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", prometheus),
    ]


async def problem(request: Request, error: Exception) -> Response:
    """An HTTP error as RFC 9457 problem."""
    assert isinstance(error, HTTPException)
    body = {"type": "about:blank", "status": error.status_code, "title": error.detail}
    return JSONResponse(body, error.status_code, error.headers, "application/problem+json")
