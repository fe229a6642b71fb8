"""Erasing what somebody wrote on a report, wherever it is stored, and that it was them.

What stays is that there was a situation at a place, what it was about, how many confirmed it, and what authorities did.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, Text, cast, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.models import HiddenReason
from geo.tables import (
    adoption,
    confirmation,
    contact,
    event,
    evidence,
    idempotency,
    involvement,
    merge,
    notification,
    rating,
    report,
    thanks,
    upload,
)

_NOBODY = func.concat("erased/", func.gen_random_uuid())  # in place of a party, where a row has to stay and be counted


@dataclass
class Erased:
    """How many things of each kind were erased, and the photos that are to leave the store after the commit."""

    counts: Counter[str] = field(default_factory=Counter)
    photos: list[UUID] = field(default_factory=list)


async def erase_party(conn: AsyncConnection, report_id: UUID, party: str, *, description: bool) -> Erased:
    """Erase a party and its words from a locked report; `description` says whether the report's own text is theirs."""
    erased = Erased()

    async def do(what: str, statement: Any) -> None:
        erased.counts[what] += (await conn.execute(statement)).rowcount

    def own(table: Table) -> ColumnElement[bool]:
        return (table.c.report_id == report_id) & (table.c.party == party)

    if description:
        blank = {"description": "", "original": None, "hidden_reason": HiddenReason.ERASED}
        await do("descriptions", update(report).where(report.c.id == report_id).values(blank))
        await do("contacts", delete(contact).where(contact.c.report_id == report_id))
    await _erase_evidence(conn, own(evidence), erased)
    told = select(event.c.id).where(event.c.report_id == report_id)
    to_them = (notification.c.party == party) & notification.c.event_id.in_(told)
    await do("notifications", delete(notification).where(to_them))
    given = idempotency.c.outcome.in_(told) | idempotency.c.outcome.in_(erased.photos)
    await do("answers", delete(idempotency).where(idempotency.c.party == party, given))
    await do("events", update(event).where(own(event)).values(party=None))
    await do("involvements", delete(involvement).where(own(involvement)))
    await do("confirmations", update(confirmation).where(own(confirmation)).values(party=_NOBODY))
    await do("adoptions", update(adoption).where(own(adoption)).values(party=_NOBODY))
    await do("ratings", update(rating).where(own(rating)).values(party=_NOBODY, why=None))
    adoptions = select(adoption.c.id).where(adoption.c.report_id == report_id)
    theirs = thanks.c.adoption_id.in_(adoptions) & (thanks.c.party == party)
    await do("thanks", update(thanks).where(theirs).values(party=_NOBODY))
    merged = (merge.c.duplicate_id == report_id) | (merge.c.into_id == report_id)
    forgotten = func.replace(cast(merge.c.moved, Text), cast(func.to_json(literal(party)), Text), '"erased"')
    await do("merges", update(merge).where(merged).values(moved=cast(forgotten, JSONB)))
    return Erased(+erased.counts, erased.photos)


async def _erase_evidence(conn: AsyncConnection, which: ColumnElement[bool], erased: Erased) -> None:
    found = (await conn.execute(select(evidence.c.id, evidence.c.upload_id).where(which))).all()
    blank = dict.fromkeys(("remark", "original", "quantity", "unit", "upload_id"))
    ids = [row.id for row in found]
    changed = update(evidence).where(evidence.c.id.in_(ids))
    await conn.execute(changed.values(**blank, party=_NOBODY, hidden_reason=HiddenReason.ERASED))
    erased.photos += [row.upload_id for row in found if row.upload_id is not None]
    # Their rows go when the photos have left the store, or an hourly job does both (`uploads.purge`).
    expired = update(upload).where(upload.c.id.in_(erased.photos))
    await conn.execute(expired.values(party=_NOBODY, expires_at=func.to_timestamp(0)))
    erased.counts["evidence"] += len(ids)
    erased.counts["photos"] += len(erased.photos)
