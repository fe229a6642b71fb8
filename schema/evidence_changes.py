"""Adding evidence, and deciding on corrections. Each mutation answers with an event, or with a named problem."""

from typing import Annotated

import strawberry

from geo.evidence import Correction, Measurement
from geo.usecases import add_evidence as add_usecase
from geo.usecases import decide_correction as decide_usecase
from schema import problems as p
from schema.context import Info
from schema.events import TYPES, EvidenceAdded, ReportMoved
from schema.inputs import INPUT, KEY, MASK, REPORT_ID
from schema.nodes import read_uuid
from schema.points import PointInput
from schema.process_events import CategoryChanged, CorrectionDeclined


@strawberry.input(
    description="What the report should say: another place, another category, or both. From the reporter or an "
    "authority of the territory it is applied at once; from anybody else it waits for them, see `decideCorrection`.",
)
class CorrectionInput:
    location: PointInput | None = strawberry.field(default=None, description="Where it is.")
    category: str | None = strawberry.field(
        default=None,
        description="The slug of a category. It never opens the report to more eyes; to fewer it may. Example: `glas`.",
    )

    def read(self) -> Correction:
        path = ("input", "correction", "location")
        return Correction(None if self.location is None else self.location.checked(path), self.category)


@strawberry.input(description='A measurement. Example: `{quantity: "sound level", value: 71, unit: "dB(A)"}`.')
class MeasurementInput:
    quantity: str = strawberry.field(description="What was measured, at most 60 characters.")
    value: float = strawberry.field(description="How much.")
    unit: str = strawberry.field(description="Of what, at most 20 characters.")

    def read(self) -> Measurement:
        return Measurement(self.quantity, self.value, self.unit)


@strawberry.input(
    description="A remark, a photo, a correction or a measurement. A remark and a photo may come with any of them; a "
    "correction and a measurement are sent apart."
)
class AddEvidenceInput:
    report_id: strawberry.ID = strawberry.field(description=REPORT_ID)
    remark: str | None = strawberry.field(default=None, description="At most 4000 characters of plain text.")
    mask_personal_data: bool = strawberry.field(default=False, description=MASK)
    upload_id: strawberry.ID | None = strawberry.field(
        default=None, description="The `uploadId` of `createUpload`, after the photo was PUT to its URL."
    )
    correction: CorrectionInput | None = strawberry.field(default=None, description="What should be otherwise.")
    measurement: MeasurementInput | None = strawberry.field(default=None, description="What was measured.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.input(description="What becomes of a correction that somebody proposed.")
class DecideCorrectionInput:
    evidence_id: strawberry.ID = strawberry.field(description="The id of the evidence, whose `decision` is PENDING.")
    accept: bool = strawberry.field(description="Whether the report is to change so.")
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


AddEvidenceResult = Annotated[
    EvidenceAdded
    | p.InvalidEvidence
    | p.InvalidText
    | p.PersonalDataFound
    | p.InvalidCorrection
    | p.InvalidLocation
    | p.OutsideKnownArea
    | p.UnknownCategory
    | p.InvalidMeasurement
    | p.InvalidId
    | p.UnknownReport
    | p.UnknownUpload
    | p.UploadNotReady
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("AddEvidenceResult", description="The evidence was added, or what was wrong."),
]
DecideCorrectionResult = Annotated[
    ReportMoved
    | CategoryChanged
    | CorrectionDeclined
    | p.InvalidCorrection
    | p.OutsideKnownArea
    | p.UnknownCategory
    | p.InvalidId
    | p.UnknownEvidence
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union(
        "DecideCorrectionResult",
        description="The report was changed or the correction declined, or what was wrong. Where place and category "
        "both changed, it is the event of the category, which comes last.",
    ),
]


async def add_evidence(info: Info, input: Annotated[AddEvidenceInput, INPUT]) -> AddEvidenceResult:
    """Add a remark, a photo, a correction or a measurement to a report."""
    draft = add_usecase.EvidenceDraft(
        read_uuid(input.report_id, "Report", ("input", "reportId")),
        input.remark,
        None if input.upload_id is None else read_uuid(input.upload_id, "Upload", ("input", "uploadId")),
        correction=None if input.correction is None else input.correction.read(),
        measurement=None if input.measurement is None else input.measurement.read(),
        mask_personal_data=input.mask_personal_data,
    )
    c = info.context
    return EvidenceAdded.of(
        await add_usecase.add_evidence(c.db, c.services.categories, c.viewer, draft, input.idempotency_key)
    )


async def decide_correction(info: Info, input: Annotated[DecideCorrectionInput, INPUT]) -> DecideCorrectionResult:
    """Apply or decline a correction that somebody proposed; for the reporter and the authorities of the territory."""
    evidence_id = read_uuid(input.evidence_id, "Evidence", ("input", "evidenceId"))
    c = info.context
    outcome = await decide_usecase.decide_correction(
        c.db, c.services.categories, c.viewer, evidence_id, input.idempotency_key, accept=input.accept
    )
    return TYPES[outcome.event.kind].of(outcome)  # type: ignore[return-value]
