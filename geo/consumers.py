"""Consumers of the feed: each does something with every event, once, and remembers how far it has come."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.tables import consumer, event, feed

_SPAN = select(consumer.c.position, feed.c.position.label("head")).select_from(consumer.join(feed, feed.c.only == 1))


class Span(NamedTuple):
    """The events behind `after`, up to and with `until`."""

    after: int
    until: int


async def behind(conn: AsyncConnection, name: str, most: int) -> Span | None:
    """The next events for a consumer, at most so many; None where there are none."""
    position, head = (await conn.execute(_SPAN.where(consumer.c.name == name))).one()
    return Span(position, min(head, position + most)) if head > position else None


async def event_ids(conn: AsyncConnection, span: Span) -> Sequence[UUID]:
    """The events of a span, in the order of the feed."""
    within = event.c.position > span.after, event.c.position <= span.until
    return (await conn.scalars(select(event.c.id).where(*within).order_by(event.c.position))).all()


async def try_lock(conn: AsyncConnection, name: str) -> bool:
    """Be the one who works for this consumer until the transaction ends; False where another one is."""
    lock = func.pg_try_advisory_xact_lock(func.hashtextextended(f"consumer {name}", 0))
    return bool((await conn.execute(select(lock))).scalar_one())


async def advance(conn: AsyncConnection, name: str, position: int) -> None:
    """Move on, in the transaction of what was made of the events."""
    await conn.execute(update(consumer).where(consumer.c.name == name).values(position=position))
