"""Joining duplicates. Each mutation answers with the event it made, or with a named problem."""

from typing import Annotated

import strawberry

from geo.usecases import merge_reports as merge_usecase
from geo.usecases import undo_merge as undo_usecase
from schema import problems as p
from schema.context import Info
from schema.inputs import INPUT, KEY
from schema.nodes import read_uuid
from schema.process_events import MergeUndone, ReportMerged


@strawberry.input(description="Two reports about the same situation.")
class MergeReportsInput:
    duplicate_id: strawberry.ID = strawberry.field(description="The id of the report that ends in the other.")
    into_id: strawberry.ID = strawberry.field(description="The id of the report that goes on for both.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A merge that was a mistake.")
class UndoMergeInput:
    report_id: strawberry.ID = strawberry.field(description="The id of the report that was merged into another.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


MergeReportsResult = Annotated[
    ReportMerged
    | p.InvalidId
    | p.UnknownReport
    | p.MergeNotPossible
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("MergeReportsResult", description="The reports were merged, or what was wrong."),
]
UndoMergeResult = Annotated[
    MergeUndone
    | p.InvalidId
    | p.UnknownReport
    | p.NotMerged
    | p.MergeNotPossible
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("UndoMergeResult", description="They are two reports again, or what was wrong."),
]


async def merge_reports(info: Info, input: Annotated[MergeReportsInput, INPUT]) -> MergeReportsResult:
    """Join a duplicate to another report, which takes over its evidence, confirmations and people; its id and number
    lead there from now on. For the authorities of both."""
    duplicate = read_uuid(input.duplicate_id, "Report", ("input", "duplicateId"))
    into = read_uuid(input.into_id, "Report", ("input", "intoId"))
    c = info.context
    return ReportMerged.of(await merge_usecase.merge_reports(c.db, c.viewer, duplicate, into, input.idempotency_key))


async def undo_merge(info: Info, input: Annotated[UndoMergeInput, INPUT]) -> UndoMergeResult:
    """Make two reports again of what was merged within the last day; for the authorities of both. What came to the
    other report since then stays there."""
    report_id = read_uuid(input.report_id, "Report", ("input", "reportId"))
    c = info.context
    return MergeUndone.of(await undo_usecase.undo_merge(c.db, c.viewer, report_id, input.idempotency_key))
