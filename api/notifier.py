"""Notifying, as long as the process lives: woken by the feed, and by the clock where a hint was lost."""

import asyncio
from contextlib import suppress

import structlog

from geo.db import Database
from geo.feed import Feed
from geo.usecases.notify import AskMail, notify

log = structlog.get_logger()


async def keep_notifying(db: Database, feed: Feed, ask_mail: AskMail | None, *, interval: float) -> None:
    """Notify of each event of the feed, until cancelled. In any number of processes: one at a time does it."""
    while True:
        seen = feed.now
        try:
            while await notify(db, ask_mail):
                pass
            with suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await feed.after(seen)
        except Exception as error:
            # The database may be away for a while, as its pool, the queue of mails or the feed tell each in their own
            # way; then all that was begun is done again.
            log.warning("notifying_failed", error=type(error).__name__, exc_info=True)
            await asyncio.sleep(interval)
