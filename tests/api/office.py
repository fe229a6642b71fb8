"""Where mail is made in tests: a database whose notifications go to a postbox."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from uuid import UUID

import procrastinate
from sqlalchemy import select
from uuid_utils.compat import uuid7

from api.mail_jobs import MailQueue, mail
from api.mails import Mails
from api.worker import make_worker
from geo import reports
from geo.db import Database
from geo.models import MailMode, Report
from geo.photos import PhotoStore
from geo.preferences import AMSTERDAM, Preferences, save
from geo.tables import notification
from geo.usecases.notify import notify
from tests.clients.postbox import Postbox, text_of
from tests.geo.notices import LONG_AGO, place
from tests.world import ADMIN, RESIDENT

MARKER = "Xylofoon-7431"
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
        while await notify(self.db, MailQueue(self.worker()).notification):
            pass
        async with self.db.read() as conn:
            return list((await conn.scalars(select(notification.c.id).order_by(notification.c.id))).all())

    def worker(self) -> procrastinate.App:
        return make_worker(self.url, self.db, PhotoStore("memory:///"), self.mails)

    async def mail(self, key: UUID, mode: MailMode = MailMode.EACH, now: datetime = NOON) -> None:
        await mail(self.db, self.mails, key, mode, now)


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
