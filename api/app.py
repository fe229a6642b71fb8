"""The wiring: one function makes the whole application from its settings. Nothing is built at import."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, WebSocketRoute

from api import mail_pages, pages, uploads
from api.auth import Tokens
from api.bus import Bus
from api.geocoder import make_geocoder
from api.graphql import Edge, Endpoint
from api.limits import RateLimiter
from api.logs import RequestLog
from api.mail_jobs import MailQueue
from api.mails import make_mails
from api.metrics import Metrics, OperationMetrics
from api.notifier import keep_notifying
from api.settings import Settings
from api.worker import make_worker, work
from geo.alert_deliveries import Watchers
from geo.areas import Areas
from geo.categories import Categories
from geo.classifier import TermClassifier
from geo.cursor import Cursors
from geo.db import Database, engine
from geo.feed import Feed
from geo.links import Links
from geo.photos import PhotoStore
from geo.revocations import Revocations
from geo.statuses import Statuses
from geo.usecases.register_message import Monitor
from schema.context import Services
from schema.hub import Hub
from schema.root import make_schema

FEED_CONNECTIONS = 3
CANCEL_SECONDS = 3.0
log = structlog.get_logger()


def create_app(settings: Settings, database_url: str) -> Starlette:
    """The ASGI application on a migrated database, by its libpq URL."""
    key = settings.key()
    connect = partial(engine, pool_size=settings.pool_size, statement_timeout=settings.statement_timeout)
    replicas = [connect(url, pre_ping=False) for url in settings.replica_urls]  # each is asked how far it is anyway
    photos, metrics = PhotoStore(settings.storage), Metrics()
    db = Database(connect(database_url), replicas, count_read=metrics.count_read)
    bus = Bus(settings.broadcast_url, database_url=database_url)
    feed_db = Database(connect(database_url, pool_size=FEED_CONNECTIONS, pre_ping=False))
    feed = Feed(db, own=feed_db, interval=settings.poll_interval, announce=bus.announce)
    revocations = Revocations(db, interval=settings.poll_interval)
    feed.after_revocation = revocations.wake
    tokens, links = Tokens(key, revocations.revoked), Links(key, settings.url)
    categories = Categories(db)
    mails = make_mails(settings, links, categories)
    jobs = make_worker(database_url, db, photos, mails, settings.feed_months)
    mail_queue = MailQueue(jobs) if mails else None
    services = Services(
        db=db,
        feed=feed,
        areas=Areas(db),
        categories=categories,
        statuses=Statuses(db),
        cursors=Cursors(key),
        links=links,
        watchers=Watchers(db, interval=settings.poll_interval),
        photos=photos,
        revocations=revocations,
        monitor=Monitor(categories, TermClassifier(), make_geocoder(settings.geocoder_url)),
        ask_address=mail_queue.question if mail_queue else None,
    )
    edge = Edge(
        tokens=tokens,
        rate_limiter=RateLimiter(settings.rate_limit),
        metrics=metrics,
        allowed_origins=settings.allowed_origins,
        page=pages.graphiql_page(),
        page_policy=pages.GRAPHIQL_POLICY,
    )
    schema = make_schema(lambda: OperationMetrics(metrics))
    hub = Hub(schema, services) if settings.fan_out else None
    if hub:
        metrics.follow(hub)
    endpoint = Endpoint(schema, services, edge, hub, settings.max_sockets)

    running: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await feed.start()
        await revocations.load()
        tasks = [feed.run(), bus.run(feed.wake), revocations.run(), services.watchers.run()]
        tasks += [endpoint.open_sockets.keep_alive(), *([hub.run()] if hub else [])]
        if settings.run_worker:
            ask_mail = mail_queue.notifications if mail_queue else None
            tasks += [work(jobs), keep_notifying(db, feed, ask_mail, interval=settings.poll_interval)]
        running.extend(asyncio.create_task(task) for task in tasks)
        for task in running:
            task.add_done_callback(_tell_end)
        yield
        await _end(running)
        await feed_db.close()
        await db.close()

    app = Starlette(
        routes=[
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", endpoint),
            *uploads.routes(db, photos, links),
            *mail_pages.routes(db, links),
            *pages.health(db, feed, tokens, metrics, running),
            *pages.graphiql_files(),
        ],
        middleware=[
            Middleware(RequestLog),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allowed_origins,
                allow_methods=["GET", "POST", "PUT"],
                allow_headers=["Authorization", "Bart-Resident", "Content-Type", "X-Request-ID"],
                expose_headers=["X-Request-ID", "Retry-After"],
            ),
        ],
        exception_handlers={HTTPException: pages.problem},
        lifespan=lifespan,
    )
    app.state.draining = endpoint.draining
    app.state.open_sockets = endpoint.open_sockets
    return app


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel, again where it gets lost: before Python 3.12 `wait_for`, which drivers use, may take a cancellation for
    its own."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_SECONDS)


def _tell_end(task: asyncio.Task[None]) -> None:
    """A task of the process ends when it is cancelled; anything else has to be known at once."""
    if not task.cancelled():
        log.error("background_task_ended", task=task.get_name(), exc_info=task.exception())
