"""Erase what somebody wrote, and that it was them: a message whose consent is withdrawn, or one's own part in a report.

Texts leave their rows in one transaction with the events that tell so; photos leave the store right after it, and an
hourly job sees to those that a crash left behind. What was merged is erased on both sides.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import erasure, events, involvement, merges, messages, reports
from geo.db import Database
from geo.erasure import Erased
from geo.errors import NotPermitted, UnknownMessage, UnknownReport
from geo.models import ActorKind, EventKind, Involvement, Message, Report, Role
from geo.photos import PhotoStore
from geo.viewer import Viewer
from geo.visibility import sees

_HINT = "Give the `source` and `externalId` of a message that you passed on, or its `author`."


async def withdraw_consent(
    db: Database, photos: PhotoStore, viewer: Viewer, source: str | None, external_id: str | None, author: str | None
) -> Counter[str]:
    """Erase one message, or all of an author's; returns how much was erased, by what it was.

    Of one message goes what it made, and the author where nothing else of theirs is there. Raises `UnknownMessage`,
    `NotPermitted`.
    """
    organisation = viewer.organisation
    if viewer.role is not Role.APP or organisation is None:
        raise NotPermitted("Only the app that passed a message on takes it back.", hint="Use the token of that app.")
    async with db.write() as conn:
        if source is not None and external_id is not None:
            found = await messages.lock_one(conn, organisation, source, external_id)
        elif author is not None and source is None and external_id is None:
            found = await messages.lock_written(conn, f"{organisation}/{author}")
        else:
            found = []
        if author is not None:
            found = [message for message in found if message.party == f"{organisation}/{author}"]
        if not found:
            raise UnknownMessage(path=("input",), hint=_HINT)
        erased = Erased()
        erased.counts["messages"] = len(found)
        await messages.forget(conn, [message.id for message in found])
        family = await lock_family(conn, [message.report_id for message in found if message.report_id is not None])
        if external_id is None:
            described = {message.report_id for message in found if message.evidence_id is None}
            await _erase_party(conn, family, found[0].party, described, erased)
        elif family:
            await _erase_message(conn, family, found[0], erased)
    await _let_go(db, photos, erased)
    return +erased.counts


async def erase_contribution(db: Database, photos: PhotoStore, viewer: Viewer, report_id: UUID) -> Counter[str]:
    """Erase the caller's part in a report: the text where they reported it, evidence, and that it was them.

    Whoever reported something can do so even where they may not see it. Raises `UnknownReport`, `NotPermitted`.
    """
    party = viewer.known_party()
    async with db.write() as conn:
        ids = await merges.family(conn, [report_id])
        own = await messages.lock_written(conn, party, ids)
        family = await lock_family(conn, [report_id])
        roles = {report.id: await involvement.roles(conn, report.id, party) for report in family}
        asked = next((report for report in family if report.id == report_id), None)
        if asked is None or not (roles[report_id] or sees(viewer, asked.visibility, asked.place.codes, frozenset())):
            raise UnknownReport(path=("input", "reportId"), hint="Pass the `id` of a report that you can read.")
        erased = Erased()
        erased.counts["messages"] = len(own)
        await messages.forget(conn, [message.id for message in own])
        described = {key for key, has in roles.items() if Involvement.REPORTER in has}
        await _erase_party(conn, family, party, described, erased)
    await _let_go(db, photos, erased)
    return +erased.counts


async def erase_answers(db: Database, photos: PhotoStore, viewer: Viewer, alert_id: UUID) -> Counter[str]:
    """Erase what the caller answered to an alert. Raises `NotPermitted`."""
    party = viewer.known_party()
    erased = Erased()
    async with db.write() as conn:
        await erasure.answers_to_alert(conn, alert_id, party, erased)
    await _let_go(db, photos, erased)
    return +erased.counts


async def lock_family(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Report]:
    """The reports with all that was ever merged with them, locked; a merge that ends meanwhile is followed."""
    known = await merges.family(conn, ids)
    while True:
        locked = await reports.lock_all(conn, known)
        before, known = known, await merges.family(conn, ids)
        if {*known} == {*before}:
            return locked


async def _erase_party(
    conn: AsyncConnection, family: Sequence[Report], party: str, described: Collection[UUID | None], erased: Erased
) -> None:
    """Erase all that a party did on these reports; `described` are those whose text is theirs."""
    for report in family:
        before = erased.total
        if report.id in described:
            await erasure.description(conn, report.id, erased)
        await erasure.party(conn, report.id, party, erased)
        if erased.total > before:
            await _tell(conn, report)


async def _erase_message(conn: AsyncConnection, family: Sequence[Report], message: Message, erased: Erased) -> None:
    """Erase what one message made; the author too, where nothing else of theirs is there."""
    ids = [report.id for report in family]
    reported = message.evidence_id is None
    others = await messages.lock_written(conn, message.party, ids)
    if not others and not await erasure.has_more(conn, ids, message.party, message.piece_ids):
        await _erase_party(conn, family, message.party, {message.report_id} if reported else set(), erased)
        return
    if reported and message.report_id is not None:
        await erasure.description(conn, message.report_id, erased)
        await erasure.reporter(conn, ids, message.party, erased)
    await erasure.pieces(conn, message.piece_ids, erased)
    await erasure.made_by_message(conn, ids, message.piece_ids, reported=reported, erased=erased)
    for report in family:
        await _tell(conn, report)


async def _tell(conn: AsyncConnection, before: Report) -> None:
    after = await reports.change(conn, before)
    await events.append(conn, EventKind.ERASED, ActorKind.SYSTEM, before, after, {})


async def _let_go(db: Database, photos: PhotoStore, erased: Erased) -> None:
    """What the process keeps in memory, and the photos."""
    db.forget()
    for photo in erased.photos:
        await photos.delete(photo)
