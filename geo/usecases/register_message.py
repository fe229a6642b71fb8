"""Register a message that an app passes on: what it is about and where are found out, and what it may be the same as.

Without consent nothing whatever is kept of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import areas, messages, reports
from geo.categories import Categories
from geo.classifier import Classifier, Suggestion, is_sure, urgency_of
from geo.db import Database
from geo.errors import ConsentMissing, InvalidText, NotPermitted
from geo.geometry import check_point
from geo.matching import Match
from geo.models import Channel, Consent, Message, Outcome, Point, Purpose, Report, Role, Urgency
from geo.places import Geocoder
from geo.published import Written, publishable
from geo.usecases.attach_evidence import attach_evidence
from geo.usecases.edit_message import edit_message
from geo.usecases.file_report import Situation, file_report
from geo.usecases.find_similar import find_similar
from geo.viewer import Viewer

MAX_NAME = 200
MAX_PSEUDONYM = 128  # as in the header Bart-Resident
MAX_LINK = 2_000
_LINK = re.compile(r"https?://\S+$")
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Post:
    """A message as it was written elsewhere, with what its author answered to questions about it.

    `same_as` is the report that it supplements; `confirm_new` says that it is none of those that are there.
    """

    source: str
    external_id: str
    author: str
    text: str
    consent: Consent | None
    written_at: datetime | None = None
    permalink: str | None = None
    place: str | None = None
    location: Point | None = None
    upload_ids: tuple[UUID, ...] = ()
    category: str | None = None
    same_as: UUID | None = None
    confirm_new: bool = False


class Question(StrEnum):
    """What the author is to be asked."""

    CATEGORY = "CATEGORY"
    PLACE = "PLACE"
    SAME = "SAME"


@dataclass(frozen=True, slots=True)
class Registered:
    """It is a report now, or part of one: by the event of it."""

    message: Message
    outcome: Outcome
    suggestions: Sequence[Suggestion]


@dataclass(frozen=True, slots=True)
class Asked:
    """It is kept, and waits for an answer."""

    message: Message
    question: Question
    suggestions: Sequence[Suggestion] = ()
    matches: Sequence[Match] = ()


@dataclass(frozen=True, slots=True)
class Monitor:
    """What finds out by itself what a message is about, and where."""

    categories: Categories
    classifier: Classifier
    geocoder: Geocoder


async def register_message(db: Database, monitor: Monitor, viewer: Viewer, post: Post) -> Registered | Asked:
    """What became of the message; the same message again gets the same answer, an edited one changes what it made.

    Raises `ConsentMissing`, `InvalidText`, `InvalidLocation`, `OutsideKnownArea`, `UnknownCategory`, `UnknownReport`,
    `UnknownUpload`, `UploadNotReady`, `NotPermitted`.
    """
    if viewer.role is not Role.APP or viewer.organisation is None:
        raise NotPermitted("Only an app passes on messages.", hint="Use the token of an app.")
    agreed = _consent(post.consent)
    _check_names(post)
    author = replace(viewer, party=f"{viewer.organisation}/{post.author}")
    written = publishable(post.text, ("input", "text"), mask=True)
    location = await _locate(monitor.geocoder, post)
    async with db.write() as conn:
        message = await messages.take_in(
            conn,
            organisation=viewer.organisation,
            source=post.source,
            external_id=post.external_id,
            party=author.known_party(),
            text=post.text,
            place=post.place,
            location=location,
            permalink=post.permalink,
            written_at=post.written_at,
            agreed=agreed,
        )
        if message.party != author.party:
            hint = "Send the author that it came with first."
            raise NotPermitted("This message has another author.", path=("input", "author"), hint=hint)
        if message.event_id is not None:
            return Registered(message, await edit_message(conn, author, message, post.text, written), ())
        return await _register(conn, monitor, author, message, post, written, location or message.location)


def _consent(given: Consent | None) -> Consent:
    hint = "Ask the author first; then send `consent` with givenAt, purposes (REGISTER) and textVersion."
    if given is None:
        raise ConsentMissing(path=("input", "consent"), hint=hint)
    if Purpose.REGISTER not in given.purposes:
        raise ConsentMissing("The author did not consent to this.", path=("input", "consent", "purposes"), hint=hint)
    if given.given_at.tzinfo is None or given.given_at > datetime.now(UTC) + CLOCK_SKEW:
        raise ConsentMissing("This consent was not given yet.", path=("input", "consent", "givenAt"), hint=hint)
    if not 0 < len(given.text_version) <= MAX_NAME:
        raise ConsentMissing("Consent to what?", path=("input", "consent", "textVersion"), hint=hint)
    return given


def _check_names(post: Post) -> None:
    """Raises `InvalidText`."""
    named = {"source": post.source, "externalId": post.external_id, "author": post.author, "place": post.place}
    for name, value in named.items():
        most = MAX_PSEUDONYM if name == "author" else MAX_NAME
        if value is not None and not (0 < len(value) <= most and value.isprintable()):
            raise InvalidText(path=("input", name), hint=f"1 to {most} visible characters.")
    link = post.permalink
    if link is not None and not (len(link) <= MAX_LINK and link.isprintable() and _LINK.match(link)):
        raise InvalidText(path=("input", "permalink"), hint=f"A web address, at most {MAX_LINK} characters.")


async def _locate(geocoder: Geocoder, post: Post) -> Point | None:
    """Where it is, as far as the app said so in degrees or in words."""
    if post.location is not None:
        return check_point(post.location.lon, post.location.lat, ("input", "location"))
    if post.place is None:
        return None
    found = await geocoder.find(post.place, None)
    return found[0].point if found else None


async def _register(
    conn: AsyncConnection,
    monitor: Monitor,
    author: Viewer,
    message: Message,
    post: Post,
    written: Written,
    location: Point | None,
) -> Registered | Asked:
    """The message for the first time, or with an answer."""
    message = await messages.reword(conn, message.id, post.text, location)
    if post.same_as is not None:
        return await _supplement(conn, author, message, post.same_as, post.upload_ids, written)
    suggestions: Sequence[Suggestion] = ()
    slug = post.category
    if slug is None:
        suggestions = await monitor.classifier.classify(conn, written.text)
        if not is_sure(suggestions):
            return Asked(message, Question.CATEGORY, suggestions)
        slug = suggestions[0].category
    category = await monitor.categories.usable(slug, ("input", "category"))
    if location is None:
        return Asked(message, Question.PLACE, suggestions)
    place = await areas.check_located(conn, location, ("input", "location"))
    urgency = urgency_of(written.text, category)
    if not post.confirm_new and urgency is not Urgency.EMERGENCY:
        matches = await find_similar(conn, monitor.categories, author, slug, written.text, location)
        if matches:
            return Asked(message, Question.SAME, suggestions, matches)
    situation = Situation(category, urgency, written, location, place, Channel.MESSAGE)
    outcome = await file_report(conn, author, situation)
    report = await reports.lock_itself(conn, outcome.event.report_id)  # which the author may not see
    photos = await _photos(conn, author, report, post.upload_ids)
    made = {"category": slug, "report_id": report.id, "event_id": outcome.event.id}
    message = await messages.change(conn, message.id, **made, piece_ids=photos)
    return Registered(message, outcome, suggestions)


async def _supplement(
    conn: AsyncConnection,
    author: Viewer,
    message: Message,
    same_as: UUID,
    upload_ids: Sequence[UUID],
    written: Written,
) -> Registered:
    """The message as evidence of a report that is there, with its photos."""
    before = await reports.lock(conn, author, same_as, ("input", "sameAs"))
    outcome = await attach_evidence(conn, author, before, written, None, ())
    assert outcome.report is not None
    piece = UUID(outcome.event.detail["evidence"])
    photos = await _photos(conn, author, outcome.report, upload_ids)
    made = {"report_id": before.id, "evidence_id": piece, "event_id": outcome.event.id}
    message = await messages.change(conn, message.id, **made, piece_ids=[piece, *photos])
    return Registered(message, outcome, ())


async def _photos(conn: AsyncConnection, author: Viewer, report: Report, upload_ids: Sequence[UUID]) -> list[UUID]:
    """The photos of a message as evidence of a locked report; returns the pieces."""
    pieces = []
    for upload_id in upload_ids:
        outcome = await attach_evidence(conn, author, report, None, upload_id, ("input", "uploadIds"))
        assert outcome.report is not None
        report = outcome.report
        pieces.append(UUID(outcome.event.detail["evidence"]))
    return pieces
