"""Erase what somebody wrote, and that it was them: a message whose consent is withdrawn, or one's own part in a report.

A report's text leaves its rows in one transaction with the event that tells so; photos leave the store right after it,
and an hourly job sees to those that a crash left behind.
"""

from collections import Counter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import erasure, events, involvement, messages, reports
from geo.db import Database
from geo.erasure import Erased
from geo.errors import NotPermitted, UnknownMessage, UnknownReport
from geo.models import ActorKind, EventKind, Involvement, Message, Role
from geo.photos import PhotoStore
from geo.viewer import Viewer


async def withdraw_consent(
    db: Database, photos: PhotoStore, viewer: Viewer, source: str | None, external_id: str | None, author: str | None
) -> Counter[str]:
    """Erase one message, or all of an author's; returns how much was erased, by what it was.

    Raises `UnknownMessage`, `NotPermitted`.
    """
    organisation = viewer.organisation
    if viewer.role is not Role.APP or organisation is None:
        raise NotPermitted("Only the app that passed a message on takes it back.", hint="Use the token of that app.")
    party = None if author is None else f"{organisation}/{author}"
    erased = Erased()
    async with db.write() as conn:
        found = await messages.lock_some(conn, organisation, source, external_id, party)
        if not found:
            hint = "Give the `source` and `externalId` of a message that you passed on, or its `author`."
            raise UnknownMessage(path=("input",), hint=hint)
        await messages.forget(conn, [message.id for message in found])
        for message in found:
            await _erase_message(conn, message, erased)
    db.forget()
    for photo in erased.photos:
        await photos.delete(photo)
    return erased.counts


async def _erase_message(conn: AsyncConnection, message: Message, erased: Erased) -> None:
    erased.counts["messages"] += 1
    if message.report_id is None:
        return
    described = message.evidence_id is None  # then the report is made of it
    await _erase(conn, message.report_id, message.party, erased, description=described)


async def erase_contribution(db: Database, photos: PhotoStore, viewer: Viewer, report_id: UUID) -> Counter[str]:
    """Erase the caller's part in a report: the text where they reported it, evidence, and that it was them.

    Raises `UnknownReport`, `NotPermitted`.
    """
    party = viewer.known_party()
    erased = Erased()
    async with db.write() as conn:
        # Not what it was merged into: its own text stands in itself.
        if report_id not in await reports.lock_several(conn, viewer, [report_id]):
            raise UnknownReport(path=("input", "reportId"), hint="Pass the `id` of a report that you can read.")
        described = Involvement.REPORTER in await involvement.roles(conn, report_id, party)
        await _erase(conn, report_id, party, erased, description=described)
    for photo in erased.photos:
        await photos.delete(photo)
    return erased.counts


async def _erase(conn: AsyncConnection, report_id: UUID, party: str, erased: Erased, *, description: bool) -> None:
    """Erase a party from a report, and from the one that goes on for it."""
    before = await reports.lock_itself(conn, report_id)
    found = await erasure.erase_party(conn, before.id, party, description=description)
    erased.counts += found.counts
    erased.photos += found.photos
    after = await reports.change(conn, before)
    await events.append(conn, EventKind.ERASED, ActorKind.SYSTEM, before, after, {})
    if before.merged_into is not None:
        await _erase(conn, before.merged_into, party, erased, description=False)
