"""How the caller wants to be told."""

from typing import Annotated

import strawberry

from geo import preferences as geo_preferences
from geo.preferences import Preferences as Record
from geo.usecases import set_preferences as usecase
from schema import problems as p
from schema.context import Info
from schema.enums import Language, MailMode
from schema.inputs import INPUT, KEY

QUIET_FROM = "The hour on the clocks of Amsterdam, 0 to 23, from which no mail comes. Example: `22`."
QUIET_UNTIL = "The hour at which it comes again. Example: `7`."


@strawberry.type(description="How the caller wants to be told.")
class Preferences:
    record: strawberry.Private[Record]

    @strawberry.field(description="In which language mail is.")
    def language(self) -> Language:
        return self.record.language

    @strawberry.field(description="Whether notifications are mailed too.")
    def mail(self) -> MailMode:
        return self.record.mail

    @strawberry.field(description="Where to.")
    def email(self) -> str | None:
        return self.record.email

    @strawberry.field(
        description="Whether somebody at that address has said that it is right. Until then nothing but that question "
        "is mailed to it."
    )
    def email_confirmed(self) -> bool:
        return self.record.confirmed_at is not None

    @strawberry.field(description=QUIET_FROM)
    def quiet_from(self) -> int | None:
        return self.record.quiet_from

    @strawberry.field(description=QUIET_UNTIL)
    def quiet_until(self) -> int | None:
        return self.record.quiet_until


@strawberry.input(description="How to tell the caller from now on. What is left out goes back to its default.")
class SetPreferencesInput:
    language: Language = strawberry.field(default=Language.NL, description="In which language mail is.")
    mail: MailMode = strawberry.field(default=MailMode.OFF, description="Whether notifications are mailed too.")
    email: str | None = strawberry.field(
        default=None,
        description="Where to. A link is mailed to it, and it has to be opened and confirmed before anything else is.",
    )
    quiet_from: int | None = strawberry.field(default=None, description=QUIET_FROM)
    quiet_until: int | None = strawberry.field(default=None, description=QUIET_UNTIL)
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


SetPreferencesResult = Annotated[
    Preferences
    | p.InvalidContact
    | p.InvalidPreferences
    | p.NotPermitted
    | p.InvalidIdempotencyKey
    | p.IdempotencyKeyReused,
    strawberry.union("SetPreferencesResult", description="The preferences now, or what was wrong."),
]


async def preferences(info: Info) -> Preferences:
    """How the caller wants to be told."""
    async with info.context.db.read() as conn:
        return Preferences(record=await geo_preferences.of_party(conn, info.context.viewer.known_party()))


async def set_preferences(info: Info, input: Annotated[SetPreferencesInput, INPUT]) -> SetPreferencesResult:
    """Say how to be told: in which language, by mail or not, and when not to be disturbed."""
    wishes = usecase.Wishes(input.language, input.mail, input.email, input.quiet_from, input.quiet_until)
    c = info.context
    return Preferences(
        record=await usecase.set_preferences(c.db, c.viewer, wishes, c.services.ask_address, input.idempotency_key)
    )
