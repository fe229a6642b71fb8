"""Set how a party wants to be told, and ask at a new address whether it is theirs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo import idempotency, preferences
from geo.db import Database
from geo.emails import check_email
from geo.errors import InvalidPreferences
from geo.models import Language, MailMode
from geo.preferences import Preferences
from geo.viewer import Viewer

AskAddress = Callable[[AsyncConnection, UUID], Awaitable[None]]  # to mail a question, if the transaction is committed


@dataclass(frozen=True, slots=True)
class Wishes:
    """All of them: what is left out goes back to its default."""

    language: Language = Language.NL
    mail: MailMode = MailMode.OFF
    email: str | None = None
    quiet_from: int | None = None
    quiet_until: int | None = None


async def set_preferences(
    db: Database, viewer: Viewer, wishes: Wishes, ask_address: AskAddress | None, idempotency_key: str | None
) -> Preferences:
    """The preferences from now on. An address is asked first, and gets nothing else until it is confirmed.

    The same party has it asked once an hour at most, and all parties together three times a day.

    `ask_address` is None on a server that sends no mail. Raises `InvalidContact`, `InvalidPreferences`, `NotPermitted`,
    and the problems of idempotency keys.
    """
    party = viewer.known_party()
    email = None if wishes.email is None else check_email(wishes.email, ("input", "email"))
    _check(wishes, can_mail=ask_address is not None)
    once = idempotency.Once(viewer, idempotency_key, "setPreferences", wishes)
    async with db.write() as conn:
        if email is not None:
            await preferences.lock_address(conn, email)
        before = await preferences.of_party(conn, party, lock=True)
        if await once.earlier(conn):
            return before
        known = email is not None and email == before.email and await _known(conn, before)
        fresh = None if email is None or known else uuid7()
        after = Preferences(
            language=wishes.language,
            mail=wishes.mail,
            email=email,
            address_id=before.address_id if known else fresh,
            confirmed_at=before.confirmed_at if known else None,
            quiet_from=wishes.quiet_from,
            quiet_until=wishes.quiet_until,
        )
        await preferences.save(conn, party, after)
        if email is not None and fresh is not None and ask_address is not None:
            if not await preferences.ask(conn, fresh, email):
                raise InvalidPreferences(
                    "This address was asked today already, as often as it may be.",
                    path=("input", "email"),
                    hint="Open the link in the mail that was sent to it, or give it again tomorrow.",
                )
            await ask_address(conn, fresh)
        await once.done(conn, uuid7())
        return after


async def _known(conn: AsyncConnection, before: Preferences) -> bool:
    """Whether there is no need to ask at the same address again."""
    if before.confirmed_at is not None:
        return True
    return before.address_id is not None and await preferences.asked_lately(conn, before.address_id)


def _check(wishes: Wishes, *, can_mail: bool) -> None:
    if wishes.mail is not MailMode.OFF and wishes.email is None:
        raise InvalidPreferences("There is no address to mail to.", path=("input", "email"), hint="Give your address.")
    if wishes.email is not None and not can_mail:
        raise InvalidPreferences("This server sends no mail.", path=("input", "email"), hint="Leave it out.")
    hours = wishes.quiet_from, wishes.quiet_until
    for name, hour in zip(("quietFrom", "quietUntil"), hours, strict=True):
        if hour is not None and not 0 <= hour <= 23:
            raise InvalidPreferences(f"{hour} is not an hour.", path=("input", name), hint="0 to 23.")
    if (wishes.quiet_from is None) != (wishes.quiet_until is None) or (
        wishes.quiet_from is not None and wishes.quiet_from == wishes.quiet_until
    ):
        raise InvalidPreferences(
            "These are no hours in which it is quiet.",
            path=("input", "quietUntil"),
            hint="Two hours, such as 22 and 7.",
        )
