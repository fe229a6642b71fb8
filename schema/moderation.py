"""Hiding what people wrote, and showing it again. Each mutation answers with the event it made, or a named problem."""

from typing import Annotated

import strawberry

from geo.usecases.hide_content import hide_content as hide
from geo.usecases.lock_content import Content
from geo.usecases.show_content import show_content as show
from schema import problems as p
from schema.context import Info
from schema.enums import HiddenReason
from schema.inputs import INPUT, KEY
from schema.nodes import read_uuid
from schema.process_events import ContentHidden, ContentShown

REPORT_ID = "The id of the report whose description it is."
EVIDENCE_ID = "Or the id of the evidence; its photo goes with it."


@strawberry.input(description="What is to be hidden: the description of a report, or a piece of evidence.")
class HideContentInput:
    report_id: strawberry.ID | None = strawberry.field(default=None, description=REPORT_ID)
    evidence_id: strawberry.ID | None = strawberry.field(default=None, description=EVIDENCE_ID)
    reason: HiddenReason = strawberry.field(
        description="Why, for everybody to read; not ERASED, which is the writer's."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="What is to be shown again: the description of a report, or a piece of evidence.")
class ShowContentInput:
    report_id: strawberry.ID | None = strawberry.field(default=None, description=REPORT_ID)
    evidence_id: strawberry.ID | None = strawberry.field(default=None, description=EVIDENCE_ID)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


HideContentResult = Annotated[
    ContentHidden
    | p.InvalidId
    | p.UnknownReport
    | p.UnknownEvidence
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("HideContentResult", description="It was hidden, or what was wrong."),
]
ShowContentResult = Annotated[
    ContentShown
    | p.InvalidId
    | p.UnknownReport
    | p.UnknownEvidence
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("ShowContentResult", description="It is shown again, or what was wrong."),
]


def _content(input: HideContentInput | ShowContentInput) -> Content:
    return Content(
        None if input.report_id is None else read_uuid(input.report_id, "Report", ("input", "reportId")),
        None if input.evidence_id is None else read_uuid(input.evidence_id, "Evidence", ("input", "evidenceId")),
    )


async def hide_content(info: Info, input: Annotated[HideContentInput, INPUT]) -> HideContentResult:
    """Hide a description or a piece of evidence. For the authorities of the territory, who still read it."""
    c = info.context
    return ContentHidden.of(await hide(c.db, c.viewer, _content(input), input.reason, input.idempotency_key))


async def show_content(info: Info, input: Annotated[ShowContentInput, INPUT]) -> ShowContentResult:
    """Show again what was hidden, with personal data masked; for the authorities of the territory."""
    c = info.context
    return ContentShown.of(await show(c.db, c.viewer, _content(input), input.idempotency_key))
