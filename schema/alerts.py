"""Alerts as the API shows them."""

from datetime import datetime
from typing import Annotated

import shapely
import strawberry
from shapely.geometry import mapping
from strawberry.relay import PageInfo

from geo import alerts as geo_alerts
from geo.geometry import CodeArea
from geo.models import Alert as Record
from geo.outlines import Where
from schema.alert_answers import AlertAnswerConnection, AlertDeliveries, answers_to
from schema.alike import FROM_DATABASE
from schema.areas import Area, AreaInput, area_of, check_known, search_area
from schema.context import Info
from schema.enums import ActorKind, Severity
from schema.nodes import Node
from schema.pages import DEFAULT_FIRST, After, First, check_first, page_info
from schema.reports import NESTED_FIRST
from schema.scalars import Cursor, GeoJSON
from schema.snapshots import Snapshot

DECIMALS = 6  # of degrees: a decimetre


@strawberry.type(description="What the municipality or the police tell an area.")
class Alert(Node):
    record: strawberry.Private[Record]

    def key(self) -> object:
        return self.record.id

    @strawberry.field(description="How serious it is.")
    def severity(self) -> Severity:
        return self.record.severity

    @strawberry.field(description="What is the matter. Plain text; escape it where you show it.")
    def text(self) -> str:
        return self.record.text

    @strawberry.field(description="What to do, or not to do. Example: `Zet uw fiets vanavond binnen.`")
    def advice(self) -> str | None:
        return self.record.advice

    @strawberry.field(
        description="The area it is for; null where it is for a shape, which has no name.", metadata=FROM_DATABASE
    )
    async def area(self, info: Info) -> Area | None:
        return None if self.record.code is None else area_of(await info.context.areas.load(self.record.code))

    @strawberry.field(description="Where it is for, as it was when published: a MultiPolygon with six decimals.")
    def outline(self) -> GeoJSON:
        return GeoJSON(mapping(shapely.transform(self.record.area, lambda places: places.round(DECIMALS))))

    @strawberry.field(description="Who published it, without telling which person.")
    def publisher(self) -> ActorKind:
        return self.record.actor

    @strawberry.field(description="When it was published.")
    def published_at(self) -> datetime:
        return self.record.published_at

    @strawberry.field(description="When anything about it changed last.")
    def updated_at(self) -> datetime:
        return self.record.updated_at

    @strawberry.field(description="Until when it is in force, unless it is withdrawn before.")
    def valid_until(self) -> datetime:
        return self.record.valid_until

    @strawberry.field(description="When it was withdrawn; null for most.")
    def withdrawn_at(self) -> datetime | None:
        return self.record.withdrawn_at

    @strawberry.field(description="Whether it is in force now. No event tells that its time is over: see `validUntil`.")
    def active(self) -> bool:
        return geo_alerts.is_active(self.record)

    @strawberry.field(
        description="Raised by one with each change. Apply an event only when its `version` is higher than the one you "
        "have; then an event that comes twice does no harm."
    )
    def version(self) -> int:
        return self.record.version

    @strawberry.field(
        description="What residents answered, oldest first; null for all but the organisation that published it."
    )
    async def answers(
        self, info: Info, first: First = NESTED_FIRST, after: After = None
    ) -> AlertAnswerConnection | None:
        if not geo_alerts.is_publisher(info.context.viewer, self.record):
            return None
        return await answers_to(info, self.record, first, after)

    @strawberry.field(description="How many it has reached; null for all but the organisation that published it.")
    async def deliveries(self, info: Info) -> AlertDeliveries | None:
        if not geo_alerts.is_publisher(info.context.viewer, self.record):
            return None
        reach = await info.context.alert_reach.load(self.record.id)
        return None if reach is None else AlertDeliveries(**reach._asdict())


@strawberry.type(description="An alert in a list.")
class AlertEdge:
    cursor: str = strawberry.field(description="Its place in this list.")
    node: Alert = strawberry.field(description="The alert.")


@strawberry.type(description="A page of alerts, newest first.")
class AlertConnection:
    edges: list[AlertEdge] = strawberry.field(description="The alerts with their cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and the cursors to get it.")
    live_cursor: Cursor | None = strawberry.field(
        graphql_type=Cursor,
        description="Pass it as `after` to `alertEvents` with the same area, and you get every change since this page "
        "was read. A change that the page already shows may come once; its `version` tells.",
    )

    @strawberry.field(description="The alerts without their cursors.")
    def nodes(self) -> list[Alert]:
        return [edge.node for edge in self.edges]


AlertArea = Annotated[
    AreaInput,
    strawberry.argument(
        description="Where: alerts whose area has ground in common with it. Neighbours that share a border have not."
    ),
]


async def search_where(info: Info, area: AreaInput) -> Where:
    """The area to look in; raises `UnknownArea`, `InvalidArea`, `InvalidLocation`."""
    found = await search_area(info, area)
    return found.codes[0] if isinstance(found, CodeArea) else found


async def alerts(
    info: Info,
    area: AlertArea,
    active_only: Annotated[bool, strawberry.argument(description="Only those in force now.")] = True,
    first: First = DEFAULT_FIRST,
    after: After = None,
) -> AlertConnection:
    """What authorities tell an area, page by page, newest first."""
    cursors, snapshot = info.context.services.cursors, Snapshot(info)
    check_first(first)
    where = await search_where(info, area)
    asked = repr(("alerts", area.code or where, active_only))  # a code may lead elsewhere on the next page
    behind = None if after is None else cursors.open_page(asked, after)
    async with snapshot.read() as conn:
        found, more = await geo_alerts.page(conn, where, active_only=active_only, after=behind, first=first)
    if not found and not isinstance(where, str):
        await check_known(info, where)
    edges = [
        AlertEdge(cursor=cursors.seal_page(asked, geo_alerts.cursor_of(record)), node=Alert(record=record))
        for record in found
    ]
    pages = page_info([e.cursor for e in edges], more=more, after=after)
    return AlertConnection(edges=edges, page_info=pages, live_cursor=snapshot.cursor)


def alert_of(record: Record | None) -> Alert | None:
    return None if record is None else Alert(record=record)
