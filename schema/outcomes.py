"""Who has a report in hand, and what the involved say of how it ended."""

from datetime import datetime

import strawberry

from geo.models import Adoption as AdoptionRecord
from geo.models import RatingSummary
from geo.models import Report as Record
from schema.context import Info
from schema.enums import ActorKind, AdoptionEnding


@strawberry.type(description="A resident has taken a report on, or had.")
class Adoption:
    record: strawberry.Private[AdoptionRecord]

    @strawberry.field(description="Since when.")
    def since(self) -> datetime:
        return self.record.since

    @strawberry.field(description="Until when they mean to have it done; then the report goes the usual way.")
    def until(self) -> datetime:
        return self.record.until

    @strawberry.field(description="When it ended; null while it lasts.")
    def ended_at(self) -> datetime | None:
        return self.record.ended_at

    @strawberry.field(description="How it ended; null while it lasts.")
    def ending(self) -> AdoptionEnding | None:
        return self.record.ending

    @strawberry.field(description="How many people thanked them.")
    def thanks(self) -> int:
        return self.record.thanks

    @strawberry.field(description="How many said that it is gone, since the adopter was done.")
    def confirmed(self) -> int:
        return self.record.confirmed

    @strawberry.field(description="How many said that it is still there, since the adopter was done.")
    def disputed(self) -> int:
        return self.record.disputed

    @strawberry.field(description="Whether it is the caller who took it on.")
    def mine(self, info: Info) -> bool:
        return info.context.viewer.party == self.record.party


@strawberry.type(description="How a report was resolved, and what the involved say of it.")
class Resolution:
    record: strawberry.Private[Record]
    said: strawberry.Private[RatingSummary]

    @strawberry.field(description="When.")
    def at(self) -> datetime | None:
        return self.record.resolved_at

    @strawberry.field(description="By whom, without telling which person; RESIDENT where its adopter did it.")
    def by(self) -> ActorKind | None:
        return self.record.resolved_by

    @strawberry.field(description="Until when the involved may judge it with `rateResolution`.")
    def feedback_until(self) -> datetime | None:
        return self.record.feedback_until

    @strawberry.field(description="When it became final; null while it is not.")
    def closed_at(self) -> datetime | None:
        return self.record.closed_at

    @strawberry.field(description="How many judged it.")
    def ratings(self) -> int:
        return self.said.count

    @strawberry.field(description="The part of them who say that it is solved: 0 to 1; null where nobody judged.")
    def solved_share(self) -> float | None:
        return self.said.solved / self.said.count if self.said.count else None

    @strawberry.field(description="The mean of their scores, 1 to 5; null where nobody gave one.")
    def average_score(self) -> float | None:
        return self.said.score

    @strawberry.field(description="Whether the caller says that it is solved; null where the caller did not judge it.")
    def mine(self) -> bool | None:
        return self.said.mine

    @strawberry.field(description="What they wrote; for the authorities of the territory, empty for all others.")
    def comments(self, info: Info) -> list[str]:
        return list(self.said.comments) if info.context.viewer.works_in(self.record.place.codes) else []


async def adoption_of(info: Info, record: Record) -> Adoption | None:
    found = await info.context.adoptions.load(record.id)
    return None if found is None else Adoption(record=found)


async def resolution_of(info: Info, record: Record) -> Resolution | None:
    if record.resolved_at is None:
        return None
    said = await info.context.ratings.load(record.id)
    return None if said is None else Resolution(record=record, said=said)
