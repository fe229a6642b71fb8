"""What happened to an alert: the same types as answers of mutations, and live."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Self, cast

import shapely
import strawberry
from shapely.geometry.base import BaseGeometry

from geo.alerts import AlertOutcome
from geo.cursor import FeedCursor
from geo.deliveries import AlertDelivery, AnyDelivery
from geo.models import Alert as Record
from geo.models import AlertEvent as Event
from geo.models import AlertEventKind
from geo.outlines import overlap, read_outline
from schema.alerts import Alert, AlertArea, alert_of, search_where
from schema.alike import FROM_MEMORY
from schema.areas import AreaInput, check_known, search_area, sought
from schema.context import Info
from schema.enums import ActorKind
from schema.following import After, Resync, seal, start_of
from schema.listening import ALERTS, Listener, Seen, Topic, stream
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
        "is a place just before the event, which then comes once more.",
        metadata=FROM_MEMORY,
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

    @strawberry.field(
        description="The alert as it is on delivery, which may be newer than this event, never older.",
        metadata=FROM_MEMORY,
    )
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


class AlertListener(Listener[AlertEventOrResync]):
    """Listens to an area; alerts lie in theirs, so each is compared with it."""

    counts = True

    def __init__(self, info: Info, start: FeedCursor, area: AreaInput) -> None:
        super().__init__(info, start, sought(area))
        self._area = area
        self._ground: BaseGeometry = shapely.Point()

    async def look(self) -> None:
        where = await search_where(self.info, self._area)
        async with self.context.db.read() as conn:
            self._ground = await read_outline(conn, where)
        shapely.prepare(self._ground)

    @property
    def about(self) -> Topic:
        return ALERTS

    def tell(self, delivery: AnyDelivery, party: str | None) -> AlertEventOrResync | None:
        if not isinstance(delivery, AlertDelivery) or not overlap(self._ground, delivery.alert.area):
            return None
        kind: Any = TYPES[delivery.event.kind]
        return cast("AlertEventOrResync", kind(event=delivery.event, known=delivery.alert))

    def heard(self, delivery: AnyDelivery, seen: Seen) -> None:
        """Each alert is counted once for each watcher."""
        assert isinstance(delivery, AlertDelivery)
        if delivery.alert.id not in seen:
            seen.add(delivery.alert.id)
            self.context.services.watchers.count(delivery.alert.id)


async def alert_events(info: Info, area: AlertArea, after: After = None) -> AsyncIterator[AlertEventOrResync]:
    """What authorities tell an area, as it happens."""
    start = start_of(info, after)
    await check_known(info, await search_area(info, area))
    return stream(AlertListener(info, start, area))
