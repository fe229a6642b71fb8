"""Submitting a report."""

from typing import Annotated

import strawberry

from geo.contacts import Contact
from geo.models import Outcome
from geo.usecases import submit_report as usecase
from schema import problems as p
from schema.context import Info
from schema.enums import Channel, Language, Urgency
from schema.events import ReportSubmitted
from schema.inputs import INPUT, KEY, MASK
from schema.points import PointInput
from schema.similar import SimilarReportsFound, matches_of


@strawberry.input(description="How to reach whoever phoned or came by. They are told of the report by mail, if given.")
class ContactInput:
    name: str | None = strawberry.field(default=None, description="How to address them.")
    email: str | None = strawberry.field(default=None, description="An e-mail address.")
    phone: str | None = strawberry.field(default=None, description="A telephone number. Example: `+31 70 353 30 00`.")
    language: Language = strawberry.field(default=Language.NL, description="The language of the mails.")

    def checked(self) -> Contact:
        return Contact.checked(
            name=self.name,
            email=self.email,
            phone=self.phone,
            language=self.language,
            path=("input", "contact"),
        )


@strawberry.input(description="A new report.")
class SubmitReportInput:
    category: str = strawberry.field(description="The slug of a category. Example: `glas`.")
    description: str = strawberry.field(description="What is the matter, at most 4000 characters of plain text.")
    location: PointInput = strawberry.field(description="Where it is.")
    urgency: Urgency | None = strawberry.field(default=None, description="Without it, the category's own.")
    confirm_new: bool = strawberry.field(
        default=False,
        description="It is none of the reports that are there already: file it without asking. Otherwise the answer "
        "may be `SimilarReportsFound`. In an emergency nobody is asked.",
    )
    mask_personal_data: bool = strawberry.field(default=False, description=MASK)
    channel: Channel = strawberry.field(
        default=Channel.APP, description="How it came in. CALL and FACE are for officials who report for somebody else."
    )
    contact: ContactInput | None = strawberry.field(
        default=None, description="For officials: how to reach whom they report for. Kept apart, and for a time only."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


SubmitReportResult = Annotated[
    ReportSubmitted
    | SimilarReportsFound
    | p.PersonalDataFound
    | p.InvalidText
    | p.InvalidLocation
    | p.OutsideKnownArea
    | p.UnknownCategory
    | p.InvalidContact
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union(
        "SubmitReportResult", description="The report was submitted, or a question to the reporter, or what was wrong."
    ),
]


async def submit_report(info: Info, input: Annotated[SubmitReportInput, INPUT]) -> SubmitReportResult:
    """Report a situation in public space."""
    draft = usecase.Draft(
        input.category,
        input.description,
        input.location.lon,
        input.location.lat,
        input.urgency,
        input.confirm_new,
        input.mask_personal_data,
        input.channel,
        None if input.contact is None else input.contact.checked(),
    )
    c = info.context
    made = await usecase.submit_report(c.db, c.services.categories, c.viewer, draft, input.idempotency_key)
    return ReportSubmitted.of(made) if isinstance(made, Outcome) else SimilarReportsFound(matches=matches_of(made))
