"""What of the notifications is to be mailed, to whom, and that it has been."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.models import AlertEventKind, Language, MailMode, Visibility
from geo.notifications import READING, Notification, to_notification
from geo.preferences import AMSTERDAM, quiet
from geo.recipients import CONTACT, TO_THE_INVOLVED, is_contact
from geo.tables import alert, contact, event, involvement, notification, preference, report

DIGEST_HOUR = 17  # on the clocks of Amsterdam
MOST_IN_DIGEST = 200  # of more, the rest comes in another one
DUE_AT_ONCE = 1_000
UNDER_WAY = timedelta(minutes=5)  # for that long a new notification has a job of its own
GIVEN_UP_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Addressee:
    """Where mail goes: a party that wants it, by the id of its address, or a contact, by the id of its report."""

    id: UUID
    email: str
    language: Language
    quiet: bool  # for now


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits to be mailed, oldest first, and the ids of what must not be told any more."""

    told: list[Notification]
    untold: list[UUID]


async def addressee(conn: AsyncConnection, party: str, now: datetime) -> Addressee | None:
    """Where mail for a party goes; None where it wants none."""
    of = _contact(UUID(party.removeprefix(CONTACT))) if is_contact(party) else _party(party, now)
    row = (await conn.execute(of)).one_or_none()
    return None if row is None else Addressee(row.id, row.email, Language(row.language), row.quiet)


def _party(party: str, now: datetime) -> Select[Any]:
    c = preference.c
    wanted = c.confirmed_at.is_not(None), c.mail != MailMode.OFF
    return select(c.address_id.label("id"), c.email, c.language, quiet(now).label("quiet")).where(
        c.party == party, *wanted
    )


def _contact(report_id: UUID) -> Select[Any]:
    c = contact.c
    wanted = c.email.is_not(None), c.unsubscribed_at.is_(None), or_(c.lapses_at.is_(None), c.lapses_at > func.now())
    return select(c.report_id.label("id"), c.email, c.language, false().label("quiet")).where(
        c.report_id == report_id, *wanted
    )


async def unsubscribe(conn: AsyncConnection, addressee_id: UUID) -> None:
    """Mail nothing any more to an address, or to the contact of a report, by its id."""
    off = update(preference).where(preference.c.address_id == addressee_id).values(mail=MailMode.OFF)
    await conn.execute(off)
    await conn.execute(update(contact).where(contact.c.report_id == addressee_id).values(unsubscribed_at=func.now()))


def _open() -> ColumnElement[bool]:
    """Whether it may still be told: the report is not hidden from its receiver by now, the alert is in force."""
    levels = report.c.visibility, event.c.visibility
    public = and_(*(level == Visibility.PUBLIC for level in levels))
    own = involvement.c.report_id == report.c.id, involvement.c.party == notification.c.party
    duplicate = report.alias("duplicate")
    merged = select(func.concat(CONTACT, duplicate.c.id)).where(duplicate.c.merged_into == report.c.id)
    contacts = notification.c.party == func.concat(CONTACT, report.c.id), notification.c.party.in_(merged)
    involved = or_(exists().where(*own), *contacts)
    in_force = and_(alert.c.withdrawn_at.is_(None), alert.c.valid_until > func.now())
    return or_(
        public,
        and_(*(level.in_(TO_THE_INVOLVED) for level in levels), involved),
        event.c.kind == AlertEventKind.ALERT_WITHDRAWN,
        and_(event.c.alert_id.is_not(None), in_force),
    )


_WAITING = READING.add_columns(func.coalesce(_open(), False).label("open")).where(notification.c.mailed_at.is_(None))


async def try_lock(conn: AsyncConnection, notification_id: UUID, mode: MailMode) -> bool:
    """Be the one who mails a notification, or the digest of its party, until the transaction ends; False where another
    one is, or there is no such notification. Only mailers wait for each other: a mail server may take long to answer.
    """
    what = cast(notification.c.id, Text) if mode is MailMode.EACH else notification.c.party
    lock = func.pg_try_advisory_xact_lock(func.hashtextextended(func.concat("mail ", what), 0))
    return bool(await conn.scalar(select(lock).where(notification.c.id == notification_id)))


async def waiting(conn: AsyncConnection, notification_id: UUID, mode: MailMode) -> Waiting:
    """What is to be mailed now: the notification, or for a digest it with all older ones of its party."""
    this = notification.c.id == notification_id
    if mode is MailMode.DIGEST:
        same = notification.alias("same")
        party = select(same.c.party).where(same.c.id == notification_id).scalar_subquery()
        this = and_(notification.c.party == party, notification.c.id <= notification_id)
    statement = _WAITING.where(this, notification.c.mail == mode).order_by(notification.c.id).limit(MOST_IN_DIGEST)
    rows = (await conn.execute(statement)).all()
    told = [to_notification(row) for row in rows if row.open]
    return Waiting(told, [row.notification_id for row in rows if not row.open])


async def mailed(conn: AsyncConnection, ids: Collection[UUID]) -> None:
    """The mail server has accepted them."""
    await conn.execute(update(notification).where(notification.c.id.in_(ids)).values(mailed_at=func.now()))


async def drop(conn: AsyncConnection, ids: Collection[UUID]) -> None:
    """They are not to be mailed any more."""
    await conn.execute(update(notification).where(notification.c.id.in_(ids)).values(mail=None))


async def give_up(conn: AsyncConnection, now: datetime) -> None:
    """Drop what could not be mailed for days."""
    late = notification.c.mail.is_not(None), notification.c.at < now - GIVEN_UP_AFTER
    await conn.execute(update(notification).where(notification.c.mailed_at.is_(None), *late).values(mail=None))


async def due(conn: AsyncConnection, now: datetime, after: UUID | None = None) -> Sequence[tuple[UUID, MailMode]]:
    """What should be mailed now and has not been: digests, the last notification of each, and what had to wait for the
    end of quiet hours or was lost on the way. Oldest first, the next `DUE_AT_ONCE` behind one of them."""
    unmailed = and_(notification.c.mailed_at.is_(None), true() if after is None else notification.c.id > after)
    each = select(notification.c.id, literal(MailMode.EACH).label("mail"), notification.c.party).where(
        unmailed, notification.c.mail == MailMode.EACH, notification.c.at < now - UNDER_WAY
    )
    digests = (
        select(notification.c.id, literal(MailMode.DIGEST).label("mail"), notification.c.party)
        .ext(distinct_on(notification.c.party))
        .where(unmailed, notification.c.mail == MailMode.DIGEST, notification.c.at < digest_time(now))
        .order_by(notification.c.party, notification.c.id.desc())
    )
    found = each.union_all(digests).subquery("found")
    rows = await conn.execute(
        select(found.c.id, found.c.mail)
        .outerjoin(preference, preference.c.party == found.c.party)
        .where(not_(quiet(now)))
        .order_by(found.c.id)
        .limit(DUE_AT_ONCE)
    )
    return [(row.id, MailMode(row.mail)) for row in rows]


def digest_time(now: datetime) -> datetime:
    """When the last digest was due."""
    today = datetime.combine(now.astimezone(AMSTERDAM), time(DIGEST_HOUR), AMSTERDAM)
    return today if today <= now else today - timedelta(days=1)
