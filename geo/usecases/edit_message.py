"""Follow a message that comes again: as it was, or edited at its source since."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import events, evidence, involvement, messages, reports
from geo.models import EventKind, Evidence, HiddenReason, Message, Outcome, Report
from geo.published import Written
from geo.viewer import Viewer
from geo.visibility import sees


class Place(NamedTuple):
    """Where the text of a message stands: in a locked report, or in a piece of evidence of it."""

    report: Report
    piece: Evidence | None


async def edit_message(conn: AsyncConnection, author: Viewer, message: Message, text: str, written: Written) -> Outcome:
    """The first answer where nothing is to change, or where the author may not know of the report; else the change.

    What a moderator hid stays hidden, what was erased stays erased.
    """
    assert message.event_id is not None
    first = Outcome(await events.by_id(conn, message.event_id), None)
    place = await _lock(conn, message)
    hidden = (place.piece or place.report).hidden_reason
    if text == message.text or hidden is HiddenReason.ERASED:
        return first
    await messages.reword(conn, message.id, text, None)
    await messages.change(conn, message.id, edited_at=func.clock_timestamp())
    before = place.report
    if place.piece is not None:
        words = {"original": text} if hidden else {"remark": written.text, "original": written.original}
        await evidence.change(conn, place.piece.id, **words)
        after = await reports.change(conn, before)
    else:
        words = {"original": text} if hidden else {"description": written.text, "original": written.original}
        after = await reports.change(conn, before, **words)
    detail = {"evidence": None if place.piece is None else str(place.piece.id)}
    event = await events.append(conn, EventKind.TEXT_CHANGED, author.actor, before, after, detail, party=author.party)
    involved = {message.party} if await involvement.roles(conn, after.id, message.party) else set()
    return Outcome(event, None) if sees(author, after.visibility, after.place.codes, involved) else first


async def _lock(conn: AsyncConnection, message: Message) -> Place:
    """A merge may take the evidence elsewhere while this waits for the lock; then it follows."""
    assert message.report_id is not None
    if message.evidence_id is None:
        return Place(await reports.lock_itself(conn, message.report_id), None)
    while True:
        report = await reports.lock_itself(conn, await _report_of(conn, message.evidence_id))
        piece = await evidence.by_id(conn, message.evidence_id)
        assert piece is not None
        if piece.report_id == report.id:
            return Place(report, piece)


async def _report_of(conn: AsyncConnection, evidence_id: UUID) -> UUID:
    piece = await evidence.by_id(conn, evidence_id)
    assert piece is not None
    return piece.report_id
