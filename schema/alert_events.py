"""What happened to an alert: the same types as answers of mutations, and live."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import shapely
import strawberry
from shapely.geometry.base import BaseGeometry

from geo.alerts import AlertOutcome
from geo.cursor import FeedCursor
from geo.deliveries import AlertDelivery
from geo.models import Alert as Record
from geo.models import AlertEvent as Event
from geo.models import AlertEventKind
from geo.outlines import overlap, read_outline
from schema.alerts import Alert, AlertArea, alert_of, search_where
from schema.areas import AreaInput, check_known, search_area
from schema.context import Info
from schema.enums import ActorKind
from schema.following import After, Resync, follow, seal, seconds_left, start_of
from schema.nodes import make_id
from schema.scalars import Cursor


@strawberry.interface(description="One change of one alert.")
class AlertEvent:
    event: strawberry.Private[Event]
    known: strawberry.Private[Record | None] = None

    @classmethod
    def of(cls, outcome: AlertOutcome) -> Self:
        return cls(event=outcome.event, known=outcome.alert)

    @strawberry.field(
        description="Resume `alertEvents` behind this event by passing it as `after`. In the answer of a mutation it "
        "is a place just before the event, which then comes once more."
    )
    def cursor(self, info: Info) -> Cursor:
        return seal(info, self.event.position)

    @strawberry.field(description="When it happened.")
    def at(self) -> datetime:
        return self.event.at

    @strawberry.field(description="Who did it, without telling which person.")
    def actor(self) -> ActorKind:
        return self.event.actor

    @strawberry.field(description="The id of the alert.")
    def alert_id(self) -> strawberry.ID:
        return make_id("Alert", self.event.alert_id)

    @strawberry.field(description="The version of the alert that this change made: apply it only to a lower one.")
    def version(self) -> int:
        return self.event.version

    @strawberry.field(description="The alert as it is on delivery, which may be newer than this event, never older.")
    async def alert(self, info: Info) -> Alert | None:
        return alert_of(self.known or await info.context.alerts.load(self.event.alert_id))


@strawberry.type(description="An alert was published.")
class AlertPublished(AlertEvent):
    pass


@strawberry.type(description="An alert reads otherwise, or is in force for longer or shorter.")
class AlertUpdated(AlertEvent):
    pass


@strawberry.type(description="An alert was withdrawn: it is not in force any more.")
class AlertWithdrawn(AlertEvent):
    pass


AlertEventOrResync = Annotated[
    AlertPublished | AlertUpdated | AlertWithdrawn | Resync,
    strawberry.union("AlertEventOrResync", description="What a subscription to alerts tells."),
]

TYPES: dict[AlertEventKind, type[AlertEvent]] = {
    AlertEventKind.ALERT_PUBLISHED: AlertPublished,
    AlertEventKind.ALERT_UPDATED: AlertUpdated,
    AlertEventKind.ALERT_WITHDRAWN: AlertWithdrawn,
}


async def alert_events(info: Info, area: AlertArea, after: After = None) -> AsyncGenerator[AlertEventOrResync, None]:
    """What authorities tell an area, as it happens."""
    start = start_of(info, after)
    await check_known(info, await search_area(info, area))
    return _follow(info, area, start)


async def _follow(info: Info, area: AreaInput, start: FeedCursor) -> AsyncGenerator[AlertEventOrResync, None]:
    feed, watchers = info.context.services.feed, info.context.services.watchers
    map_version, ground = feed.map_version, await _ground(info, area)
    sent: set[UUID] = set()
    async for batch in follow(info, start):
        if isinstance(batch, Resync):
            yield batch
            continue
        if map_version != feed.map_version:
            map_version, ground = feed.map_version, await _ground(info, area)
        for delivery in batch.deliveries:
            await asyncio.sleep(0)  # a long replay takes turns with everybody else
            if not isinstance(delivery, AlertDelivery) or not overlap(ground, delivery.alert.area):
                continue
            if seconds_left(info.context.viewer) == 0:
                continue
            if delivery.alert.id not in sent:
                sent.add(delivery.alert.id)
                watchers.count(delivery.alert.id)
            yield TYPES[delivery.event.kind](event=delivery.event, known=delivery.alert)  # type: ignore[misc]


async def _ground(info: Info, area: AreaInput) -> BaseGeometry:
    """The area on the map in force."""
    where = await search_where(info, area)
    async with info.context.db.read() as conn:
        ground = await read_outline(conn, where)
    shapely.prepare(ground)
    return ground
