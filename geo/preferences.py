"""How a party wants to be told, and where its mail goes."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, delete, exists, false, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.models import Language, MailMode
from geo.tables import address_question, preference

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
DAY = timedelta(days=1)
MOST_QUESTIONS = 3  # in a day, to one address, whoever gave it
AGAIN_AFTER = timedelta(hours=1)  # the same party can have the same address asked once more


@dataclass(frozen=True, slots=True)
class Preferences:
    """`address_id` stands for this address of this party, in what others may read. Nothing is mailed to an address
    before `confirmed_at`, nor from the hour `quiet_from` until the hour `quiet_until` on the clocks of Amsterdam."""

    language: Language = Language.NL
    mail: MailMode = MailMode.OFF
    email: str | None = None
    address_id: UUID | None = None
    confirmed_at: datetime | None = None
    quiet_from: int | None = None
    quiet_until: int | None = None


def quiet(now: datetime) -> ColumnElement[bool]:
    """Whether mail has to wait, as SQL over `preference`; the hours may go past midnight."""
    hour = literal(now.astimezone(AMSTERDAM).hour)
    begun, going_on = hour >= preference.c.quiet_from, hour < preference.c.quiet_until
    past_midnight = preference.c.quiet_from > preference.c.quiet_until
    return func.coalesce(case((past_midnight, begun | going_on), else_=begun & going_on), false())


_COLUMNS = [preference.c[name] for name in Preferences.__dataclass_fields__]


async def of_party(conn: AsyncConnection, party: str, *, lock: bool = False) -> Preferences:
    """Those of a party, or the defaults; `lock` keeps them as they are until the transaction ends."""
    statement = select(*_COLUMNS).where(preference.c.party == party)
    row = (await conn.execute(statement.with_for_update() if lock else statement)).one_or_none()
    if row is None:
        return Preferences()
    return Preferences(**row._asdict() | {"language": Language(row.language), "mail": MailMode(row.mail)})


async def save(conn: AsyncConnection, party: str, wanted: Preferences) -> None:
    values = asdict(wanted)
    saved = insert(preference).values(party=party, **values)
    await conn.execute(saved.on_conflict_do_update(index_elements=["party"], set_=values))


async def lock_address(conn: AsyncConnection, email: str) -> None:
    """Be the only one who asks at an address until the transaction ends."""
    await conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"address {email.lower()}", 0))))


async def asked_lately(conn: AsyncConnection, address_id: UUID) -> bool:
    """Whether it was asked within the last hour if this address is right."""
    recent = address_question.c.asked_at > func.now() - AGAIN_AFTER
    asked = select(exists().where(address_question.c.address_id == address_id, recent))
    return bool(await conn.scalar(asked))


async def ask(conn: AsyncConnection, address_id: UUID, email: str) -> bool:
    """Note that it is asked if a locked address is right; False where it was asked so often that it must not be."""
    await conn.execute(delete(address_question).where(address_question.c.asked_at <= func.now() - DAY))
    digest = sha256(email.lower().encode()).digest()  # for all spellings, as mail servers take them
    same = select(func.count()).where(address_question.c.digest == digest)
    if (await conn.execute(same)).scalar_one() >= MOST_QUESTIONS:
        return False
    asked = {"address_id": address_id, "digest": digest, "asked_at": func.now()}
    await conn.execute(insert(address_question).values(asked))
    return True


async def unconfirmed_address(conn: AsyncConnection, address_id: UUID) -> tuple[str, Language] | None:
    """The address that is to be confirmed, and in which language to ask."""
    asked = preference.c.address_id == address_id, preference.c.confirmed_at.is_(None)
    row = (await conn.execute(select(preference.c.email, preference.c.language).where(*asked))).one_or_none()
    return row and (row.email, Language(row.language))


async def confirm(conn: AsyncConnection, address_id: UUID) -> bool:
    """Whether this is still the address; once confirmed it stays so."""
    confirmed = func.coalesce(preference.c.confirmed_at, func.now())
    done = update(preference).where(preference.c.address_id == address_id).values(confirmed_at=confirmed)
    return (await conn.execute(done)).rowcount > 0
