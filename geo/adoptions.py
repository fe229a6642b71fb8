"""Adoption: a resident takes a report on, until a time that they give."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.models import Adoption, AdoptionEnding, Report, ReportStatus, Verdict
from geo.rows import columns, to_report
from geo.tables import adoption, confirmation, report, thanks


def _to_adoption(row: Row[Any]) -> Adoption:
    values = {name: getattr(row, name) for name in Adoption.__dataclass_fields__}
    return Adoption(**values | {"ending": row.ending and AdoptionEnding(row.ending)})


def _counted(verdict: Verdict) -> Any:
    """How many parties said so since the adopter was done."""
    since = confirmation.c.at >= adoption.c.ended_at, confirmation.c.verdict == verdict
    counted = select(func.count()).where(confirmation.c.report_id == adoption.c.report_id, *since)
    return counted.where(adoption.c.ending == AdoptionEnding.COMPLETED).scalar_subquery()


_COLUMNS = [
    *adoption.c,
    select(func.count()).where(thanks.c.adoption_id == adoption.c.id).scalar_subquery().label("thanks"),
    _counted(Verdict.GONE).label("confirmed"),
    _counted(Verdict.STILL_THERE).label("disputed"),
]


async def begin(conn: AsyncConnection, report_id: UUID, party: str, until: datetime) -> None:
    values = {"id": uuid7(), "report_id": report_id, "party": party, "until": until}
    await conn.execute(insert(adoption).values(since=func.clock_timestamp(), **values))


async def end(conn: AsyncConnection, report_id: UUID, ending: AdoptionEnding) -> None:
    """End the adoption of a locked report, if there is one."""
    current = (adoption.c.report_id == report_id) & adoption.c.ended_at.is_(None)
    await conn.execute(update(adoption).where(current).values(ended_at=func.clock_timestamp(), ending=ending))


async def latest(conn: AsyncConnection, report_ids: Sequence[UUID]) -> dict[UUID, Adoption]:
    """The present adoption of each report, or the last one."""
    statement = (
        select(*_COLUMNS)
        .where(adoption.c.report_id.in_(report_ids))
        .ext(distinct_on(adoption.c.report_id))
        .order_by(adoption.c.report_id, adoption.c.since.desc())
    )
    return {row.report_id: _to_adoption(row) for row in await conn.execute(statement)}


async def thank(conn: AsyncConnection, adoption_id: UUID, party: str) -> bool:
    """Note a party's thanks; false where it thanked before."""
    noted = insert(thanks).values(adoption_id=adoption_id, party=party, at=func.clock_timestamp())
    return (await conn.execute(noted.on_conflict_do_nothing().returning(thanks.c.party))).first() is not None


async def lock_lapsed(conn: AsyncConnection, now: datetime, most: int) -> Sequence[Report]:
    """Reports whose adoption is over its time, locked; not those that somebody else has locked."""
    over = adoption.c.ended_at.is_(None), adoption.c.until <= now, report.c.status == ReportStatus.ADOPTED
    found = select(*columns()).join(adoption, adoption.c.report_id == report.c.id).where(*over)
    in_order = found.order_by(adoption.c.until).limit(most).with_for_update(of=(report, adoption), skip_locked=True)
    return [to_report(row) for row in await conn.execute(in_order)]
