"""What happened to a report: the same types as answers of mutations, in timelines, and live."""

from typing import Annotated

import strawberry

from geo.models import Event, EventKind
from schema import process_events as e
from schema.advice import EmergencyAdvice, emergency_advice
from schema.alike import FROM_DATABASE, FROM_MEMORY
from schema.categories import Category, category
from schema.context import Info
from schema.enums import ActorKind, ReportStatus, Urgency, Verdict, Visibility
from schema.evidence import Evidence
from schema.following import Resync
from schema.report_event import ReportEvent
from schema.reports import Report


@strawberry.type(description="A report was submitted.")
class ReportSubmitted(ReportEvent):
    @strawberry.field(description="What to do first where life or limb is in danger; null otherwise.")
    def emergency_advice(self) -> EmergencyAdvice | None:
        return emergency_advice() if self.event.after.urgency is Urgency.EMERGENCY else None

    @strawberry.field(
        description="What it is about, with guidance where residents can do it themselves.", metadata=FROM_MEMORY
    )
    async def category(self, info: Info) -> Category | None:
        return await category(info, self.event.after.category) if await self.report(info) else None


@strawberry.type(description="A remark or a photo was added.")
class EvidenceAdded(ReportEvent):
    @strawberry.field(description="What was added.", metadata=FROM_DATABASE)
    async def evidence(self, info: Info) -> Evidence | None:
        return await self.piece(info, self.event.detail["evidence"])


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


@strawberry.type(description="The report lies elsewhere now, or in other areas since the map was replaced.")
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


ReportEventOrResync = Annotated[
    ReportSubmitted
    | EvidenceAdded
    | ReportConfirmed
    | StatusChanged
    | VisibilityChanged
    | ReportMoved
    | e.CategoryChanged
    | e.CorrectionDeclined
    | e.TextChanged
    | e.ContentHidden
    | e.ContentShown
    | e.Erased
    | e.ReportAdopted
    | e.AdoptionEnded
    | e.AdoptionCompleted
    | e.AdopterThanked
    | e.ResolutionRated
    | e.ReportEscalated
    | e.ReportClosed
    | e.ReportMerged
    | e.DuplicateJoined
    | e.MergeUndone
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
    EventKind.CATEGORY_CHANGED: e.CategoryChanged,
    EventKind.CORRECTION_DECLINED: e.CorrectionDeclined,
    EventKind.TEXT_CHANGED: e.TextChanged,
    EventKind.CONTENT_HIDDEN: e.ContentHidden,
    EventKind.CONTENT_SHOWN: e.ContentShown,
    EventKind.ERASED: e.Erased,
    EventKind.REPORT_ADOPTED: e.ReportAdopted,
    EventKind.ADOPTION_ENDED: e.AdoptionEnded,
    EventKind.ADOPTION_COMPLETED: e.AdoptionCompleted,
    EventKind.ADOPTER_THANKED: e.AdopterThanked,
    EventKind.RESOLUTION_RATED: e.ResolutionRated,
    EventKind.REPORT_ESCALATED: e.ReportEscalated,
    EventKind.REPORT_CLOSED: e.ReportClosed,
    EventKind.REPORT_MERGED: e.ReportMerged,
    EventKind.DUPLICATE_JOINED: e.DuplicateJoined,
    EventKind.MERGE_UNDONE: e.MergeUndone,
}


def event_of(event: Event) -> ReportEvent:
    return TYPES[event.kind](event=event)
