"""Messages that apps pass on, with their authors' consent."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from geo import messages
from geo.classifier import Suggestion as Suggested
from geo.models import Consent
from geo.models import Message as Record
from geo.usecases import register_message as register
from schema import problems as p
from schema.categories import Category, category
from schema.context import Info
from schema.enums import Purpose
from schema.events import event_of
from schema.inputs import INPUT
from schema.nodes import Node, read_uuid
from schema.points import Point, PointInput
from schema.report_event import ReportEvent
from schema.reports import Report, report_of
from schema.similar import Match, matches_of

SOURCE = "Where it was written, by a name that the app keeps to. Example: `buurtapp`."
EXTERNAL_ID = "Its id there. The same source and id are the same message. Example: `post-8831`."


@strawberry.type(description="A post from elsewhere that became or joined a report. For the app that passed it on.")
class Message(Node):
    record: strawberry.Private[Record]

    def key(self) -> object:
        return self.record.id

    @strawberry.field(description=SOURCE)
    def source(self) -> str:
        return self.record.source

    @strawberry.field(description=EXTERNAL_ID)
    def external_id(self) -> str:
        return self.record.external_id

    @strawberry.field(description="What the author wrote.")
    def text(self) -> str:
        return self.record.text

    @strawberry.field(description="Where it is about, once that is known.")
    def location(self) -> Point | None:
        where = self.record.location
        return None if where is None else Point(lon=where.lon, lat=where.lat)

    @strawberry.field(description="A link to it at its source.")
    def permalink(self) -> str | None:
        return self.record.permalink

    @strawberry.field(description="When it was written.")
    def written_at(self) -> datetime | None:
        return self.record.written_at

    @strawberry.field(description="When it was passed on first.")
    def received_at(self) -> datetime:
        return self.record.received_at

    @strawberry.field(description="The report that it became or joined; null while a question is open.")
    async def report(self, info: Info) -> Report | None:
        report_id = self.record.report_id
        return None if report_id is None else report_of(await info.context.reports.load(report_id))


@strawberry.type(description="A category that a text may be about.")
class CategorySuggestion:
    suggested: strawberry.Private[Suggested]

    @strawberry.field(description="The category.")
    async def category(self, info: Info) -> Category:
        return await category(info, self.suggested.category)

    @strawberry.field(description="How well the text fits: 0 to 1.")
    def score(self) -> float:
        return self.suggested.score

    @strawberry.field(description="The words that say so.")
    def reasons(self) -> list[str]:
        return list(self.suggested.reasons)


@strawberry.interface(description="What became of a message.")
class MessageResult:
    received: Message = strawberry.field(description="The message as it was received.")
    suggestions: list[CategorySuggestion] = strawberry.field(
        description="What BART takes it to be about, the best first; empty where the app said so."
    )


@strawberry.type(description="It is a report now, or part of one.")
class MessageRegistered(MessageResult):
    event: ReportEvent = strawberry.field(
        description="`ReportSubmitted`, `EvidenceAdded` where it joined a report, `TextChanged` where it was edited."
    )


@strawberry.type(
    description="It may be about a situation that was reported already. Show the matches and ask the author. Then send "
    "the message again with `sameAs`, or with `confirmNew: true`; or `confirmReport` for them."
)
class MessageMatched(MessageResult):
    matches: list[Match] = strawberry.field(description="At most three, the likeliest first.")


@strawberry.type(
    description="BART can't tell what it is about. Ask the author, and send the message again with `category`."
)
class CategoryUnclear(MessageResult):
    pass


@strawberry.type(
    description="BART can't tell where it is. Ask the author, and send the message again with `location` or `place`."
)
class PlaceUnclear(MessageResult):
    pass


@strawberry.input(description="What the author agreed to.")
class ConsentInput:
    given_at: datetime = strawberry.field(description='When. Example: `"2026-11-24T09:30:00+01:00"`.')
    purposes: list[Purpose] = strawberry.field(description="To what.")
    text_version: str = strawberry.field(
        description="Which version of the consent text the author had before them. Example: `2026-03`."
    )

    def given(self) -> Consent:
        return Consent(self.given_at, tuple(self.purposes), self.text_version)


@strawberry.input(description="A message from elsewhere, with the consent of its author.")
class RegisterMessageInput:
    source: str = strawberry.field(description=SOURCE)
    external_id: str = strawberry.field(description=EXTERNAL_ID)
    author: str = strawberry.field(
        description="A pseudonym by which the app knows the author, the same as in the header Bart-Resident."
    )
    text: str = strawberry.field(description="What they wrote, at most 4000 characters of plain text.")
    consent: ConsentInput | None = strawberry.field(
        default=None, description="The consent of the author. Without it nothing of the message is kept."
    )
    written_at: datetime | None = strawberry.field(default=None, description="When it was written.")
    permalink: str | None = strawberry.field(default=None, description="A link to it at its source.")
    place: str | None = strawberry.field(
        default=None, description="Where it is, in words, to be looked up. Example: `Hobbemaplein, Den Haag`."
    )
    location: PointInput | None = strawberry.field(default=None, description="Where it is, in degrees.")
    upload_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Photos: the `uploadId`s of `createUpload` in the name of the author."
    )
    category: str | None = strawberry.field(
        default=None, description="The slug of its category, if the author said it. Otherwise BART finds it."
    )
    same_as: strawberry.ID | None = strawberry.field(
        default=None, description="The author's answer to `MessageMatched`: it is about this report, and joins it."
    )
    confirm_new: bool = strawberry.field(
        default=False, description="The author's answer to `MessageMatched`: it is none of them."
    )


RegisterMessageResult = Annotated[
    MessageRegistered
    | MessageMatched
    | CategoryUnclear
    | PlaceUnclear
    | p.ConsentMissing
    | p.InvalidText
    | p.InvalidLocation
    | p.OutsideKnownArea
    | p.UnknownCategory
    | p.UnknownReport
    | p.InvalidId
    | p.UnknownUpload
    | p.UploadNotReady
    | p.NotPermitted,
    strawberry.union(
        "RegisterMessageResult", description="What became of the message, a question to its author, or what was wrong."
    ),
]


async def register_message(info: Info, input: Annotated[RegisterMessageInput, INPUT]) -> RegisterMessageResult:
    """Pass on a message; BART finds out what it is about, where, and whether that was reported already.

    The same `source` and `externalId` are the same message: sent again it gets the same answer, edited it changes what
    it made.
    """
    c, consent = info.context, input.consent
    post = register.Post(
        source=input.source,
        external_id=input.external_id,
        author=input.author,
        text=input.text,
        consent=None if consent is None else consent.given(),
        written_at=input.written_at,
        permalink=input.permalink,
        place=input.place,
        location=None if input.location is None else input.location.checked(("input", "location")),
        upload_ids=tuple(read_uuid(one, "Upload", ("input", "uploadIds")) for one in input.upload_ids),
        category=input.category,
        same_as=None if input.same_as is None else read_uuid(input.same_as, "Report", ("input", "sameAs")),
        confirm_new=input.confirm_new,
    )
    return _answer(await register.register_message(c.db, c.services.monitor, c.viewer, post))


def _answer(made: register.Registered | register.Asked) -> RegisterMessageResult:
    received = Message(record=made.message)
    suggestions = [CategorySuggestion(suggested=one) for one in made.suggestions]
    if isinstance(made, register.Registered):
        event = event_of(made.outcome.event)
        return MessageRegistered(received=received, suggestions=suggestions, event=event)
    match made.question:
        case register.Question.SAME:
            return MessageMatched(received=received, suggestions=suggestions, matches=matches_of([*made.matches]))
        case register.Question.CATEGORY:
            return CategoryUnclear(received=received, suggestions=suggestions)
        case register.Question.PLACE:
            return PlaceUnclear(received=received, suggestions=suggestions)


async def message(
    info: Info,
    source: Annotated[str, strawberry.argument(description=SOURCE)],
    external_id: Annotated[str, strawberry.argument(description=EXTERNAL_ID)],
) -> Message | None:
    """A message that the caller's organisation passed on; null where there is none."""
    organisation = info.context.viewer.organisation
    if organisation is None:
        return None
    async with info.context.db.read() as conn:
        return _message_of(await messages.by_external_id(conn, organisation, source, external_id))


async def message_by_key(info: Info, key: UUID) -> Message | None:
    organisation = info.context.viewer.organisation
    if organisation is None:
        return None
    async with info.context.db.read() as conn:
        return _message_of(await messages.by_id(conn, organisation, key))


def _message_of(record: Record | None) -> Message | None:
    return None if record is None else Message(record=record)
