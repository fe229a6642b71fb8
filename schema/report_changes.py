"""Changing reports. Each mutation answers with the event it made, or with a named problem."""

from typing import Annotated

import strawberry

from geo.usecases import change_status as status_usecase
from geo.usecases import change_visibility as visibility_usecase
from geo.usecases import confirm_report as confirm_usecase
from schema import problems as p
from schema.context import Info
from schema.enums import ReportStatus, Verdict, Visibility
from schema.events import ReportConfirmed, StatusChanged, VisibilityChanged
from schema.inputs import INPUT, KEY, MASK, REPORT_ID
from schema.nodes import read_uuid


@strawberry.input(description="What somebody on the spot saw.")
class ConfirmReportInput:
    report_id: strawberry.ID = strawberry.field(description=REPORT_ID)
    verdict: Verdict = strawberry.field(description="Still there, or gone. A person's last word counts.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A step of a report.")
class ChangeStatusInput:
    report_id: strawberry.ID = strawberry.field(description=REPORT_ID)
    to: ReportStatus = strawberry.field(description="One of the report's `allowedTransitions`.")
    remark: str | None = strawberry.field(default=None, description="Why, for everybody who sees the report.")
    mask_personal_data: bool = strawberry.field(default=False, description=MASK)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="Who may know of a report from now on.")
class ChangeVisibilityInput:
    report_id: strawberry.ID = strawberry.field(description=REPORT_ID)
    to: Visibility = strawberry.field(description="A level that the caller can see itself.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


ConfirmReportResult = Annotated[
    ReportConfirmed | p.InvalidId | p.UnknownReport | p.NotPermitted | p.InvalidIdempotencyKey | p.IdempotencyKeyReused,
    strawberry.union("ConfirmReportResult", description="The confirmation was noted, or what was wrong."),
]
ChangeStatusResult = Annotated[
    StatusChanged
    | p.TransitionNotAllowed
    | p.InvalidText
    | p.PersonalDataFound
    | p.InvalidId
    | p.UnknownReport
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("ChangeStatusResult", description="The status was changed, or what was wrong."),
]
ChangeVisibilityResult = Annotated[
    VisibilityChanged
    | p.InvalidId
    | p.UnknownReport
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("ChangeVisibilityResult", description="The visibility was changed, or what was wrong."),
]


async def confirm_report(info: Info, input: Annotated[ConfirmReportInput, INPUT]) -> ConfirmReportResult:
    """Say of a report that it is still there, or gone."""
    report_id = read_uuid(input.report_id, "Report", ("input", "reportId"))
    c = info.context
    return ReportConfirmed.of(
        await confirm_usecase.confirm_report(c.db, c.viewer, report_id, input.verdict, input.idempotency_key)
    )


async def change_status(info: Info, input: Annotated[ChangeStatusInput, INPUT]) -> ChangeStatusResult:
    """Take a report a step further; for the authorities of its territory."""
    report_id = read_uuid(input.report_id, "Report", ("input", "reportId"))
    change = status_usecase.StatusChange(report_id, input.to, input.remark, input.mask_personal_data)
    c = info.context
    return StatusChanged.of(
        await status_usecase.change_status(
            c.db, c.services.categories, c.services.statuses, c.viewer, change, input.idempotency_key
        )
    )


async def change_visibility(info: Info, input: Annotated[ChangeVisibilityInput, INPUT]) -> ChangeVisibilityResult:
    """Open a report to more eyes, or to fewer; for the authorities of its territory."""
    report_id = read_uuid(input.report_id, "Report", ("input", "reportId"))
    c = info.context
    return VisibilityChanged.of(
        await visibility_usecase.change_visibility(c.db, c.viewer, report_id, input.to, input.idempotency_key)
    )
