"""Judging a resolution."""

from typing import Annotated

import strawberry

from geo.usecases import rate_resolution as usecase
from schema import problems as p
from schema.context import Info
from schema.inputs import INPUT, KEY, REPORT_ID
from schema.nodes import read_uuid
from schema.process_events import ResolutionRated


@strawberry.input(description="What one of the involved says of a resolution.")
class RateResolutionInput:
    report_id: strawberry.ID = strawberry.field(description=REPORT_ID)
    solved: bool = strawberry.field(
        description="Whether it is really solved. If not, it is opened again, unless the caller only follows it."
    )
    score: int | None = strawberry.field(default=None, description="1 (bad) to 5 (good).")
    why: str | None = strawberry.field(
        default=None, description="In words, for the authorities only; at most 4000 characters of plain text."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


RateResolutionResult = Annotated[
    ResolutionRated
    | p.NotResolved
    | p.FeedbackClosed
    | p.InvalidScore
    | p.InvalidText
    | p.InvalidId
    | p.UnknownReport
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("RateResolutionResult", description="The judgement was noted, or what was wrong."),
]


async def rate_resolution(info: Info, input: Annotated[RateResolutionInput, INPUT]) -> RateResolutionResult:
    """Say whether a report is really solved; for those involved in it, until its time for feedback has passed."""
    report_id = read_uuid(input.report_id, "Report", ("input", "reportId"))
    judgement = usecase.Judgement(report_id, input.solved, input.score, input.why)
    c = info.context
    made = usecase.rate_resolution(
        c.db, c.services.categories, c.services.statuses, c.viewer, judgement, input.idempotency_key
    )
    return ResolutionRated.of(await made)
