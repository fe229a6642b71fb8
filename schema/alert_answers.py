"""What a publisher hears back of an alert, and nobody else."""

from datetime import datetime

import strawberry
from strawberry.relay import PageInfo

from geo.alert_answers import AlertAnswer as Record
from geo.cursor import PageCursor
from geo.models import Alert
from schema.context import Info, Slice
from schema.evidence import Photo
from schema.pages import check_first, page_info
from schema.points import Point
from schema.reports import MAX_NESTED_FIRST


@strawberry.type(description="What somebody saw. Who it was is not told.")
class AlertAnswer:
    record: strawberry.Private[Record]

    @strawberry.field(description="What was written. Plain text; escape it where you show it.")
    def text(self) -> str:
        return self.record.text

    @strawberry.field(description="Where it was seen; null where nothing was said of it.")
    def location(self) -> Point | None:
        at = self.record.location
        return None if at is None else Point(lon=at.lon, lat=at.lat)

    @strawberry.field(description="The photo that came with it.")
    def photo(self) -> Photo | None:
        return None if self.record.upload_id is None else Photo(upload_id=self.record.upload_id)

    @strawberry.field(description="When it was sent.")
    def at(self) -> datetime:
        return self.record.at


@strawberry.type(description="An answer in a list.")
class AlertAnswerEdge:
    cursor: str = strawberry.field(description="Its place in this list.")
    node: AlertAnswer = strawberry.field(description="The answer.")


@strawberry.type(description="A page of answers, oldest first.")
class AlertAnswerConnection:
    edges: list[AlertAnswerEdge] = strawberry.field(description="The answers with their cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and the cursors to get it.")

    @strawberry.field(description="The answers without their cursors.")
    def nodes(self) -> list[AlertAnswer]:
        return [edge.node for edge in self.edges]


@strawberry.type(description="How many an alert has reached.")
class AlertDeliveries:
    watchers: int = strawberry.field(
        description="Subscriptions that were sent it live, some seconds behind. One that comes back counts again."
    )
    notified: int = strawberry.field(description="People that were notified of it.")
    mailed: int = strawberry.field(description="How many of them were sent a mail.")
    answers: int = strawberry.field(description="The answers to it.")


async def answers_to(info: Info, alert: Alert, first: int, after: str | None) -> AlertAnswerConnection:
    cursors = info.context.services.cursors
    query = f"answers {alert.id}"
    behind = None if after is None else cursors.open_page(query, after)
    limit = check_first(first, MAX_NESTED_FIRST)
    found = await info.context.alert_answers.load(Slice(alert.id, behind, limit + 1))
    edges = [
        AlertAnswerEdge(
            cursor=cursors.seal_page(query, PageCursor(record.at, record.id)), node=AlertAnswer(record=record)
        )
        for record in found[:limit]
    ]
    pages = page_info([e.cursor for e in edges], more=len(found) > limit, after=after)
    return AlertAnswerConnection(edges=edges, page_info=pages)
