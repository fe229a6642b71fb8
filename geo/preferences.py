"""How a party wants to be told, and where its mail goes."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, false, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.models import Language, MailMode
from geo.tables import preference

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


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
