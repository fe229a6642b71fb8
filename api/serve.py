"""Serve: from settings to a listening process, and back down in order."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, cast

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import State

from api import logs, migrate
from api.app import create_app
from api.bus import Bus
from api.cluster import Cluster
from api.garbage import keep_tidy
from api.mail_jobs import MailQueue
from api.mails import make_mails
from api.notifier import keep_notifying
from api.settings import Settings
from api.wire import Http, Wire
from api.worker import make_worker, work
from geo.categories import Categories
from geo.db import Database, engine
from geo.feed import Feed
from geo.links import Links
from geo.photos import PhotoStore

DRAIN_SECONDS = 5


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of a migrated database: the one set, or that of the private cluster, which runs as long as the block."""
    exit_on_signals()
    if settings.database_url:
        print("Bringing the database up to date …", file=sys.stderr)
        migrate.upgrade(settings.database_url)
        yield settings.database_url
        return
    print(f"Starting PostgreSQL in {settings.data_dir} …", file=sys.stderr)
    with Cluster(settings.data_dir) as url:
        migrate.upgrade(url)
        yield url


def exit_on_signals() -> None:
    """Signals unwind the stack, so that whatever was started is stopped, and end the process as having done well."""

    def leave(*_: object) -> NoReturn:
        sys.exit(0)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


class Announced(uvicorn.Server):
    """Says so when it has begun to listen."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


class Server(Announced):
    """Keeps its garbage small while it serves, and tells its app when it is about to end."""

    @property
    def _state(self) -> State:
        return cast("Starlette", self.config.app).state

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tidying = asyncio.create_task(keep_tidy(lambda: len(self._state.open_sockets)))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._state.draining.set()
        await super().shutdown(sockets)


def serve(settings: Settings, database_url: str, hello: str) -> None:
    """Serve in this process until SIGINT or SIGTERM; then sockets are closed with 1012, so that clients come back.

    `hello` is printed once the server listens.
    """
    logs.configure(as_json=settings.log_json)
    server = Server(config(settings, database_url), lambda: print(hello, flush=True))
    signal.signal(signal.SIGHUP, server.handle_exit)  # a restart is for whoever started it, with `--workers` ourselves
    server.run()


def config(settings: Settings, database_url: str) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(settings, database_url),
        host=settings.host,
        port=settings.port,
        http=Http,
        ws=Wire,
        ws_per_message_deflate=False,
        ws_max_size=256 * 1024,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        access_log=False,
        log_config=None,
        server_header=False,
    )


def run_worker(settings: Settings, database_url: str) -> None:
    """Do background work until SIGINT or SIGTERM."""
    logs.configure(as_json=settings.log_json)

    async def main() -> None:
        db = Database(engine(database_url, statement_timeout=settings.statement_timeout))
        bus = Bus(settings.broadcast_url, database_url=database_url)
        feed = Feed(db, interval=settings.poll_interval, announce=bus.announce)
        mails = make_mails(settings, Links(settings.key(), settings.url), Categories(db))
        jobs = make_worker(database_url, db, PhotoStore(settings.storage), mails, settings.feed_months)
        ask_mail = MailQueue(jobs).notifications if mails else None
        try:
            await feed.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(feed.run())
                group.create_task(bus.run(feed.wake))
                group.create_task(work(jobs))
                group.create_task(keep_notifying(db, feed, ask_mail, interval=settings.poll_interval))
        finally:
            await db.engine.dispose()

    asyncio.run(main())
