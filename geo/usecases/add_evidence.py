"""Add evidence to a report: a remark, a photo, a correction or a measurement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from geo import events, evidence, idempotency, involvement, privacy, reports, uploads
from geo.categories import Categories
from geo.db import Database
from geo.errors import InvalidEvidence, InvalidMeasurement
from geo.evidence import Correction, Measurement
from geo.models import Decision, EventKind, Involvement, Outcome
from geo.published import publishable
from geo.usecases.correct_report import Step, correct, may_correct, steps
from geo.viewer import Viewer
from geo.visibility import sees

MAX_QUANTITY, MAX_UNIT = 60, 20


@dataclass(frozen=True, slots=True)
class EvidenceDraft:
    """What is to be added. Personal data in the remark are masked for the public, or refused."""

    report_id: UUID
    remark: str | None
    upload_id: UUID | None
    correction: Correction | None = None
    measurement: Measurement | None = None
    mask_personal_data: bool = False


async def add_evidence(
    db: Database, categories: Categories, viewer: Viewer, draft: EvidenceDraft, idempotency_key: str | None
) -> Outcome:
    """The event of the new evidence, or the first answer to the same key.

    A correction by the reporter or by an authority of the territory is applied at once; another's waits for them.

    Raises `InvalidEvidence`, `InvalidText`, `PersonalDataFound`, `InvalidCorrection`, `OutsideKnownArea`,
    `UnknownCategory`, `InvalidMeasurement`, `UnknownReport`, `UnknownUpload`, `UploadNotReady`, `NotPermitted`, and the
    problems of idempotency keys.
    """
    party = viewer.known_party()
    measurement = _check_kind(draft)
    remark: str | None = None
    original: str | None = None
    if draft.remark is not None:
        remark, original = publishable(draft.remark, ("input", "remark"), mask=draft.mask_personal_data)
    once = idempotency.Once(viewer, idempotency_key, "addEvidence", draft)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before = await reports.lock(conn, viewer, draft.report_id, ("input", "reportId"))
        if draft.upload_id is not None:
            await uploads.claim(conn, party, draft.upload_id, ("input", "uploadId"))
        decision: Decision | None = None
        to_do: Sequence[Step] = ()
        if draft.correction is not None:
            to_do = await steps(conn, categories, before, draft.correction, ("input", "correction"))
            decision = Decision.ACCEPTED if await may_correct(conn, viewer, before) else Decision.PENDING
        piece = await evidence.add(
            conn,
            before.id,
            remark=remark,
            original=original,
            upload_id=draft.upload_id,
            party=party,
            added_by=viewer.actor,
            correction=draft.correction,
            decision=decision,
            measurement=measurement,
        )
        await involvement.involve(conn, before.id, party, Involvement.CONTRIBUTOR)
        after = await reports.change(conn, before)
        detail = {"evidence": str(piece.id), "kind": piece.kind}
        event = await events.append(
            conn, EventKind.EVIDENCE_ADDED, viewer.actor, before, after, detail, party=viewer.party
        )
        if decision is Decision.ACCEPTED:
            after, _ = await correct(conn, viewer, after, to_do)
        await once.done(conn, event.id)
        return Outcome(event, after if sees(viewer, after.visibility, after.place.codes, {party}) else None)


def _check_kind(draft: EvidenceDraft) -> Measurement | None:
    """The measurement in it, if that is what it is; raises `InvalidEvidence`, `InvalidMeasurement`."""
    if all(part is None for part in (draft.remark, draft.upload_id, draft.correction, draft.measurement)):
        raise InvalidEvidence(
            path=("input",), hint="Give a `remark`, an `uploadId`, a `correction` or a `measurement`."
        )
    if draft.measurement is None:
        return None
    if draft.correction is not None:
        raise InvalidEvidence(
            "A correction and a measurement are two pieces of evidence.",
            path=("input", "measurement"),
            hint="Send each with an addEvidence of its own.",
        )
    if not math.isfinite(draft.measurement.value):
        raise InvalidMeasurement(path=("input", "measurement", "value"), hint="A number.")
    return replace(
        draft.measurement,
        quantity=_check_word(draft.measurement.quantity, "quantity", MAX_QUANTITY, "Such as: sound level."),
        unit=_check_word(draft.measurement.unit, "unit", MAX_UNIT, "Such as: dB(A)."),
    )


def _check_word(word: str, name: str, most: int, example: str) -> str:
    clean = word.strip()
    if not clean or len(clean) > most or not clean.isprintable() or privacy.find(clean):
        raise InvalidMeasurement(
            f"This is no {name}.",
            path=("input", "measurement", name),
            hint=f"A word or two, at most {most} characters. {example}",
        )
    return clean
