"""Take a report on oneself, until a time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from geo import adoptions, events, idempotency, involvement, reports
from geo.categories import Categories
from geo.db import Database
from geo.errors import InvalidPeriod, NotAdoptable
from geo.models import EventKind, Involvement, Outcome, ReportStatus, Urgency, Visibility
from geo.statuses import Statuses
from geo.viewer import Viewer

LONGEST = timedelta(days=14)


async def adopt_report(
    db: Database,
    categories: Categories,
    statuses: Statuses,
    viewer: Viewer,
    report_id: UUID,
    until: datetime,
    idempotency_key: str | None,
) -> Outcome:
    """The event of the adoption, or the first answer to the same key.

    Raises `UnknownReport`, `NotAdoptable`, `InvalidPeriod`, `TransitionNotAllowed`, `NotPermitted`, and the problems of
    idempotency keys.
    """
    party = viewer.known_party()
    once = idempotency.Once(viewer, idempotency_key, "adoptReport", report_id, until)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        now = datetime.now(UTC)
        if until.tzinfo is None or not now < until <= now + LONGEST:
            raise InvalidPeriod(
                path=("input", "until"), hint=f"A time with an offset, at most {LONGEST.days} days from now."
            )
        before = await reports.lock(conn, viewer, report_id, ("input", "reportId"))
        category = (await categories.all())[before.category]
        public, emergency = before.visibility is Visibility.PUBLIC, before.urgency is Urgency.EMERGENCY
        if not category.adoptable or not public or emergency:
            hint = "Those can be adopted that are public and no emergency, and whose category is `adoptable`."
            raise NotAdoptable(path=("input", "reportId"), hint=hint)
        await statuses.check(before, ReportStatus.ADOPTED, viewer.role, ("input", "reportId"))
        await adoptions.begin(conn, before.id, party, until)
        await involvement.involve(conn, before.id, party, Involvement.ADOPTER)
        after = await reports.change(conn, before, status=ReportStatus.ADOPTED)
        event = await events.append(
            conn, EventKind.REPORT_ADOPTED, viewer.actor, before, after, {"until": until.isoformat()}, party=party
        )
        await once.done(conn, event.id)
        return Outcome(event, after)
