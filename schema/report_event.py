"""What every event of a report tells."""

from datetime import datetime
from typing import Self
from uuid import UUID

import strawberry

from geo.models import Event, Outcome
from geo.models import Report as Record
from schema.alike import FROM_MEMORY
from schema.context import Info
from schema.enums import ActorKind
from schema.evidence import Evidence
from schema.following import seal
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

    @strawberry.field(description="The id of the report.")
    def report_id(self) -> strawberry.ID:
        return make_id("Report", self.event.report_id)

    @strawberry.field(description="The version of the report that this change made: apply it only to a lower one.")
    def version(self) -> int:
        return self.event.version

    @strawberry.field(
        description="The report as it is on delivery, which may be newer than this event, never older; null when the "
        "caller may not see it.",
        metadata=FROM_MEMORY,
    )
    async def report(self, info: Info) -> Report | None:
        record = self.known or await info.context.reports.load(self.event.report_id)
        return None if record is None else Report(record=record)

    async def piece(self, info: Info, key: str | None) -> Evidence | None:
        """Evidence that the event tells of, where the caller may see its report."""
        if key is None or await self.report(info) is None:
            return None
        record = await info.context.evidence_by_id.load(UUID(key))
        return None if record is None else Evidence(record=record)
