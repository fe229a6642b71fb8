"""Merging: what belongs to a duplicate goes over to the report that goes on, and back when the merge is undone.

Evidence moves. Confirmations and involvement are copied: who had to do with the duplicate still has, and hears of it.
Its reporter contributed to the other report, and has no say over what somebody else wrote there.
The adoption of a duplicate ends with the merge, and is not taken up again when that is undone.
Merges are undone last one first, so that each finds what it left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, case, delete, exists, func, literal, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.models import Involvement, Report, ReportStatus, Visibility
from geo.tables import adoption, confirmation, evidence, involvement, merge, report

UNDO = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge that can be undone. `moved` says what there was before."""

    id: UUID
    duplicate_id: UUID
    into_id: UUID
    moved: dict[str, Any]


_COLUMNS = [merge.c[name] for name in Merge.__dataclass_fields__]


async def move(conn: AsyncConnection, duplicate: Report, into: Report) -> None:
    """Take over all that belongs to the duplicate, and remember it; both are locked."""
    adopted = duplicate.status is ReportStatus.ADOPTED
    moved = {
        "status": ReportStatus.REPORTED if adopted else duplicate.status,
        "visibility": duplicate.visibility,
        "last_confirmed_at": into.last_confirmed_at and into.last_confirmed_at.isoformat(),
        "evidence": await _move_evidence(conn, duplicate.id, into.id),
        "involved": await _copy_involvement(conn, duplicate.id, into.id),
        "confirmations": await _copy_confirmations(conn, duplicate.id, into.id),
        "led_on": await _lead_on(conn, duplicate.id, into.id),
    }
    values = {"id": uuid7(), "duplicate_id": duplicate.id, "into_id": into.id, "moved": moved}
    await conn.execute(insert(merge).values(at=func.clock_timestamp(), **values))


async def _move_evidence(conn: AsyncConnection, duplicate: UUID, into: UUID) -> list[str]:
    moved = update(evidence).where(evidence.c.report_id == duplicate).values(report_id=into)
    return [str(key) for key in await conn.scalars(moved.returning(evidence.c.id))]


async def _copy_involvement(conn: AsyncConnection, duplicate: UUID, into: UUID) -> list[list[str]]:
    role = case((involvement.c.role == Involvement.REPORTER, Involvement.CONTRIBUTOR), else_=involvement.c.role)
    theirs = select(literal(into), involvement.c.party, role, involvement.c.since)
    names = ["report_id", "party", "role", "since"]
    added = insert(involvement).from_select(names, theirs.where(involvement.c.report_id == duplicate))
    rows = await conn.execute(added.on_conflict_do_nothing().returning(involvement.c.party, involvement.c.role))
    return [[row.party, row.role] for row in rows]


async def _copy_confirmations(conn: AsyncConnection, duplicate: UUID, into: UUID) -> list[dict[str, str | None]]:
    """Of who spoke of both, the last word counts; returns what each said before of the report that goes on."""
    own = select(confirmation).where(confirmation.c.report_id == into)
    before = {row.party: row for row in await conn.execute(own)}
    theirs = select(literal(into), confirmation.c.party, confirmation.c.verdict, confirmation.c.at)
    names = ["report_id", "party", "verdict", "at"]
    added = insert(confirmation).from_select(names, theirs.where(confirmation.c.report_id == duplicate))
    last = added.on_conflict_do_update(
        index_elements=["report_id", "party"],
        set_={"verdict": added.excluded.verdict, "at": added.excluded.at},
        where=added.excluded.at > confirmation.c.at,
    )
    parties = await conn.scalars(last.returning(confirmation.c.party))
    return [
        {
            "party": party,
            "verdict": before[party].verdict if party in before else None,
            "at": before[party].at.isoformat() if party in before else None,
        }
        for party in parties
    ]


async def _lead_on(conn: AsyncConnection, duplicate: UUID, into: UUID) -> list[str]:
    """What was merged into the duplicate leads to the report that goes on."""
    led = update(report).where(report.c.merged_into == duplicate).values(merged_into=into)
    return [str(key) for key in await conn.scalars(led.returning(report.c.id))]


async def latest(conn: AsyncConnection, duplicate: UUID) -> Merge | None:
    """The merge of a report, if it is in force and was made within the last day."""
    own = merge.c.duplicate_id == duplicate
    recent = merge.c.undone_at.is_(None), merge.c.at > func.now() - UNDO
    row = (await conn.execute(select(*_COLUMNS).where(own, *recent).order_by(merge.c.at.desc()).limit(1))).one_or_none()
    return None if row is None else Merge(**row._mapping)


async def built_upon(conn: AsyncConnection, made: Merge) -> bool:
    """Whether a later merge has to be undone first: of, or into, the report that went on."""
    this = merge.alias("this")
    later = merge.c.undone_at.is_(None), merge.c.at > this.c.at
    touching = or_(merge.c.duplicate_id == made.into_id, merge.c.into_id == made.into_id)
    found = select(exists().where(*later, touching).correlate(this)).where(this.c.id == made.id)
    return bool(await conn.scalar(found))


async def visibilities(conn: AsyncConnection, into: UUID) -> list[Visibility]:
    """What was merged into a report had these when it was."""
    had = select(merge.c.moved["visibility"].astext).where(merge.c.into_id == into, merge.c.undone_at.is_(None))
    return [Visibility(level) for level in await conn.scalars(had)]


async def move_back(conn: AsyncConnection, made: Merge) -> None:
    """Give a locked duplicate back what was its own. What came to the other report since then stays there."""
    moved = made.moved
    await conn.execute(
        update(evidence).where(evidence.c.id.in_(_ids(moved["evidence"]))).values(report_id=made.duplicate_id)
    )
    await _restore_confirmations(conn, made)
    await _remove_involvement(conn, made)
    led_on = report.c.id.in_(_ids(moved["led_on"]))
    await conn.execute(update(report).where(led_on).values(merged_into=made.duplicate_id))
    await conn.execute(update(merge).where(merge.c.id == made.id).values(undone_at=func.clock_timestamp()))


def _ids(keys: Sequence[str]) -> list[UUID]:
    return [UUID(key) for key in keys]


async def _restore_confirmations(conn: AsyncConnection, made: Merge) -> None:
    """What each party had said before, unless it has spoken again since the merge."""
    theirs = confirmation.alias("theirs")
    same = (theirs.c.party == confirmation.c.party) & (theirs.c.at == confirmation.c.at)
    unchanged: ColumnElement[bool] = (confirmation.c.report_id == made.into_id) & exists().where(
        theirs.c.report_id == made.duplicate_id, same
    )
    said = made.moved["confirmations"]
    new = [word["party"] for word in said if word["at"] is None]
    await conn.execute(delete(confirmation).where(unchanged, confirmation.c.party.in_(new)))
    if older := [
        {"of": word["party"], "was": word["verdict"], "then": datetime.fromisoformat(word["at"])}
        for word in said
        if word["at"]
    ]:
        restored = update(confirmation).where(unchanged, confirmation.c.party == bindparam("of"))
        await conn.execute(restored.values(verdict=bindparam("was"), at=bindparam("then")), older)


async def _remove_involvement(conn: AsyncConnection, made: Merge) -> None:
    """Roles that came with the merge, but for those that the party has taken itself since."""
    c = involvement.c
    came = tuple_(c.party, c.role).in_([tuple(pair) for pair in made.moved["involved"]])
    taken = [
        (c.role == role) & exists().where(table.c.report_id == made.into_id, table.c.party == c.party)
        for role, table in (
            (Involvement.CONFIRMER, confirmation),
            (Involvement.CONTRIBUTOR, evidence),
            (Involvement.ADOPTER, adoption),
        )
    ]
    await conn.execute(delete(involvement).where(c.report_id == made.into_id, came, ~or_(*taken)))


_FAMILY = text("""
    WITH RECURSIVE family AS (
        SELECT unnest(CAST(:ids AS uuid[])) AS id
        UNION
        SELECT CASE WHEN merge.into_id = family.id THEN merge.duplicate_id ELSE merge.into_id END
        FROM family JOIN merge ON family.id IN (merge.duplicate_id, merge.into_id)
    )
    SELECT id FROM family
""")


async def family(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[UUID]:
    """The reports with all that was ever merged with them: what was copied by a merge that was undone may be there."""
    return (await conn.scalars(_FAMILY, {"ids": list(ids)})).all()
