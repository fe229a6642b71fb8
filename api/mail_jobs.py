"""The jobs that mail. Their arguments are ids: what is told is read when it is told, and only if it still may be."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import procrastinate
import structlog
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy.ext.asyncio import AsyncConnection

from api.mail import Refused
from api.mails import Mails
from geo import mailings, preferences
from geo.db import Database
from geo.mailings import Addressee
from geo.models import MailMode
from geo.notifications import Notification

# 5 seconds, then a minute more each time: tried for three days, and within the hour after a day without a mail server.
RETRY = procrastinate.RetryStrategy(wait=5, linear_wait=60, max_attempts=90)
MAIL = "mail"  # the queue of what waits for the mail server
log = structlog.get_logger()


@dataclass(frozen=True)
class MailQueue:
    """Asks for mails in the transaction that makes them necessary."""

    jobs: procrastinate.App

    async def notifications(self, conn: AsyncConnection, ids: Sequence[UUID]) -> None:
        await self._add(conn, "mail_each", ids)

    async def question(self, conn: AsyncConnection, address_id: UUID) -> None:
        """Ask at an address whether it is right."""
        await self._add(conn, "ask_address", [address_id])

    async def _add(self, conn: AsyncConnection, task: str, keys: Sequence[UUID]) -> None:
        """In one statement: there may be thousands."""
        raw = await conn.get_raw_connection()
        of = self.jobs.tasks[task]
        made = [of.configure(queueing_lock=f"{task} {key}").make_new_job(key=str(key)) for key in keys]
        await self.jobs.job_manager.batch_defer_jobs_async(made, connection=raw.driver_connection)


def add_mail_jobs(jobs: procrastinate.App, db: Database, mails: Mails) -> None:
    """The jobs, bound to what they need."""

    @jobs.task(name="mail_each", queue=MAIL, retry=RETRY)
    async def mail_each(key: str) -> None:
        """Mail one notification."""
        await mail(db, mails, UUID(key), MailMode.EACH)

    @jobs.task(name="mail_digest", queue=MAIL, retry=RETRY)
    async def mail_digest(key: str) -> None:
        """Mail a notification and all older ones of its party together."""
        await mail(db, mails, UUID(key), MailMode.DIGEST)

    @jobs.task(name="ask_address", queue=MAIL, retry=RETRY)
    async def ask_address(key: str) -> None:
        """Ask at an address whether it is right."""
        async with db.read_primary() as conn:
            asked = await preferences.unconfirmed_address(conn, UUID(key))
        if asked is not None:
            with suppress(Refused):  # then nobody confirms it
                await mails.ask_address(UUID(key), *asked)

    @jobs.periodic(cron="*/10 * * * *")
    @jobs.task(name="mail_due", queueing_lock="mail_due", pass_context=False)
    async def mail_due(timestamp: int) -> None:
        """See to it that what is due is mailed."""
        now, last = datetime.now(UTC), None
        async with db.write() as conn:
            await mailings.give_up(conn, now)
        while due := await _due(db, now, last):
            for last, mode in due:
                task = mail_each if mode is MailMode.EACH else mail_digest
                with suppress(AlreadyEnqueued):
                    await task.configure(queueing_lock=f"{task.name} {last}").defer_async(key=str(last))


async def _due(db: Database, now: datetime, after: UUID | None) -> Sequence[tuple[UUID, MailMode]]:
    async with db.read_primary() as conn:
        return await mailings.due(conn, now, after)


async def mail(db: Database, mails: Mails, notification_id: UUID, mode: MailMode, now: datetime | None = None) -> None:
    """Mail what is to be mailed, unless it has been, or it is quiet for its reader now, and then it comes later.

    The transaction stays open until the mail server has accepted: what fails is tried again, and only where it fails
    behind that is a mail sent twice, with the same Message-ID.
    """
    async with db.write() as conn:
        if not await mailings.try_lock(conn, notification_id, mode):
            return
        found = await mailings.waiting(conn, notification_id, mode)
        ids, to = [notification.id for notification in found.told], None
        if found.told:
            to = await mailings.addressee(conn, found.told[0].party, now or datetime.now(UTC))
        if to is not None and to.quiet:
            return
        # Rows are changed last: whoever reads or erases a notification must not wait for the mail server.
        if to is not None and await _accepted(mails, found.told, to, mode):
            await mailings.mailed(conn, ids)
            ids = []
        await mailings.drop(conn, found.untold + ids)


async def _accepted(mails: Mails, told: list[Notification], to: Addressee, mode: MailMode) -> bool:
    """Whether the mail server has taken the mail; False where it never will."""
    try:
        if mode is MailMode.EACH:
            await mails.tell(told[0], to)
        else:
            await mails.tell_all(told, to)
    except Refused:
        log.warning("mail_refused", notification=str(told[-1].id))
        return False
    return True
