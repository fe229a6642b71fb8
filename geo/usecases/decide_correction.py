"""Decide on a correction that somebody proposed: apply it, or decline it."""

from uuid import UUID

from geo import events, evidence, idempotency, reports
from geo.categories import Categories
from geo.db import Database
from geo.errors import InvalidCorrection, NotPermitted
from geo.evidence import Correction
from geo.models import Decision, EventKind, Outcome
from geo.usecases.correct_report import correct, may_correct, steps
from geo.usecases.lock_content import lock_evidence
from geo.viewer import Viewer
from geo.visibility import sees

PATH = ("input", "evidenceId")


async def decide_correction(
    db: Database,
    categories: Categories,
    viewer: Viewer,
    evidence_id: UUID,
    idempotency_key: str | None,
    *,
    accept: bool,
) -> Outcome:
    """The last event of the decision, or the first answer to the same key.

    Raises `UnknownEvidence`, `InvalidCorrection`, `OutsideKnownArea`, `UnknownCategory`, `NotPermitted`, and the
    problems of idempotency keys.
    """
    once = idempotency.Once(viewer, idempotency_key, "decideCorrection", evidence_id, accept)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before, piece = await lock_evidence(conn, viewer, evidence_id, PATH)
        if not await may_correct(conn, viewer, before):
            raise NotPermitted(
                "Only the reporter and the authorities of the territory decide on a correction.",
                path=PATH,
                hint="It waits for them.",
            )
        if piece.decision is not Decision.PENDING:
            raise InvalidCorrection(
                "There is nothing to decide on here.", path=PATH, hint="A correction whose `decision` is PENDING."
            )
        if accept:
            to_do = await steps(conn, categories, before, Correction(piece.location, piece.category), PATH)
            await evidence.change(conn, piece.id, decision=Decision.ACCEPTED)
            after, made = await correct(conn, viewer, before, to_do)
            event = made[-1]
        else:
            await evidence.change(conn, piece.id, decision=Decision.DECLINED)
            after = await reports.change(conn, before)
            detail = {"evidence": str(piece.id)}
            event = await events.append(
                conn, EventKind.CORRECTION_DECLINED, viewer.actor, before, after, detail, party=viewer.party
            )
        await once.done(conn, event.id)
        involved = {viewer.party} if viewer.party else set()
        return Outcome(event, after if sees(viewer, after.visibility, after.place.codes, involved) else None)
