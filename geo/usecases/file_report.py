"""File a report that has been checked: store it, involve the reporter, append the event. Every way in ends here."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import contacts, events, involvement, reports
from geo.contacts import Contact
from geo.hours import due
from geo.models import Category, Channel, EventKind, Involvement, Outcome, Place, Point, Urgency
from geo.published import Written
from geo.viewer import Viewer
from geo.visibility import sees


@dataclass(frozen=True, slots=True)
class Situation:
    """What is the matter, and where. Whoever reports through an official has a contact, or is nobody in particular."""

    category: Category
    urgency: Urgency
    written: Written
    location: Point
    place: Place
    channel: Channel
    contact: Contact | None = None


async def file_report(conn: AsyncConnection, viewer: Viewer, situation: Situation) -> Outcome:
    """The event of the new report, with the report where the viewer may see it."""
    report = await reports.insert_new(
        conn,
        category=situation.category.slug,
        urgency=situation.urgency,
        visibility=situation.category.visibility,
        description=situation.written.text,
        original=situation.written.original,
        location=situation.location,
        place=situation.place,
        due_at=due(datetime.now(UTC), situation.category),
        channel=situation.channel,
    )
    reporter = None if situation.channel in (Channel.CALL, Channel.FACE) else viewer.party
    await involvement.involve(conn, report.id, reporter, Involvement.REPORTER)
    if situation.contact is not None:
        await contacts.add(conn, report.id, situation.contact)
    event = await events.append(conn, EventKind.REPORT_SUBMITTED, viewer.actor, None, report, {}, party=viewer.party)
    involved = frozenset({reporter} if reporter else ())
    seen = sees(viewer, report.visibility, report.place.codes, involved)
    return Outcome(event, report if seen else None)
