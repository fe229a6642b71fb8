"""Say whether a report is really solved. Where one of the involved says no, it is opened again.

Following asks nothing of anybody, so what a mere follower says is noted and no more. Nobody judges their own work.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import adoptions, events, idempotency, involvement, ratings, reports
from geo.categories import Categories
from geo.db import Database
from geo.errors import FeedbackClosed, InvalidScore, NotPermitted, NotResolved
from geo.models import ActorKind, EventKind, Involvement, Outcome, Report, ReportStatus, Standing
from geo.statuses import Statuses
from geo.texts import check_text
from geo.usecases.reopen import reopen
from geo.viewer import Viewer

SCORES = range(1, 6)
REOPENING = frozenset(Involvement) - {Involvement.FOLLOWER}


@dataclass(frozen=True, slots=True)
class Judgement:
    report_id: UUID
    solved: bool
    score: int | None
    why: str | None


async def rate_resolution(
    db: Database,
    categories: Categories,
    statuses: Statuses,
    viewer: Viewer,
    judgement: Judgement,
    idempotency_key: str | None,
) -> Outcome:
    """The event of the judgement, or the first answer to the same key; a reopening has an event of its own behind it.

    Raises `UnknownReport`, `NotResolved`, `FeedbackClosed`, `InvalidScore`, `InvalidText`, `NotPermitted`, and the
    problems of idempotency keys.
    """
    party = viewer.known_party()
    if judgement.score is not None and judgement.score not in SCORES:
        raise InvalidScore(path=("input", "score"), hint="1 is bad, 5 is good.")
    why = None if judgement.why is None else check_text(judgement.why, ("input", "why"))
    once = idempotency.Once(viewer, idempotency_key, "rateResolution", judgement)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        before = await reports.lock(conn, viewer, judgement.report_id, ("input", "reportId"))
        roles = await involvement.roles(conn, before.id, party)
        if not roles:
            raise NotPermitted(
                "Only those who are involved in a report judge it.",
                path=("input", "reportId"),
                hint="Whoever reported, confirmed, added to, adopted or follows it.",
            )
        if before.status is not ReportStatus.RESOLVED or before.resolved_at is None:
            raise NotResolved(path=("input", "reportId"), hint="Wait until its status is RESOLVED.")
        if await _resolved(conn, party, before):
            raise NotPermitted(
                "Who solved it does not judge it.", path=("input", "reportId"), hint="It waits for the others."
            )
        open_until = before.feedback_until
        if before.closed_at is not None or (open_until is not None and open_until <= datetime.now(UTC)):
            raise FeedbackClosed(path=("input", "reportId"), hint="If it is back, report it anew.")
        solved, score = judgement.solved, judgement.score
        reopened = not solved and not roles.isdisjoint(REOPENING)
        await ratings.record(conn, before.id, party, before.resolved_at, solved=solved, score=score, why=why)
        after = await reports.change(conn, before)
        detail = {"solved": solved, "score": score, "reopened": reopened}
        event = await events.append(conn, EventKind.RESOLUTION_RATED, viewer.actor, before, after, detail, party=party)
        if reopened:
            await statuses.check(after, ReportStatus.REPORTED, Standing.INVOLVED, ("input", "reportId"))
            _, after = await reopen(conn, categories, viewer, after)
        await once.done(conn, event.id)
        return Outcome(event, after)


async def _resolved(conn: AsyncConnection, party: str, report: Report) -> bool:
    """Whether it was this party that resolved the report, as its adopter; what residents resolve they had adopted."""
    adoption = (await adoptions.latest(conn, [report.id])).get(report.id)
    return report.resolved_by is ActorKind.RESIDENT and adoption is not None and adoption.party == party
