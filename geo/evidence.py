"""Evidence: remarks, photos, corrections and measurements added to a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, exists, func, insert, literal, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.cursor import PageCursor
from geo.geometry import sql_point
from geo.models import ActorKind, Decision, Evidence, EvidenceKind, HiddenReason, Point
from geo.tables import evidence


@dataclass(frozen=True, slots=True)
class Correction:
    """What a report should say of its place, its category, or both."""

    location: Point | None
    category: str | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """Such as a sound level of 71 dB(A)."""

    quantity: str
    value: float
    unit: str


# What `_to_evidence` reads.
_COLUMNS = [
    *(column for column in evidence.c if column.name != "location"),
    func.ST_X(evidence.c.location).label("lon"),
    func.ST_Y(evidence.c.location).label("lat"),
]


def _to_evidence(row: Row[Any]) -> Evidence:
    return Evidence(
        id=row.id,
        report_id=row.report_id,
        kind=EvidenceKind(row.kind),
        remark=row.remark,
        upload_id=row.upload_id,
        added_at=row.added_at,
        added_by=ActorKind(row.added_by),
        location=None if row.lon is None else Point(row.lon, row.lat),
        category=row.category,
        decision=row.decision and Decision(row.decision),
        quantity=row.quantity,
        value=row.value,
        unit=row.unit,
        original=row.original,
        hidden_reason=row.hidden_reason and HiddenReason(row.hidden_reason),
    )


async def add(
    conn: AsyncConnection,
    report_id: UUID,
    *,
    remark: str | None,
    upload_id: UUID | None,
    party: str,
    added_by: ActorKind,
    original: str | None = None,
    correction: Correction | None = None,
    decision: Decision | None = None,
    measurement: Measurement | None = None,
) -> Evidence:
    """One piece of evidence. With each kind may come a photo and a remark; `decision` is that on the correction."""
    values: dict[str, Any] = {
        "id": uuid7(),
        "report_id": report_id,
        "kind": EvidenceKind.PHOTO if upload_id else EvidenceKind.REMARK,
        "remark": remark,
        "original": original,
        "upload_id": upload_id,
        "party": party,
        "added_by": added_by,
        "added_at": func.clock_timestamp(),
    }
    if correction is not None:
        location = correction.location and sql_point(correction.location)
        values |= {"kind": EvidenceKind.CORRECTION, "decision": decision}
        values |= {"location": location, "category": correction.category}
    if measurement is not None:
        values |= {"kind": EvidenceKind.MEASUREMENT, "quantity": measurement.quantity}
        values |= {"value": measurement.value, "unit": measurement.unit}
    return _to_evidence((await conn.execute(insert(evidence).values(values).returning(*_COLUMNS))).one())


async def change(conn: AsyncConnection, evidence_id: UUID, **changes: Any) -> Evidence:
    """The evidence with other values; lock its report first."""
    statement = update(evidence).where(evidence.c.id == evidence_id).values(**changes).returning(*_COLUMNS)
    return _to_evidence((await conn.execute(statement)).one())


async def hides(conn: AsyncConnection, upload_id: UUID) -> bool:
    """Whether the photo of an upload is part of evidence that is hidden."""
    hidden = exists().where(evidence.c.upload_id == upload_id, evidence.c.hidden_reason.is_not(None))
    return bool(await conn.scalar(select(hidden)))


async def by_id(conn: AsyncConnection, evidence_id: UUID) -> Evidence | None:
    return (await by_ids(conn, [evidence_id])).get(evidence_id)


async def by_ids(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Evidence]:
    rows = await conn.execute(select(*_COLUMNS).where(evidence.c.id.in_(ids)))
    return {row.id: _to_evidence(row) for row in rows}


async def of_reports(
    conn: AsyncConnection, report_ids: Sequence[UUID], after: PageCursor | None, limit: int
) -> dict[UUID, list[Evidence]]:
    """The first `limit` pieces behind `after` of each report, oldest first. Whoever sees a report sees its evidence."""
    of = (
        func.unnest(literal(list(report_ids), ARRAY(evidence.c.report_id.type)))
        .table_valued("id", name="of")
        .render_derived()
    )
    inner = (
        select(*_COLUMNS)
        .where(evidence.c.report_id == of.c.id)
        .where(*([tuple_(evidence.c.added_at, evidence.c.id) > tuple_(after.at, after.id)] if after else []))
        .order_by(evidence.c.added_at, evidence.c.id)
        .limit(limit)
        .correlate(of)
        .lateral("pieces")
    )
    found: dict[UUID, list[Evidence]] = {report_id: [] for report_id in report_ids}
    for row in await conn.execute(select(inner).select_from(of.join(inner, text("true")))):
        found[row.report_id].append(_to_evidence(row))
    return found
