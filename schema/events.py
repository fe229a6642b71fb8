"""What happened to a report: the same types as answers of mutations, in timelines, and live."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry

from geo.cursor import FeedCursor
from geo.models import Event, EventKind, Outcome
from geo.models import Report as Record
from schema.context import Info
from schema.enums import ActorKind, ReportStatus, Verdict, Visibility
from schema.evidence import Evidence
from schema.nodes import make_id
from schema.reports import Report
from schema.scalars import Cursor


@strawberry.interface(description="One change of one report.")
class ReportEvent:
    event: strawberry.Private[Event]
    known: strawberry.Private[Record | None] = None

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        return cls(event=outcome.event, known=outcome.report)

    @strawberry.field(
        description="Resume `reportEvents` behind this event by passing it as `after`. In the answer of a mutation it "
        "is a place just before the event, which then comes once more."
    )
    def cursor(self, info: Info) -> Cursor:
        now = info.context.services.feed.now
        position = now.position if self.event.position is None else self.event.position
        return Cursor(info.context.services.cursors.seal_feed(FeedCursor(now.epoch, position)))

    @strawberry.field(description="When it happened.")
    def at(self) -> datetime:
        return self.event.at

    @strawberry.field(description="Who did it, without telling which person.")
    def actor(self) -> ActorKind:
        return self.event.actor

    @strawberry.field(description="The id of the report.")
    def report_id(self) -> strawberry.ID:
        return make_id("Report", self.event.report_id)

    @strawberry.field(description="The version of the report that this change made: apply it only to a lower one.")
    def version(self) -> int:
        return self.event.version

    @strawberry.field(
        description="The report as it is on delivery, which may be newer than this event, never older; null when the "
        "caller may not see it."
    )
    async def report(self, info: Info) -> Report | None:
        record = self.known or await info.context.reports.load(self.event.report_id)
        return None if record is None else Report(record=record)


@strawberry.type(description="A report was submitted.")
class ReportSubmitted(ReportEvent):
    pass


@strawberry.type(description="A remark or a photo was added.")
class EvidenceAdded(ReportEvent):
    @strawberry.field(description="What was added.")
    async def evidence(self, info: Info) -> Evidence | None:
        record = await info.context.evidence_by_id.load(UUID(self.event.detail["evidence"]))
        return None if record is None else Evidence(record=record)


@strawberry.type(description="Somebody on the spot said that it is still there, or gone.")
class ReportConfirmed(ReportEvent):
    @strawberry.field(description="Which of the two.")
    def verdict(self) -> Verdict:
        return Verdict(self.event.detail["verdict"])


@strawberry.type(description="The status was changed.")
class StatusChanged(ReportEvent):
    @strawberry.field(name="from", description="The status before.")
    def from_status(self) -> ReportStatus:
        return ReportStatus(self.event.detail["from"])

    @strawberry.field(description="The status after.")
    def to(self) -> ReportStatus:
        return ReportStatus(self.event.detail["to"])

    @strawberry.field(description="What the authority wrote with it, for everybody who sees the report.")
    def remark(self) -> str | None:
        remark: str | None = self.event.detail["remark"]
        return remark


@strawberry.type(description="The report was opened to more eyes, or to fewer.")
class VisibilityChanged(ReportEvent):
    @strawberry.field(description="Who may know of it now.")
    def to(self) -> Visibility:
        return Visibility(self.event.detail["to"])


@strawberry.type(description="The report lies in other areas now: it was moved, or the map was replaced.")
class ReportMoved(ReportEvent):
    pass


@strawberry.type(description="A change brought the report into the area or the filter, or within the caller's rights.")
class ReportEntered(ReportEvent):
    pass


@strawberry.type(
    description="A change took the report out of the area or the filter, or beyond the caller's rights; which of these "
    "is not told. Forget the report. `report` is null and `actor` is SYSTEM."
)
class ReportLeft(ReportEvent):
    @strawberry.field(description="Always SYSTEM.")
    def actor(self) -> ActorKind:
        return ActorKind.SYSTEM

    @strawberry.field(description="Always null.")
    def report(self) -> Report | None:
        return None


@strawberry.type(
    description="Events were missed that can't be told any more. Read the state again, and go on from `cursor`."
)
class Resync:
    reason: str = strawberry.field(description="Why. Example: `The feed started over.`")
    cursor: Cursor = strawberry.field(description="Where the events go on that follow now.")


ReportEventOrResync = Annotated[
    ReportSubmitted
    | EvidenceAdded
    | ReportConfirmed
    | StatusChanged
    | VisibilityChanged
    | ReportMoved
    | ReportEntered
    | ReportLeft
    | Resync,
    strawberry.union("ReportEventOrResync", description="What a subscription to reports tells."),
]

TYPES: dict[EventKind, type[ReportEvent]] = {
    EventKind.REPORT_SUBMITTED: ReportSubmitted,
    EventKind.EVIDENCE_ADDED: EvidenceAdded,
    EventKind.REPORT_CONFIRMED: ReportConfirmed,
    EventKind.STATUS_CHANGED: StatusChanged,
    EventKind.VISIBILITY_CHANGED: VisibilityChanged,
    EventKind.REPORT_MOVED: ReportMoved,
}


def event_of(event: Event) -> ReportEvent:
    return TYPES[event.kind](event=event)
