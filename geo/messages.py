"""Messages that apps pass on, each with the consent of its author: one row a message, by source and external id."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Double, Row, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.geometry import SRID
from geo.models import Consent, Message, Point
from geo.tables import consent, message

_COLUMNS = [
    *(column for column in message.c if column.name != "location"),
    func.ST_X(message.c.location).label("lon"),
    func.ST_Y(message.c.location).label("lat"),
]


def _to_message(row: Row[Any]) -> Message:
    plain = {name: getattr(row, name) for name in Message.__dataclass_fields__ if name != "location"}
    return Message(**plain, location=None if row.lon is None else Point(row.lon, row.lat))


# What apps say is given at each execution, not within the statement: SQLAlchemy would keep it with the statement.
_OWN = select(*_COLUMNS).where(message.c.organisation == bindparam("organisation"))
_FOUND = _OWN.where(message.c.source == bindparam("source"), message.c.external_id == bindparam("external_id"))
_WRITTEN = select(*_COLUMNS).where(message.c.party == bindparam("party")).order_by(message.c.id)
_LOCATION = func.ST_SetSRID(func.ST_MakePoint(bindparam("lon", type_=Double), bindparam("lat", type_=Double)), SRID)
_TAKE_IN = insert(message).values(location=_LOCATION, received_at=func.clock_timestamp()).on_conflict_do_nothing()
_AGREE = insert(consent)
_AGREE = _AGREE.on_conflict_do_update(
    index_elements=["message_id"],
    set_={name: _AGREE.excluded[name] for name in ("given_at", "purposes", "text_version")},
)
_REWORD = (
    update(message)
    .where(message.c.id == bindparam("which"))
    .values(text=bindparam("words"), location=func.coalesce(_LOCATION, message.c.location))
    .returning(*_COLUMNS)
)


async def take_in(
    conn: AsyncConnection,
    *,
    organisation: str,
    source: str,
    external_id: str,
    party: str,
    text: str,
    place: str | None,
    location: Point | None,
    permalink: str | None,
    written_at: datetime | None,
    agreed: Consent,
) -> Message:
    """The message, as it came first or as it is stored already; locked until the transaction ends.

    Of two at once the second waits here until the first has committed.
    """
    fresh = {
        "id": uuid7(),
        "organisation": organisation,
        "source": source,
        "external_id": external_id,
        "party": party,
        "text": text,
        "place": place,
        "lon": location and location.lon,
        "lat": location and location.lat,
        "permalink": permalink,
        "written_at": written_at,
    }
    given = {"given_at": agreed.given_at, "purposes": agreed.purposes, "text_version": agreed.text_version}
    while True:  # whoever withdrew it meanwhile makes it new again
        await conn.execute(_TAKE_IN, fresh)
        if row := (await conn.execute(_FOUND.with_for_update(of=message), fresh)).one_or_none():
            await conn.execute(_AGREE, {"message_id": row.id, **given})
            return _to_message(row)


async def reword(conn: AsyncConnection, message_id: UUID, text: str, location: Point | None) -> Message:
    """The message with another text, and with a place if there is one now."""
    where = {"lon": location and location.lon, "lat": location and location.lat}
    return _to_message((await conn.execute(_REWORD, {"which": message_id, "words": text, **where})).one())


async def change(conn: AsyncConnection, message_id: UUID, **changes: Any) -> Message:
    """The message with other values."""
    changed = update(message).where(message.c.id == message_id).values(**changes).returning(*_COLUMNS)
    return _to_message((await conn.execute(changed)).one())


async def by_external_id(conn: AsyncConnection, organisation: str, source: str, external_id: str) -> Message | None:
    key = {"organisation": organisation, "source": source, "external_id": external_id}
    row = (await conn.execute(_FOUND, key)).one_or_none()
    return None if row is None else _to_message(row)


async def by_id(conn: AsyncConnection, organisation: str, message_id: UUID) -> Message | None:
    """The organisation's own message."""
    own = select(*_COLUMNS).where(message.c.id == message_id, message.c.organisation == organisation)
    row = (await conn.execute(own)).one_or_none()
    return None if row is None else _to_message(row)


async def lock_one(conn: AsyncConnection, organisation: str, source: str, external_id: str) -> Sequence[Message]:
    """The organisation's message by source and external id, locked until the transaction ends."""
    key = {"organisation": organisation, "source": source, "external_id": external_id}
    return [_to_message(row) for row in await conn.execute(_FOUND.with_for_update(of=message), key)]


async def lock_written(
    conn: AsyncConnection, party: str, report_ids: Sequence[UUID] | None = None
) -> Sequence[Message]:
    """The messages of an author, on these reports alone where they are given; locked until the transaction ends."""
    written = _WRITTEN if report_ids is None else _WRITTEN.where(message.c.report_id.in_(report_ids))
    return [_to_message(row) for row in await conn.execute(written.with_for_update(of=message), {"party": party})]


async def forget(conn: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Delete messages with their consents: nothing of them stays."""
    await conn.execute(delete(consent).where(consent.c.message_id.in_(ids)))
    await conn.execute(delete(message).where(message.c.id.in_(ids)))


async def purge(conn: AsyncConnection, before: datetime) -> int:
    """Forget messages that came before a time and whose question nobody answered; returns how many."""
    idle = select(message.c.id).where(message.c.event_id.is_(None), message.c.received_at < before)
    ids = (await conn.scalars(idle.with_for_update(skip_locked=True))).all()
    await forget(conn, ids)
    return len(ids)
