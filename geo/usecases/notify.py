"""Tell everybody concerned of what happened: each event of the feed once, and each party once of each."""

from collections.abc import Awaitable, Callable
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import consumers, events, notifications, recipients
from geo.db import Database
from geo.models import MailMode

NOTIFIER = "notifications"
AT_ONCE = 200
AskMail = Callable[[AsyncConnection, UUID], Awaitable[None]]  # to mail a notification, if the transaction is committed


async def notify(db: Database, ask_mail: AskMail | None) -> bool:
    """Take the next events behind those that were taken before; returns whether there were any.

    In one transaction: the notifications, the events that tell watchers of them, the jobs that mail them, and how far
    it has come. So it can be cut off at any moment and done again. Only one process at a time does it.
    """
    async with db.read() as conn:
        if await consumers.behind(conn, NOTIFIER, AT_ONCE) is None:
            return False
    async with db.write() as conn:
        if not await consumers.try_lock(conn, NOTIFIER):
            return False
        span = await consumers.behind(conn, NOTIFIER, AT_ONCE)
        if span is None:
            return False
        for _, told in groupby(await recipients.of_events(conn, span), attrgetter("event_id")):
            notice_id = await events.append_notice(conn)
            for notification_id, mail in await notifications.add(conn, notice_id, list(told)):
                if mail is MailMode.EACH and ask_mail is not None:
                    await ask_mail(conn, notification_id)
        await consumers.advance(conn, NOTIFIER, span.until)
    return True
