"""How to reach the reporter of a report: for the authorities of its territory, who leave a trace when they look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

import phonenumbers
from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.emails import check_email
from geo.errors import InvalidContact
from geo.geometry import Path
from geo.models import Language
from geo.tables import audit, contact, report

MAX_NAME = 100
READ_REPORTER = "READ_REPORTER"


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach somebody. `phone` is in E.164, such as +31701234567; `lapses_at` is None until that is known."""

    name: str | None
    email: str | None
    phone: str | None
    language: Language = Language.NL
    lapses_at: datetime | None = None

    @classmethod
    def checked(
        cls, *, name: str | None, email: str | None, phone: str | None, language: Language = Language.NL, path: Path
    ) -> Self:
        """From what somebody typed in; raises `InvalidContact`."""
        if email is None and phone is None:
            raise InvalidContact("Nobody can be reached by this.", path=path, hint="Give an `email` or a `phone`.")
        return cls(
            name=None if name is None else _check_name(name, (*path, "name")),
            email=None if email is None else check_email(email, (*path, "email")),
            phone=None if phone is None else _check_phone(phone, (*path, "phone")),
            language=language,
        )


def _check_name(text: str, path: Path) -> str:
    clean = text.strip()
    if not clean or len(clean) > MAX_NAME or not clean.isprintable():
        raise InvalidContact("This is not a name.", path=path, hint=f"At most {MAX_NAME} characters, on one line.")
    return clean


def _check_phone(text: str, path: Path) -> str:
    """In E.164; without a country it is Dutch."""
    try:
        number = phonenumbers.parse(text, "NL")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise InvalidContact(
            "This is not a telephone number.", path=path, hint="Such as 070 123 45 67 or +32 2 123 45 67."
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


async def add(conn: AsyncConnection, report_id: UUID, given: Contact) -> None:
    """Keep how to reach the reporter of a new report."""
    values = {name: getattr(given, name) for name in Contact.__dataclass_fields__}
    await conn.execute(insert(contact).values(report_id=report_id, **values))


async def expire(conn: AsyncConnection, report_id: UUID, at: datetime | None) -> None:
    """Let the contacts of a report, and of what was merged into it, lapse at a time; None while it is open."""
    own = select(report.c.id).where(report.c.id == report_id)  # not OR: each of the two is found by its index
    of = own.union_all(select(report.c.id).where(report.c.merged_into == report_id))
    await conn.execute(update(contact).where(contact.c.report_id.in_(of)).values(lapses_at=at))


async def purge(conn: AsyncConnection, now: datetime) -> None:
    """Forget what has lapsed."""
    await conn.execute(delete(contact).where(contact.c.lapses_at <= now))


async def read(conn: AsyncConnection, party: str, report_ids: Sequence[UUID]) -> dict[UUID, Contact]:
    """The contacts of these reports that have not lapsed, after noting that the party read each of them."""
    in_force = or_(contact.c.lapses_at.is_(None), contact.c.lapses_at > func.now())
    rows = (await conn.execute(select(contact).where(contact.c.report_id.in_(report_ids), in_force))).all()
    if rows:
        noted = {"at": func.clock_timestamp(), "party": party, "action": READ_REPORTER}
        await conn.execute(insert(audit).values([{"id": uuid7(), "report_id": row.report_id, **noted} for row in rows]))
    return {
        row.report_id: Contact(row.name, row.email, row.phone, Language(row.language), row.lapses_at) for row in rows
    }
