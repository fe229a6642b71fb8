"""Adoption: residents who do it themselves."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from geo.usecases import adopt_report as adopt
from geo.usecases import complete_adoption as complete
from geo.usecases import release_report as release
from geo.usecases import thank_adopter as thank
from schema import problems as p
from schema.context import Info
from schema.inputs import INPUT, KEY, MASK, REPORT_ID
from schema.nodes import read_uuid
from schema.process_events import AdopterThanked, AdoptionCompleted, AdoptionEnded, ReportAdopted


@strawberry.input(description="A report to take on.")
class AdoptReportInput:
    report_id: strawberry.ID = strawberry.field(description=REPORT_ID)
    until: datetime = strawberry.field(
        description='By when you will have done it, at most 14 days from now. Example: `"2026-11-28T18:00:00+01:00"`.'
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="An adopted report to give back.")
class ReleaseReportInput:
    report_id: strawberry.ID = strawberry.field(description=REPORT_ID)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="An adopted report that is done.")
class CompleteAdoptionInput:
    report_id: strawberry.ID = strawberry.field(description=REPORT_ID)
    upload_id: strawberry.ID = strawberry.field(
        description="A photo that shows it: the `uploadId` of `createUpload`, after it was PUT to its URL."
    )
    remark: str | None = strawberry.field(default=None, description="At most 4000 characters of plain text.")
    mask_personal_data: bool = strawberry.field(default=False, description=MASK)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="A report whose adopter is to be thanked.")
class ThankAdopterInput:
    report_id: strawberry.ID = strawberry.field(description=REPORT_ID)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


AdoptReportResult = Annotated[
    ReportAdopted
    | p.NotAdoptable
    | p.InvalidPeriod
    | p.TransitionNotAllowed
    | p.InvalidId
    | p.UnknownReport
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("AdoptReportResult", description="The report was adopted, or what was wrong."),
]
ReleaseReportResult = Annotated[
    AdoptionEnded
    | p.NotAdopted
    | p.TransitionNotAllowed
    | p.InvalidId
    | p.UnknownReport
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("ReleaseReportResult", description="The report was given back, or what was wrong."),
]
CompleteAdoptionResult = Annotated[
    AdoptionCompleted
    | p.NotAdopted
    | p.TransitionNotAllowed
    | p.UnknownUpload
    | p.UploadNotReady
    | p.PersonalDataFound
    | p.InvalidText
    | p.InvalidId
    | p.UnknownReport
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("CompleteAdoptionResult", description="The report is done, or what was wrong."),
]
ThankAdopterResult = Annotated[
    AdopterThanked
    | p.NotAdopted
    | p.InvalidId
    | p.UnknownReport
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("ThankAdopterResult", description="The adopter was thanked, or what was wrong."),
]


async def adopt_report(info: Info, input: Annotated[AdoptReportInput, INPUT]) -> AdoptReportResult:
    """Take a report on oneself; for residents, where its category has guidance. Nobody else is sent meanwhile."""
    c, report_id = info.context, _report_id(input.report_id)
    made = adopt.adopt_report(
        c.db, c.services.categories, c.services.statuses, c.viewer, report_id, input.until, input.idempotency_key
    )
    return ReportAdopted.of(await made)


async def release_report(info: Info, input: Annotated[ReleaseReportInput, INPUT]) -> ReleaseReportResult:
    """Give a report back that one took on."""
    c, report_id = info.context, _report_id(input.report_id)
    made = release.release_report(c.db, c.services.statuses, c.viewer, report_id, input.idempotency_key)
    return AdoptionEnded.of(await made)


async def complete_adoption(info: Info, input: Annotated[CompleteAdoptionInput, INPUT]) -> CompleteAdoptionResult:
    """Say that a report is done that one took on; neighbours confirm it, or say that it is still there."""
    c, report_id = info.context, _report_id(input.report_id)
    upload_id = read_uuid(input.upload_id, "Upload", ("input", "uploadId"))
    completion = complete.Completion(report_id, upload_id, input.remark, input.mask_personal_data)
    made = complete.complete_adoption(
        c.db, c.services.categories, c.services.statuses, c.viewer, completion, input.idempotency_key
    )
    return AdoptionCompleted.of(await made)


async def thank_adopter(info: Info, input: Annotated[ThankAdopterInput, INPUT]) -> ThankAdopterResult:
    """Thank whoever took a report on, once."""
    c, report_id = info.context, _report_id(input.report_id)
    return AdopterThanked.of(await thank.thank_adopter(c.db, c.viewer, report_id, input.idempotency_key))


def _report_id(given: strawberry.ID) -> UUID:
    return read_uuid(given, "Report", ("input", "reportId"))
