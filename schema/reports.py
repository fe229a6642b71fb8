"""Reports as the API shows them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.relay import PageInfo

from geo.models import Report as Record
from schema import categories, evidence
from schema.alike import FROM_DATABASE, FROM_MEMORY
from schema.areas import Area, area_of
from schema.categories import Category
from schema.context import Info, Slice
from schema.enums import Channel, HiddenReason, ReportStatus, Urgency, Visibility
from schema.evidence import EvidenceConnection, EvidenceEdge
from schema.nodes import Node
from schema.outcomes import Adoption, Resolution, adoption_of, resolution_of
from schema.pages import After, First, check_first, page_info
from schema.points import Point
from schema.reporters import Reporter, reporter_of
from schema.scalars import Cursor

if TYPE_CHECKING:
    from schema.timeline import TimelineConnection

NESTED_FIRST = 10
MAX_NESTED_FIRST = 100

Timeline = Annotated["TimelineConnection", strawberry.lazy("schema.timeline")]


@strawberry.type(description="One situation in public space, with a place.")
class Report(Node):
    record: strawberry.Private[Record]

    def key(self) -> object:
        return self.record.id

    @strawberry.field(description="For saying on the phone; the last digit is a check digit. Example: `482-915-073`.")
    def number(self) -> str:
        return self.record.number

    @strawberry.field(description="What it is about.", metadata=FROM_MEMORY)
    async def category(self, info: Info) -> Category:
        return await categories.category(info, self.record.category)

    @strawberry.field(description="How far it has come.")
    def status(self) -> ReportStatus:
        return self.record.status

    @strawberry.field(description="How soon somebody has to come.")
    def urgency(self) -> Urgency:
        return self.record.urgency

    @strawberry.field(description="Who may know of it.")
    def visibility(self) -> Visibility:
        return self.record.visibility

    @strawberry.field(description="How it came in.")
    def channel(self) -> Channel:
        return self.record.channel

    @strawberry.field(
        description="What the reporter wrote, with personal data masked; empty where it is hidden. Plain text; escape "
        "it where you show it."
    )
    def description(self) -> str:
        return self.record.description

    @strawberry.field(
        description="What the reporter wrote, where `description` is masked or hidden; for the authorities of the "
        "territory, null for all others."
    )
    def original(self, info: Info) -> str | None:
        return self.record.original if info.context.viewer.works_in(self.record.place.codes) else None

    @strawberry.field(description="Why the description is hidden; null where it is not.")
    def hidden_reason(self) -> HiddenReason | None:
        return self.record.hidden_reason

    @strawberry.field(
        description="How to reach who reported it, for the authorities of the territory; null for all others, and "
        "where nothing was left or it has lapsed. Each read is noted with the name of the reader."
    )
    async def reporter(self, info: Info) -> Reporter | None:
        return await reporter_of(info, self.record)

    @strawberry.field(
        description="The report that goes on, where this one turned out to be about the same situation; null where it "
        "did not, and where the caller may not see that one."
    )
    async def merged_into(self, info: Info) -> Annotated["Report", strawberry.lazy("schema.reports")] | None:
        into = self.record.merged_into
        return None if into is None else report_of(await info.context.reports.load(into))

    @strawberry.field(description="Where it is.")
    def location(self) -> Point:
        return Point(lon=self.record.location.lon, lat=self.record.location.lat)

    @strawberry.field(
        description="The neighbourhood it lies in, where the map has neighbourhoods.", metadata=FROM_DATABASE
    )
    async def neighbourhood(self, info: Info) -> Area | None:
        return await _area(info, self.record.place.neighbourhood)

    @strawberry.field(description="The district it lies in.", metadata=FROM_DATABASE)
    async def district(self, info: Info) -> Area | None:
        return await _area(info, self.record.place.district)

    @strawberry.field(
        description="The borough it lies in, in municipalities that have boroughs.", metadata=FROM_DATABASE
    )
    async def borough(self, info: Info) -> Area | None:
        return await _area(info, self.record.place.borough)

    @strawberry.field(description="The municipality it lies in.", metadata=FROM_DATABASE)
    async def municipality(self, info: Info) -> Area | None:
        return await _area(info, self.record.place.municipality)

    @strawberry.field(description="When it was reported.")
    def submitted_at(self) -> datetime:
        return self.record.submitted_at

    @strawberry.field(description="When anything about it changed last.")
    def updated_at(self) -> datetime:
        return self.record.updated_at

    @strawberry.field(description="When it was resolved; null while it is not.")
    def resolved_at(self) -> datetime | None:
        return self.record.resolved_at

    @strawberry.field(description="By when it should be resolved, in working hours where its category can wait.")
    def due_at(self) -> datetime | None:
        return self.record.due_at

    @strawberry.field(description="When that time passed without a solution; null where it did not.")
    def escalated_at(self) -> datetime | None:
        return self.record.escalated_at

    @strawberry.field(description="Who has it in hand of the residents, or had last; null where nobody did.")
    async def adoption(self, info: Info) -> Adoption | None:
        return await adoption_of(info, self.record)

    @strawberry.field(description="How it was resolved, and what the involved say of it; null while it is not.")
    async def resolution(self, info: Info) -> Resolution | None:
        return await resolution_of(info, self.record)

    @strawberry.field(description="How many people say now that it is still there; each person counts once.")
    def confirmations(self) -> int:
        return self.record.confirmations

    @strawberry.field(description="When somebody said last that it is still there.")
    def last_confirmed_at(self) -> datetime | None:
        return self.record.last_confirmed_at

    @strawberry.field(
        description="Raised by one with each change. Apply an event only when its `version` is higher than the one you "
        "have; then an event that comes twice does no harm."
    )
    def version(self) -> int:
        return self.record.version

    @strawberry.field(description="The statuses the caller may take it to now with `changeStatus`; empty for most.")
    async def allowed_transitions(self, info: Info) -> list[ReportStatus]:
        return list(await info.context.services.statuses.allowed(info.context.viewer, self.record))

    @strawberry.field(description="What was added to it, oldest first.")
    async def evidence(self, info: Info, first: First = NESTED_FIRST, after: After = None) -> EvidenceConnection:
        cursors = info.context.services.cursors
        query = f"evidence {self.record.id}"
        behind = None if after is None else cursors.open_page(query, after)
        limit = check_first(first, MAX_NESTED_FIRST)
        found = await info.context.evidence.load(Slice(self.record.id, behind, limit + 1))
        edges = [
            EvidenceEdge(
                cursor=cursors.seal_page(query, evidence.cursor_of(piece)), node=evidence.Evidence(record=piece)
            )
            for piece in found[:limit]
        ]
        pages = page_info([e.cursor for e in edges], more=len(found) > limit, after=after)
        return EvidenceConnection(edges=edges, page_info=pages)

    @strawberry.field(description="Its whole history as far as the caller may know it, oldest first.")
    async def timeline(self, info: Info, first: First = NESTED_FIRST, after: After = None) -> Timeline:
        from schema.timeline import timeline  # noqa: PLC0415 - events show reports, and reports their events

        return await timeline(info, self.record, first, after)


async def _area(info: Info, code: str | None) -> Area | None:
    return None if code is None else area_of(await info.context.areas.load(code))


@strawberry.type(description="A report in a list.")
class ReportEdge:
    cursor: str = strawberry.field(description="Its place in this list.")
    node: Report = strawberry.field(description="The report.")


@strawberry.type(
    description="A page of reports. It stays right while reports are being added: nothing twice, none skipped."
)
class ReportConnection:
    edges: list[ReportEdge] = strawberry.field(description="The reports with their cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and the cursors to get it.")
    live_cursor: Cursor | None = strawberry.field(
        graphql_type=Cursor,
        description="Pass it as `after` to `reportEvents` with the same area and filter, and you get every change "
        "since this page was read. A change that the page already shows may come once; its `version` tells.",
    )

    @strawberry.field(description="The reports without their cursors.")
    def nodes(self) -> list[Report]:
        return [edge.node for edge in self.edges]


@strawberry.type(description="A report with its distance.")
class NearbyReport:
    metres: float = strawberry.field(description="How far it is from the point, in metres along the earth.")
    report: Report = strawberry.field(description="The report.")


def report_of(record: Record | None) -> Report | None:
    return None if record is None else Report(record=record)
