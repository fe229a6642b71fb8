"""What a subscription listens to: the same for the plain generator here and for the hub that serves many at once."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Hashable
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from geo.cursor import FeedCursor
from geo.deliveries import AlertDelivery, AnyDelivery, Delivery, NoticeDelivery
from geo.geometry import Area
from schema.context import Context, Info
from schema.following import Resync, ended, follow

T = TypeVar("T")
ALERTS = "alerts"  # the topic of all alerts
Topic = UUID | str  # a report, a party, or `ALERTS`
Seen = set[UUID]  # alerts that one caller was sent


class Listener(ABC, Generic[T]):
    """One caller's subscription: where it begins, what it is about, and what it is told.

    Iterated over, it is the plain way: it reads along with the feed and yields what the subscription's field gives.
    """

    personal = False  # whether what it is told is for this caller alone
    counts = False  # whether it wants to know of each caller that was told

    def __init__(self, info: Info, start: FeedCursor, key: Hashable) -> None:
        """Listeners of the same field with the same `key` are told the same."""
        self.info = info
        self.start = start
        self.key = key

    @property
    def context(self) -> Context:
        return self.info.context

    @abstractmethod
    async def look(self) -> None:
        """Find out where its area lies on the map in force. Has to be called before all that follows."""

    @property
    @abstractmethod
    def about(self) -> Area | Topic:
        """The area or the topic whose deliveries concern it."""

    @abstractmethod
    def tell(self, delivery: AnyDelivery, party: str | None) -> T | None:
        """What a caller with the same rights is told of a delivery: one that is this party, or nobody in particular."""

    async def ready(self, told: T) -> T | None:
        """What is told, with what has to be read for it."""
        return told

    def heard(self, delivery: AnyDelivery, seen: Seen) -> None:
        """Called when it was told of the delivery."""

    async def __aiter__(self) -> AsyncIterator[T | Resync]:
        feed, seen = self.context.services.feed, Seen()
        if self.start != feed.now:
            await feed.catch_up(self.start)
        map_version = feed.map_version
        await self.look()
        async for batch in follow(self.info, self.start):
            if isinstance(batch, Resync):
                yield batch
                continue
            if map_version != feed.map_version:
                map_version = feed.map_version
                await self.look()
            epoch = feed.now.epoch
            for delivery in batch:
                if feed.now.epoch != epoch:
                    break  # the rest has no place in the feed any more
                await asyncio.sleep(0)  # a long replay takes turns with everybody else
                told = self.tell(delivery, self.context.viewer.party)
                told = told and await self.ready(told)
                if told and not ended(self.info):
                    self.heard(delivery, seen)
                    yield told


def topics_of(delivery: AnyDelivery) -> tuple[Topic, ...]:
    """What a delivery is about, besides the area it lies in."""
    match delivery:
        case Delivery(event=event):
            return (event.report_id,)
        case AlertDelivery():
            return (ALERTS,)
        case NoticeDelivery(parties=parties):
            return tuple(parties)


def stream(listener: Listener[Any]) -> AsyncIterator[Any]:
    """The listener, as what a subscription's resolver has to return."""
    return cast("AsyncIterator[Any]", listener)
