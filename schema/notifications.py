"""What the caller is told of: reports it has to do with, and the areas it follows."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.relay import PageInfo

from geo import notifications as geo_notifications
from geo.cursor import FeedCursor, PageCursor
from geo.deliveries import AnyDelivery, NoticeDelivery
from geo.models import AlertEvent, Event, Notice
from geo.notifications import Notification as Record
from geo.sentences import sentence
from geo.usecases import mark_read as mark_read_usecase
from schema import alert_events, following
from schema import events as report_events
from schema import problems as p
from schema.alerts import Alert, alert_of
from schema.context import Info
from schema.enums import Language
from schema.following import Resync, seal, start_of
from schema.inputs import INPUT, KEY
from schema.listening import Listener, Topic, stream
from schema.nodes import Node, read_uuid
from schema.pages import DEFAULT_FIRST, After, First, check_first, page_info
from schema.report_event import ReportEvent
from schema.reports import Report, report_of
from schema.scalars import Cursor
from schema.snapshots import Snapshot

_QUERY = "notifications"


@strawberry.type(
    description="One thing that happened, told to the caller. It goes when the caller may not see the report any more."
)
class Notification(Node):
    record: strawberry.Private[Record]

    def key(self) -> object:
        return self.record.id

    @strawberry.field(description="When it was told.")
    def at(self) -> datetime:
        return self.record.at

    @strawberry.field(description="When the caller said that it was read; null until then.")
    def read_at(self) -> datetime | None:
        return self.record.read_at

    @strawberry.field(description="What happened to the report; null where it is about an alert.")
    def event(self) -> ReportEvent | None:
        event = self.record.event
        if not isinstance(event, Event):
            return None
        return report_events.TYPES[event.kind](event=event, known=self.record.report)

    @strawberry.field(description="The report as it is now; null where it is about an alert.")
    def report(self) -> Report | None:
        return report_of(self.record.report)

    @strawberry.field(description="What happened to the alert; null where it is about a report.")
    def alert_event(self) -> alert_events.AlertEvent | None:
        event = self.record.event
        if not isinstance(event, AlertEvent):
            return None
        return alert_events.TYPES[event.kind](event=event, known=self.record.alert)

    @strawberry.field(description="The alert as it is now; null where it is about a report.")
    def alert(self) -> Alert | None:
        return alert_of(self.record.alert)

    @strawberry.field(description="Example: `Uw melding 482-915-073 (Gebroken glas) is opgelost.`")
    async def text(
        self,
        info: Info,
        language: Annotated[Language, strawberry.argument(description="In which language.")] = Language.NL,
    ) -> str:
        return sentence(self.record, await info.context.services.categories.all(), language)

    @strawberry.field(description="Whether the caller is asked to judge the resolution, with `rateResolution`.")
    def asks_for_rating(self) -> bool:
        return self.record.asks_for_rating


@strawberry.type(description="A notification in a list.")
class NotificationEdge:
    cursor: str = strawberry.field(description="Its place in this list.")
    node: Notification = strawberry.field(description="The notification.")


@strawberry.type(description="A page of notifications, newest first.")
class NotificationConnection:
    edges: list[NotificationEdge] = strawberry.field(description="The notifications with their cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and the cursors to get it.")
    live_cursor: Cursor | None = strawberry.field(
        graphql_type=Cursor,
        description="Pass it as `after` to the subscription `notifications`, and you get every one since this page was "
        "read. One that the page already shows may come once; its `id` tells.",
    )

    @strawberry.field(description="The notifications without their cursors.")
    def nodes(self) -> list[Notification]:
        return [edge.node for edge in self.edges]

    @strawberry.field(description=f"How many the caller has not read; {geo_notifications.MOST_UNREAD} for more.")
    async def unread(self, info: Info) -> int:
        return await unread(info)


async def unread(info: Info) -> int:
    async with info.context.db.read() as conn:
        return await geo_notifications.unread(conn, info.context.viewer)


async def notifications(info: Info, first: First = DEFAULT_FIRST, after: After = None) -> NotificationConnection:
    """What the caller was told of, page by page, newest first."""
    cursors, snapshot = info.context.services.cursors, Snapshot(info)
    behind = None if after is None else cursors.open_page(_QUERY, after).id
    async with snapshot.read() as conn:
        found = await geo_notifications.page(conn, info.context.viewer, behind, check_first(first) + 1)
    edges = [
        NotificationEdge(
            cursor=cursors.seal_page(_QUERY, PageCursor(record.at, record.id)), node=Notification(record=record)
        )
        for record in found[:first]
    ]
    pages = page_info([e.cursor for e in edges], more=len(found) > first, after=after)
    return NotificationConnection(edges=edges, page_info=pages, live_cursor=snapshot.cursor)


async def notification_by_id(info: Info, id: strawberry.ID) -> Notification | None:
    if info.context.viewer.party is None:
        return None
    async with info.context.db.read() as conn:
        found = await geo_notifications.by_id(conn, info.context.viewer, read_uuid(id, "Notification", ("id",)))
    return None if found is None else Notification(record=found)


@strawberry.type(description="The caller is told of something.")
class NotificationReceived:
    notice: strawberry.Private[Notice]
    record: strawberry.Private[Record | None] = None
    cursor: Cursor = strawberry.field(description="Resume behind this notification by passing it as `after`.")

    @strawberry.field(description="What it is told.")
    def notification(self) -> Notification:
        assert self.record is not None
        return Notification(record=self.record)


NotificationOrResync = Annotated[
    NotificationReceived | Resync,
    strawberry.union("NotificationOrResync", description="What a subscription to notifications tells."),
]


class NotificationListener(Listener[NotificationOrResync]):
    """Listens to what its caller is notified of."""

    personal = True

    def __init__(self, info: Info, start: FeedCursor) -> None:
        self._party = info.context.viewer.known_party()
        super().__init__(info, start, self._party)

    async def look(self) -> None:
        """There is no area to find."""

    @property
    def about(self) -> Topic:
        return self._party

    def tell(self, delivery: AnyDelivery, party: str | None) -> NotificationOrResync | None:
        if not isinstance(delivery, NoticeDelivery) or self._party not in delivery.parties:
            return None
        return NotificationReceived(cursor=seal(self.info, delivery.event.position), notice=delivery.event)

    async def ready(self, told: NotificationOrResync) -> NotificationOrResync | None:
        """Nothing is told any more of what the caller may not see now."""
        assert isinstance(told, NotificationReceived)
        async with self.context.db.read() as conn:
            found = await geo_notifications.of_notices(conn, self.context.viewer, [told.notice.id])
        return replace(told, record=found[told.notice.id]) if told.notice.id in found else None


async def told(info: Info, after: following.After = None) -> AsyncIterator[NotificationOrResync]:
    """What the caller is told of, as it happens."""
    info.context.viewer.known_party()
    return stream(NotificationListener(info, start_of(info, after)))


@strawberry.input(description="Notifications that were read.")
class MarkReadInput:
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Their ids; without it, all there are."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type(description="Notifications are marked as read.")
class MarkedRead:
    @strawberry.field(description="How many the caller has not read now.")
    async def unread(self, info: Info) -> int:
        return await unread(info)


MarkReadResult = Annotated[
    MarkedRead | p.InvalidId | p.NotPermitted | p.InvalidIdempotencyKey | p.IdempotencyKeyReused,
    strawberry.union("MarkReadResult", description="They are marked as read, or what was wrong."),
]


async def mark_read(info: Info, input: Annotated[MarkReadInput, INPUT]) -> MarkReadResult:
    """Say that notifications were read. Ids of others do nothing."""
    ids = None
    if input.ids is not None:
        ids = [read_uuid(key, "Notification", ("input", "ids", place)) for place, key in enumerate(input.ids)]
    c = info.context
    await mark_read_usecase.mark_read(c.db, c.viewer, ids, input.idempotency_key)
    return MarkedRead()
