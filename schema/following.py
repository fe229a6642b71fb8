"""Reading along with the feed, for any subscription: batch by batch from a cursor on, until the caller's token ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import strawberry

from geo.cursor import FeedCursor
from geo.deliveries import AnyDelivery
from geo.errors import TokenExpired, TokenRevoked
from geo.viewer import Viewer
from schema.context import Info, Services
from schema.scalars import Cursor

STARTED_OVER = "The feed started over."
TOO_OLD = "Your cursor is older than what is kept."
After = Annotated[
    Cursor | None,
    strawberry.argument(
        description="The last `cursor` you received: you get all you missed, each once and in order, or `Resync`. "
        "Without it, what happens from now on. While a client does not read, only the latest event of each report "
        "waits for it: `extensions.coalesced` of the message then says for how many earlier ones it stands."
    ),
]


@strawberry.type(
    description="Events were missed that can't be told any more. Read the state again, and go on from `cursor`."
)
class Resync:
    reason: str = strawberry.field(
        description="Why: `The feed started over.` or `Your cursor is older than what is kept.`"
    )
    cursor: Cursor = strawberry.field(description="Where to go on.")


def resync(services: Services, cursor: FeedCursor) -> Resync:
    """What tells that what lies behind a place can't be told any more."""
    now = services.feed.now
    reason = STARTED_OVER if cursor.epoch != now.epoch else TOO_OLD
    return Resync(reason=reason, cursor=Cursor(services.cursors.seal_feed(now)))


def start_of(info: Info, after: str | None) -> FeedCursor:
    """Where to begin; raises `InvalidCursor`."""
    services = info.context.services
    return services.feed.now if after is None else services.cursors.open_feed(after)


async def follow(info: Info, cursor: FeedCursor) -> AsyncGenerator[list[AnyDelivery] | Resync, None]:
    """What the feed brings behind a place; raises `TokenExpired` or `TokenRevoked` in the end."""
    feed = info.context.services.feed
    while not ended(info):
        try:
            async with _as_long_as_good(info):
                batch = await feed.after(cursor)
        except TimeoutError:
            break
        if batch is None:
            told = resync(info.context.services, cursor)
            cursor = feed.now
            yield told
            continue
        yield batch
        last = batch[-1].event.position
        assert last is not None
        cursor = FeedCursor(cursor.epoch, last)
    why = TokenRevoked if info.context.services.revocations.revoked(info.context.viewer) else TokenExpired
    raise why(hint="Get a new one, and go on from the last `cursor`.")


@asynccontextmanager
async def _as_long_as_good(info: Info) -> AsyncIterator[None]:
    """Cuts its block off, with `TimeoutError`, when the caller's token expires or is revoked."""
    async with asyncio.timeout(seconds_left(info.context.viewer)) as limit:

        def end() -> None:
            if not limit.expired():
                limit.reschedule(0)

        with info.context.services.revocations.ending(info.context.viewer, end):
            yield


def seal(info: Info, position: int | None) -> Cursor:
    """The cursor of an event by its position, or of now for one that has none yet."""
    now = info.context.services.feed.now
    return Cursor(
        info.context.services.cursors.seal_feed(FeedCursor(now.epoch, now.position if position is None else position))
    )


def ended(info: Info) -> bool:
    """Whether the caller's token has expired or was revoked: then it is told nothing more."""
    viewer = info.context.viewer
    return seconds_left(viewer) == 0 or info.context.services.revocations.revoked(viewer)


def seconds_left(viewer: Viewer) -> float | None:
    """How long the caller's token is still good; None for ever."""
    if viewer.expires_at is None:
        return None
    return max(0.0, (viewer.expires_at - datetime.now(UTC)).total_seconds())
