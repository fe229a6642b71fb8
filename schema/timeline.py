"""The history of a report."""

import strawberry
from strawberry.relay import PageInfo

from geo.cursor import PageCursor
from geo.models import Report as Record
from schema.context import Info, Slice
from schema.events import event_of
from schema.pages import check_first, page_info
from schema.report_event import ReportEvent
from schema.reports import MAX_NESTED_FIRST


@strawberry.type(description="An event in a history.")
class TimelineEdge:
    cursor: str = strawberry.field(description="Its place in this history.")
    node: ReportEvent = strawberry.field(description="The event.")


@strawberry.type(description="A page of a report's history, oldest first.")
class TimelineConnection:
    edges: list[TimelineEdge] = strawberry.field(description="The events with their cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and the cursors to get it.")

    @strawberry.field(description="The events without their cursors.")
    def nodes(self) -> list[ReportEvent]:
        return [edge.node for edge in self.edges]


async def timeline(info: Info, report: Record, first: int, after: str | None) -> TimelineConnection:
    cursors = info.context.services.cursors
    query = f"timeline {report.id}"
    behind = None if after is None else cursors.open_page(query, after)
    limit = check_first(first, MAX_NESTED_FIRST)
    found = await info.context.timeline.load(Slice(report.id, behind, limit + 1))
    edges = [
        TimelineEdge(
            cursor=cursors.seal_page(query, PageCursor(event.at, event.id)),
            node=event_of(event),
        )
        for event in found[:limit]
    ]
    pages = page_info([e.cursor for e in edges], more=len(found) > limit, after=after)
    return TimelineConnection(edges=edges, page_info=pages)
