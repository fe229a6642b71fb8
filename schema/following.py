"""Reading along with the feed, for any subscription: batch by batch from a cursor on, until the caller's token ends."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

import strawberry

from geo.cursor import FeedCursor
from geo.deliveries import AnyDelivery
from geo.errors import TokenExpired
from geo.viewer import Viewer
from schema.context import Info
from schema.scalars import Cursor

After = Annotated[
    Cursor | None,
    strawberry.argument(
        description="The last `cursor` you received: you get all you missed, each once and in order, or `Resync`. "
        "Without it, what happens from now on."
    ),
]


@strawberry.type(
    description="Events were missed that can't be told any more. Read the state again, and go on from `cursor`."
)
class Resync:
    reason: str = strawberry.field(description="Why. Example: `The feed started over.`")
    cursor: Cursor = strawberry.field(description="Where to go on.")


class Batch(NamedTuple):
    """Deliveries in feed order; `replayed` where they happened before the caller began to follow."""

    deliveries: list[AnyDelivery]
    replayed: bool


def start_of(info: Info, after: str | None) -> FeedCursor:
    """Where to begin; raises `InvalidCursor`."""
    services = info.context.services
    return services.feed.now if after is None else services.cursors.open_feed(after)


async def follow(info: Info, cursor: FeedCursor) -> AsyncGenerator[Batch | Resync, None]:
    """What the feed brings behind a place; raises `TokenExpired` in the end."""
    feed, viewer = info.context.services.feed, info.context.viewer
    begun = feed.now
    while (left := seconds_left(viewer)) != 0:
        try:
            async with asyncio.timeout(left):
                batch = await feed.after(cursor)
        except TimeoutError:
            break
        if batch is None:
            cursor = feed.now
            yield Resync(reason="The feed started over.", cursor=seal(info, cursor.position))
            continue
        yield Batch(batch, cursor.position < begun.position)
        last = batch[-1].event.position
        assert last is not None
        cursor = FeedCursor(cursor.epoch, last)
    raise TokenExpired(hint="Get a new one, and go on from the last `cursor`.")


def seal(info: Info, position: int | None) -> Cursor:
    """The cursor of an event by its position, or of now for one that has none yet."""
    now = info.context.services.feed.now
    return Cursor(
        info.context.services.cursors.seal_feed(FeedCursor(now.epoch, now.position if position is None else position))
    )


def seconds_left(viewer: Viewer) -> float | None:
    """How long the caller's token is still good; None for ever."""
    if viewer.expires_at is None:
        return None
    return max(0.0, (viewer.expires_at - datetime.now(UTC)).total_seconds())
