"""Events of what people do to a report beyond its first day: correct, hide, adopt, judge, merge."""

from datetime import datetime
from uuid import UUID

import strawberry

from schema.alike import FROM_DATABASE, FROM_MEMORY
from schema.categories import Category, category
from schema.context import Info
from schema.enums import ActorKind, AdoptionEnding, HiddenReason
from schema.evidence import Evidence
from schema.nodes import make_id
from schema.report_event import ReportEvent
from schema.reports import Report, report_of


@strawberry.type(description="The report has another category now.")
class CategoryChanged(ReportEvent):
    @strawberry.field(name="from", description="The category before.", metadata=FROM_MEMORY)
    async def from_category(self, info: Info) -> Category:
        return await category(info, self.event.detail["from"])

    @strawberry.field(description="The category after.", metadata=FROM_MEMORY)
    async def to(self, info: Info) -> Category:
        return await category(info, self.event.detail["to"])


@strawberry.type(description="A proposed correction was declined; the report stays as it is.")
class CorrectionDeclined(ReportEvent):
    @strawberry.field(description="The correction.", metadata=FROM_DATABASE)
    async def evidence(self, info: Info) -> Evidence | None:
        return await self.piece(info, self.event.detail["evidence"])


@strawberry.interface(description="The description of the report, or a piece of evidence, reads otherwise.")
class ContentEvent(ReportEvent):
    @strawberry.field(
        description="The piece of evidence; null where it is the description of the report.", metadata=FROM_DATABASE
    )
    async def evidence(self, info: Info) -> Evidence | None:
        return await self.piece(info, self.event.detail["evidence"])


@strawberry.type(description="It was changed where it was written.")
class TextChanged(ContentEvent):
    pass


@strawberry.type(description="A moderator hid the text of the report, or a piece of evidence.")
class ContentHidden(ContentEvent):
    @strawberry.field(description="Why.")
    def reason(self) -> HiddenReason:
        return HiddenReason(self.event.detail["reason"])


@strawberry.type(description="What a moderator hid is shown again.")
class ContentShown(ContentEvent):
    pass


@strawberry.type(
    description="Somebody had their words and themselves erased from the report. Forget every text and photo of it "
    "that you kept, and read it again."
)
class Erased(ReportEvent):
    @strawberry.field(description="Always SYSTEM.")
    def actor(self) -> ActorKind:
        return ActorKind.SYSTEM


@strawberry.type(description="A resident has taken the report on.")
class ReportAdopted(ReportEvent):
    @strawberry.field(description="Until when; then it goes the usual way.")
    def until(self) -> datetime:
        return datetime.fromisoformat(self.event.detail["until"])


@strawberry.type(description="The adoption ended without a solution; the report goes the usual way.")
class AdoptionEnded(ReportEvent):
    @strawberry.field(description="How it ended.")
    def ending(self) -> AdoptionEnding:
        return AdoptionEnding(self.event.detail["ending"])


@strawberry.type(description="The adopter solved it.")
class AdoptionCompleted(ReportEvent):
    @strawberry.field(description="The photo that shows it.", metadata=FROM_DATABASE)
    async def evidence(self, info: Info) -> Evidence | None:
        return await self.piece(info, self.event.detail["evidence"])


@strawberry.type(description="Somebody thanked the adopter.")
class AdopterThanked(ReportEvent):
    pass


@strawberry.type(description="One of the involved judged the resolution.")
class ResolutionRated(ReportEvent):
    @strawberry.field(
        description="Whether it is really solved. If not, the report was opened again, unless a mere follower said so."
    )
    def solved(self) -> bool:
        return bool(self.event.detail["solved"])

    @strawberry.field(description="1 to 5, or null.")
    def score(self) -> int | None:
        score: int | None = self.event.detail["score"]
        return score


@strawberry.type(description="The time to resolve it has passed.")
class ReportEscalated(ReportEvent):
    pass


@strawberry.type(description="The time for feedback has passed; the resolution stands.")
class ReportClosed(ReportEvent):
    pass


@strawberry.type(
    description="It is the same situation as another report, which goes on for both: show that one, and forget this."
)
class ReportMerged(ReportEvent):
    @strawberry.field(description="The id of the report that goes on.")
    def into_id(self) -> strawberry.ID:
        return make_id("Report", self.event.detail["into"])

    @strawberry.field(description="The report that goes on; null where the caller may not see it.")
    async def into(self, info: Info) -> Report | None:
        return report_of(await info.context.reports.load(UUID(self.event.detail["into"])))


@strawberry.type(
    description="Another report turned out to be about this situation: its evidence and people are here now."
)
class DuplicateJoined(ReportEvent):
    @strawberry.field(description="The id of the other report.")
    def duplicate_id(self) -> strawberry.ID:
        return make_id("Report", self.event.detail["duplicate"])


@strawberry.type(description="A merge was undone: this report and the other are two again.")
class MergeUndone(ReportEvent):
    @strawberry.field(description="The id of the other report.")
    def other_id(self) -> strawberry.ID:
        return make_id("Report", self.event.detail["other"])
