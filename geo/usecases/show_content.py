"""Show again what was hidden, with personal data masked."""

from geo import events, evidence, idempotency, reports
from geo.db import Database
from geo.models import EventKind, Outcome
from geo.published import masked
from geo.usecases.lock_content import Content, lock_content
from geo.viewer import Viewer


async def show_content(db: Database, viewer: Viewer, content: Content, idempotency_key: str | None) -> Outcome:
    """The event of the showing, or the first answer to the same key. What is not hidden stays as it is.

    Raises `InvalidId`, `UnknownReport`, `UnknownEvidence`, `NotPermitted`, and the problems of idempotency keys.
    """
    once = idempotency.Once(viewer, idempotency_key, "showContent", content)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before, piece = await lock_content(conn, viewer, content)
        shown = before.description if piece is None else piece.remark
        original = (piece or before).original
        if original is not None:
            shown, original = masked(original)
        if piece is None:
            after = await reports.change(conn, before, description=shown, original=original, hidden_reason=None)
        else:
            await evidence.change(conn, piece.id, remark=shown, original=original, hidden_reason=None)
            after = await reports.change(conn, before)
        detail = {"evidence": piece and str(piece.id)}
        event = await events.append(
            conn, EventKind.CONTENT_SHOWN, viewer.actor, before, after, detail, party=viewer.party
        )
        await once.done(conn, event.id)
        return Outcome(event, after)
