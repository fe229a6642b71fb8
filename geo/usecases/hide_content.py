"""Hide what somebody wrote on a report, or a photo; authorities still read it."""

from geo import events, evidence, idempotency, reports
from geo.db import Database
from geo.errors import NotPermitted
from geo.models import EventKind, HiddenReason, Outcome
from geo.usecases.lock_content import Content, lock_content
from geo.viewer import Viewer


async def hide_content(
    db: Database, viewer: Viewer, content: Content, reason: HiddenReason, idempotency_key: str | None
) -> Outcome:
    """The event of the hiding, or the first answer to the same key. What is hidden already gets another reason.

    Raises `InvalidId`, `UnknownReport`, `UnknownEvidence`, `NotPermitted`, and the problems of idempotency keys.
    """
    if reason is HiddenReason.ERASED:
        raise NotPermitted(
            "Only who wrote it has it erased.",
            path=("input", "reason"),
            hint=f"One of: {', '.join(other for other in HiddenReason if other is not reason)}.",
        )
    once = idempotency.Once(viewer, idempotency_key, "hideContent", content, reason)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before, piece = await lock_content(conn, viewer, content)
        shown = before.description if piece is None else piece.remark
        original = shown if (kept := (piece or before).original) is None else kept
        if piece is None:
            after = await reports.change(conn, before, description="", original=original, hidden_reason=reason)
        else:
            await evidence.change(conn, piece.id, remark=None, original=original, hidden_reason=reason)
            after = await reports.change(conn, before)
        detail = {"evidence": piece and str(piece.id), "reason": reason}
        event = await events.append(
            conn, EventKind.CONTENT_HIDDEN, viewer.actor, before, after, detail, party=viewer.party
        )
        await once.done(conn, event.id)
        return Outcome(event, after)
