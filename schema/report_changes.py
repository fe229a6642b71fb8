"""Changing reports. Each mutation answers with the event it made, or with a named problem."""

from typing import Annotated

import strawberry

from geo.usecases import add_evidence as evidence_usecase
from geo.usecases import change_status as status_usecase
from geo.usecases import change_visibility as visibility_usecase
from geo.usecases import confirm_report as confirm_usecase
from geo.usecases import submit_report as submit_usecase
from schema import problems as p
from schema.context import Info
from schema.enums import ReportStatus, Urgency, Verdict, Visibility
from schema.events import EvidenceAdded, ReportConfirmed, ReportSubmitted, StatusChanged, VisibilityChanged
from schema.nodes import read_uuid
from schema.points import PointInput

KEY = (
    "Any string of 16 to 128 characters that is new for each new request, such as a UUID. Send the same request with "
    "the same key after a failure: it is carried out once, and you get the first answer."
)
REPORT_ID = "The id of the report."
INPUT = strawberry.argument(description="What to do, with a key to do it once.")


@strawberry.input(description="A new report.")
class SubmitReportInput:
    category: str = strawberry.field(description="The slug of a category. Example: `glas`.")
    description: str = strawberry.field(description="What is the matter, at most 4000 characters of plain text.")
    location: PointInput = strawberry.field(description="Where it is.")
    urgency: Urgency | None = strawberry.field(default=None, description="Without it, the category's own.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A remark, a photo, or a photo with a remark.")
class AddEvidenceInput:
    report_id: strawberry.ID = strawberry.field(description=REPORT_ID)
    remark: str | None = strawberry.field(default=None, description="At most 4000 characters of plain text.")
    upload_id: strawberry.ID | None = strawberry.field(
        default=None, description="The `uploadId` of `createUpload`, after the photo was PUT to its URL."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


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
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="Who may know of a report from now on.")
class ChangeVisibilityInput:
    report_id: strawberry.ID = strawberry.field(description=REPORT_ID)
    to: Visibility = strawberry.field(description="A level that the caller can see itself.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


SubmitReportResult = Annotated[
    ReportSubmitted
    | p.InvalidText
    | p.InvalidLocation
    | p.OutsideKnownArea
    | p.UnknownCategory
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("SubmitReportResult", description="The report was submitted, or what was wrong."),
]
AddEvidenceResult = Annotated[
    EvidenceAdded
    | p.InvalidEvidence
    | p.InvalidText
    | p.InvalidId
    | p.UnknownReport
    | p.UnknownUpload
    | p.UploadNotReady
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("AddEvidenceResult", description="The evidence was added, or what was wrong."),
]
ConfirmReportResult = Annotated[
    ReportConfirmed | p.InvalidId | p.UnknownReport | p.NotPermitted | p.InvalidIdempotencyKey | p.IdempotencyKeyReused,
    strawberry.union("ConfirmReportResult", description="The confirmation was noted, or what was wrong."),
]
ChangeStatusResult = Annotated[
    StatusChanged
    | p.TransitionNotAllowed
    | p.InvalidText
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


async def submit_report(info: Info, input: Annotated[SubmitReportInput, INPUT]) -> SubmitReportResult:
    """Report a situation in public space."""
    draft = submit_usecase.Draft(
        input.category, input.description, input.location.lon, input.location.lat, input.urgency
    )
    c = info.context
    return ReportSubmitted.of(
        await submit_usecase.submit_report(c.db, c.services.categories, c.viewer, draft, input.idempotency_key)
    )


async def add_evidence(info: Info, input: Annotated[AddEvidenceInput, INPUT]) -> AddEvidenceResult:
    """Add a remark or a photo to a report."""
    draft = evidence_usecase.EvidenceDraft(
        read_uuid(input.report_id, "Report", ("input", "reportId")),
        input.remark,
        None if input.upload_id is None else read_uuid(input.upload_id, "Upload", ("input", "uploadId")),
    )
    c = info.context
    return EvidenceAdded.of(await evidence_usecase.add_evidence(c.db, c.viewer, draft, input.idempotency_key))


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
    change = status_usecase.StatusChange(report_id, input.to, input.remark)
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
