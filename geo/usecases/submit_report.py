"""Submit a report: check, find its areas, store it, involve the reporter, append the event."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from geo import areas, events, idempotency, involvement, policies, reports
from geo.categories import Categories
from geo.db import Database
from geo.errors import NotPermitted
from geo.geometry import check_point
from geo.models import EventKind, Involvement, Outcome, Urgency
from geo.texts import check_text
from geo.viewer import Viewer
from geo.visibility import sees


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller says of a situation. Without an urgency the category's own counts."""

    category: str
    description: str
    lon: float
    lat: float
    urgency: Urgency | None = None


async def submit_report(
    db: Database, categories: Categories, viewer: Viewer, draft: Draft, idempotency_key: str | None
) -> Outcome:
    """The new report, or the first answer to the same key.

    Raises `InvalidText`, `InvalidLocation`, `OutsideKnownArea`, `UnknownCategory`, `NotPermitted`, and the problems of
    idempotency keys.
    """
    description = check_text(draft.description, ("input", "description"))
    location = check_point(draft.lon, draft.lat, ("input", "location"))
    category = await categories.usable(draft.category, ("input", "category"))
    once = idempotency.Once(viewer, idempotency_key, "submitReport", draft)
    async with db.write() as conn:
        if earlier := await once.earlier(conn):
            return Outcome(await events.by_id(conn, earlier), None)
        place = await areas.check_located(conn, location, ("input", "location"))
        anonymous = viewer.party is None and viewer.organisation is None
        if anonymous and not await policies.allows_anonymous(conn, place.municipality):
            raise NotPermitted(
                f"Municipality {place.municipality} takes reports with a token only.",
                hint="Send an Authorization: Bearer token.",
            )
        report = await reports.insert_new(
            conn,
            category=category.slug,
            urgency=draft.urgency or category.urgency,
            visibility=category.visibility,
            description=description,
            location=location,
            place=place,
            due_at=datetime.now(UTC) + timedelta(hours=category.handling_hours),
        )
        await involvement.involve(conn, report.id, viewer.party, Involvement.REPORTER)
        event = await events.append(conn, EventKind.REPORT_SUBMITTED, viewer.actor, None, report, {})
        await once.done(conn, event.id)
        involved = frozenset({viewer.party} if viewer.party else ())
        seen = sees(viewer, report.visibility, report.place.codes, involved)
        return Outcome(event, report if seen else None)
