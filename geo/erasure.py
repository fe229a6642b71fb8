"""Erasing what somebody wrote on a report, wherever it is stored, and that it was them.

What stays is that there was a situation at a place, what it was about, how many confirmed it, and what authorities did.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Table, Text, cast, delete, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.models import EventKind, HiddenReason, Involvement
from geo.tables import (
    adoption,
    alert_answer,
    confirmation,
    contact,
    event,
    event_archive,
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

# In this order: what is being archived meanwhile waits for whoever has looked at `event`, or is found in the archive.
LOGS = (event, event_archive)


@dataclass
class Erased:
    """How many things of each kind were erased, and the photos that are to leave the store after the commit.

    `nobody` stands in place of the party where a row has to stay and be counted: the same in all rows.
    """

    nobody: str = field(default_factory=lambda: f"erased/{uuid4()}")
    counts: Counter[str] = field(default_factory=Counter)
    photos: list[UUID] = field(default_factory=list)

    async def do(self, conn: AsyncConnection, what: str, statement: Any) -> None:
        self.counts[what] += (await conn.execute(statement)).rowcount

    @property
    def total(self) -> int:
        return self.counts.total()


async def description(conn: AsyncConnection, report_id: UUID, erased: Erased) -> None:
    """Erase the text of a locked report, and how to reach who reported it."""
    blank = {"description": "", "original": None, "hidden_reason": HiddenReason.ERASED}
    written = or_(report.c.description != "", report.c.original.is_not(None))
    await erased.do(conn, "descriptions", update(report).where(report.c.id == report_id, written).values(blank))
    await erased.do(conn, "contacts", delete(contact).where(contact.c.report_id == report_id))


async def pieces(conn: AsyncConnection, ids: Collection[UUID], erased: Erased) -> None:
    """Erase evidence of locked reports, with its photos."""
    await _pieces(conn, evidence.c.id.in_(ids), erased)


async def _pieces(conn: AsyncConnection, which: ColumnElement[bool], erased: Erased) -> None:
    found = (await conn.execute(select(evidence.c.id, evidence.c.upload_id).where(which))).all()
    blank = dict.fromkeys(("remark", "original", "quantity", "value", "unit", "location", "category", "upload_id"))
    changed = update(evidence).where(evidence.c.id.in_([row.id for row in found]))
    gone = {"party": erased.nobody, "decision": None, "hidden_reason": HiddenReason.ERASED}
    await erased.do(conn, "evidence", changed.values(**blank, **gone))
    await _photos(conn, [row.upload_id for row in found if row.upload_id is not None], erased)


async def _photos(conn: AsyncConnection, photos: Sequence[UUID], erased: Erased) -> None:
    # Their rows go when the photos have left the store, or an hourly job does both (`uploads.purge`).
    expired = update(upload).where(upload.c.id.in_(photos))
    await erased.do(conn, "photos", expired.values(party=erased.nobody, expires_at=func.to_timestamp(0)))
    erased.photos += photos


async def party(conn: AsyncConnection, report_id: UUID, who: str, erased: Erased) -> None:
    """Erase all evidence of a party from a locked report, and that it had to do with it."""

    def own(table: Table) -> ColumnElement[bool]:
        return (table.c.report_id == report_id) & (table.c.party == who)

    await _pieces(conn, own(evidence), erased)
    told = select(event.c.id).where(event.c.report_id == report_id)
    to_them = (notification.c.party == who) & notification.c.event_id.in_(told)
    await erased.do(conn, "notifications", delete(notification).where(to_them))
    given = idempotency.c.outcome.in_(told) | idempotency.c.outcome.in_(erased.photos)
    await erased.do(conn, "answers", delete(idempotency).where(idempotency.c.party == who, given))
    for log in LOGS:
        await erased.do(conn, "events", update(log).where(own(log)).values(party=None))
    await erased.do(conn, "involvements", delete(involvement).where(own(involvement)))
    await erased.do(conn, "confirmations", update(confirmation).where(own(confirmation)).values(party=erased.nobody))
    await erased.do(conn, "adoptions", update(adoption).where(own(adoption)).values(party=erased.nobody))
    await erased.do(conn, "ratings", update(rating).where(own(rating)).values(party=erased.nobody, why=None))
    adoptions = select(adoption.c.id).where(adoption.c.report_id == report_id)
    theirs = thanks.c.adoption_id.in_(adoptions) & (thanks.c.party == who)
    await erased.do(conn, "thanks", update(thanks).where(theirs).values(party=erased.nobody))
    named = cast(func.to_json(literal(who)), Text)
    here = (merge.c.duplicate_id == report_id) | (merge.c.into_id == report_id)
    merged = here & cast(merge.c.moved, Text).contains(named)
    forgotten = func.replace(cast(merge.c.moved, Text), named, cast(func.to_json(literal(erased.nobody)), Text))
    await erased.do(conn, "merges", update(merge).where(merged).values(moved=cast(forgotten, JSONB)))


async def answers_to_alert(conn: AsyncConnection, alert_id: UUID, who: str, erased: Erased) -> None:
    """Erase what a party answered to an alert; that somebody answered stays."""
    own = (alert_answer.c.alert_id == alert_id) & (alert_answer.c.party == who)
    photos = (
        await conn.scalars(select(alert_answer.c.upload_id).where(own, alert_answer.c.upload_id.is_not(None)))
    ).all()
    blank = {"text": "", "location": None, "upload_id": None, "party": erased.nobody}
    await erased.do(conn, "alertAnswers", update(alert_answer).where(own).values(blank))
    await _photos(conn, photos, erased)


async def made_by_message(
    conn: AsyncConnection, report_ids: Sequence[UUID], made: Collection[UUID], *, reported: bool, erased: Erased
) -> None:
    """Erase that a message made evidence, or the report itself, where its author has more to do with the report."""
    for log in LOGS:
        here = log.c.report_id.in_(report_ids)
        of_pieces = log.c.detail["evidence"].astext.in_([str(piece) for piece in made])
        told = [of_pieces, log.c.kind == EventKind.REPORT_SUBMITTED] if reported else [of_pieces]
        await erased.do(conn, "events", update(log).where(here, or_(*told)).values(party=None))


async def reporter(conn: AsyncConnection, report_ids: Sequence[UUID], who: str, erased: Erased) -> None:
    """Erase that a party reported something; it keeps what else it has to do with it."""
    role = involvement.c.role == Involvement.REPORTER
    own = involvement.c.report_id.in_(report_ids) & (involvement.c.party == who) & role
    await erased.do(conn, "involvements", delete(involvement).where(own))


async def has_more(conn: AsyncConnection, report_ids: Sequence[UUID], who: str, but: Collection[UUID]) -> bool:
    """Whether a party did something on these reports, beside the evidence that is named."""
    other = evidence.c.id.not_in(but) & evidence.c.hidden_reason.is_distinct_from(HiddenReason.ERASED)
    tables = ((evidence, other), (confirmation, None), (adoption, None), (rating, None))
    found = (
        exists().where(table.c.report_id.in_(report_ids), table.c.party == who, *([] if more is None else [more]))
        for table, more in tables
    )
    return bool(await conn.scalar(select(or_(*found))))
