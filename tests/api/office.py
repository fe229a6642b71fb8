"""Where mail is made in tests: a database whose notifications go to a postbox."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import select
from uuid_utils.compat import uuid7

from api.mail import Mailer
from api.mail_jobs import MailQueue, mail
from api.mails import Mails
from api.worker import make_worker, work
from geo import reports
from geo.categories import Categories
from geo.db import Database
from geo.links import Links
from geo.models import MailMode, Report
from geo.photos import PhotoStore
from geo.preferences import AMSTERDAM, Preferences, save
from geo.tables import notification
from geo.usecases.notify import notify
from tests.clients.postbox import Postbox, text_of
from tests.conftest import SECRET
from tests.geo.notices import LONG_AGO, place
from tests.world import ADMIN, RESIDENT

MARKER = "Xylofoon-7431"
PATIENCE = 10  # seconds
NOON = datetime(2026, 7, 1, 12, tzinfo=AMSTERDAM)


@dataclass
class Office:
    """A database whose notifications are mailed to a postbox, below the server."""

    db: Database
    box: Postbox
    mails: Mails
    url: str  # of the database

    async def notify(self) -> list[UUID]:
        """Notify of all that happened; returns the notifications, in order."""
        await place(self.db)
        while await notify(self.db, MailQueue(self.worker()).notifications):
            pass
        async with self.db.read() as conn:
            return list((await conn.scalars(select(notification.c.id).order_by(notification.c.id))).all())

    def worker(self, mails: Mails | None = None) -> procrastinate.App:
        return make_worker(self.url, self.db, PhotoStore("memory:///"), mails or self.mails)

    def mails_by(self, server: str, sender: str = "BART <noreply@bart.example>") -> Mails:
        """By another mail server, or of another sender."""
        return Mails(Mailer(server, sender), Links(SECRET, "https://bart.example"), Categories(self.db))

    async def defer(self, task: str, **given: object) -> None:
        """Ask for a job, unless a timetable has done so already."""
        jobs = self.worker()
        async with jobs.open_async():
            with suppress(AlreadyEnqueued):
                await jobs.tasks[task].defer_async(**given)

    async def do(self, task: str, **given: object) -> None:
        """Have a worker do a job, and those that it makes."""
        await self.defer(task, **given)
        for _ in range(2):
            await work(self.worker(), forever=False)

    async def mail(self, key: UUID, mode: MailMode = MailMode.EACH, now: datetime = NOON) -> None:
        await mail(self.db, self.mails, key, mode, now)


@dataclass
class Silence:
    """A mail server that takes connections, and then says nothing."""

    url: str
    asked: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def silence() -> AsyncIterator[Silence]:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        silent.asked.set()

    connections: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        silent = Silence(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        yield silent
        for writer in connections:
            writer.close()


@asynccontextmanager
async def during(what: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have something go on until the block ends."""
    task = asyncio.create_task(what)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 - it happens in the database
            await asyncio.sleep(0.02)


async def prefer(db: Database, mode: MailMode = MailMode.EACH, **more: object) -> None:
    """Mail for the resident, to a confirmed address."""
    known = {"mail": mode, "email": "anna@example.org", "address_id": uuid7(), "confirmed_at": LONG_AGO}
    async with db.write() as conn:
        await save(conn, RESIDENT.known_party(), Preferences(**known | more))  # type: ignore[arg-type]


async def mailed(db: Database) -> list[bool]:
    async with db.read() as conn:
        rows = await conn.scalars(select(notification.c.mailed_at).order_by(notification.c.id))
        return [at is not None for at in rows]


async def hide(db: Database, report: Report, **changes: object) -> None:
    async with db.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        await reports.change(conn, before, **changes)


def link_in(mail: EmailMessage) -> str:
    """The path of the one link in a mail."""
    (found,) = set(re.findall(r"https?://[^/]+(/mail/\S+?)[\s>\"]", text_of(mail, "plain") + "\n"))
    return str(found)
