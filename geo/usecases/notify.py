"""Tell everybody concerned of what happened: each event of the feed once, and each party once of each."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from operator import attrgetter
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import consumers, events, notifications, recipients
from geo.consumers import Span
from geo.db import Database
from geo.models import MailMode
from geo.recipients import Recipient

NOTIFIER = "notifications"
AT_ONCE = 64  # events in one transaction, of which often nobody is told
ENOUGH = 2_000  # recipients in one transaction, unless a single event has more: written well within a second
STEP = 8  # events looked at together: of each, a whole city may have to be told
AskMail = Callable[[AsyncConnection, Sequence[UUID]], Awaitable[None]]  # to mail notifications, after the commit
log = structlog.get_logger()


async def notify(db: Database, ask_mail: AskMail | None) -> bool:
    """Take the next events behind those that were taken before; returns whether there were any.

    In one transaction: the notifications, the events that tell watchers of them, the jobs that mail them, and how far
    it has come. So it can be cut off at any moment and done again. Only one process at a time does it. No event is
    ever passed over: where one can't be told, that is logged and raised, and it comes first the next time.
    """
    async with db.read_primary() as conn:
        if await consumers.behind(conn, NOTIFIER, AT_ONCE) is None:
            return False
    async with db.write() as conn:
        if not await consumers.try_lock(conn, NOTIFIER):
            return False
        span = await consumers.behind(conn, NOTIFIER, AT_ONCE)
        if span is None:
            return False
        ids = await consumers.event_ids(conn, span)  # a transaction that failed can't be asked for them
        try:
            await _tell(conn, span, ask_mail)
        except Exception as error:
            log.error("events_not_told", error=type(error).__name__, among=[str(event_id) for event_id in ids])
            raise
    return True


async def _tell(conn: AsyncConnection, span: Span, ask_mail: AskMail | None) -> None:
    """Tell of as many events of a span as have recipients enough."""
    until, told = await _piece(conn, span)
    to_mail: list[UUID] = []
    for _, same in groupby(told, attrgetter("event_id")):
        notice_id = await events.append_notice(conn)
        added = await notifications.add(conn, notice_id, list(same))
        to_mail += [notification_id for notification_id, mail in added if mail is MailMode.EACH]
    if to_mail and ask_mail is not None:
        await ask_mail(conn, to_mail)
    await consumers.advance(conn, NOTIFIER, until)


async def _piece(conn: AsyncConnection, span: Span) -> tuple[int, list[Recipient]]:
    """The recipients of the first events of a span, and the position of the last of these events.

    A few events more each time: the next ones may be in a place that thousands follow, and are left for later then.
    """
    position, told, step = span.after, list[Recipient](), 1
    while position < span.until and len(told) < ENOUGH:
        following = Span(position, min(span.until, position + step))
        more = await recipients.of_events(conn, following)
        if len(told) + len(more) > ENOUGH and position > span.after:
            break
        position, told = following.until, told + more
        step = min(2 * step, STEP)
    return position, told
