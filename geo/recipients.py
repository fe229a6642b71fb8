"""Who is told of an event: those involved in the report, those who follow its area, and never the one who did it."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import array, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.consumers import Span
from geo.events import NOTIFIED
from geo.models import ActorKind, EventKind, Involvement, MailMode, Place, ReportStatus, Visibility
from geo.tables import alert, area, area_follow, contact, event, involvement, merge, preference, report

CONTACT = "contact:"  # and the id of a report: its contact, who is no party. The name of a party has a slash.
UNTOLD = (NOTIFIED, EventKind.VISIBILITY_CHANGED, EventKind.ERASED)
TO_THE_INVOLVED = (Visibility.PUBLIC, Visibility.INVOLVED)


class Recipient(NamedTuple):
    """Who is told of an event, and how that is to be mailed, if at all."""

    event_id: UUID
    party: str
    mail: MailMode | None


_MAP_REPLACED = and_(event.c.kind == EventKind.REPORT_MOVED, event.c.actor == ActorKind.SYSTEM)
_RESOLVES = and_(
    event.c.after["status"].astext == ReportStatus.RESOLVED, event.c.before["status"].astext != ReportStatus.RESOLVED
)
_NEWS = (
    select(event, _RESOLVES.label("resolves"))
    .where(event.c.position > bindparam("after"), event.c.position <= bindparam("until"))
    .where(event.c.kind.not_in(UNTOLD), not_(_MAP_REPLACED))
    .cte("news")
)
_OF_REPORTS = _NEWS.join(report, report.c.id == _NEWS.c.report_id)
_AS_PREFERRED = cast(null(), Text).label("mail")
_MAILED = and_(preference.c.confirmed_at.is_not(None), preference.c.mail != MailMode.OFF)


def _open_to(*levels: Visibility) -> ColumnElement[bool]:
    """The report and what happened to it are at one of these levels."""
    return and_(_NEWS.c.visibility.in_(levels), report.c.visibility.in_(levels))


def _involved() -> Select[Any]:
    """Who was involved when it happened."""
    return (
        select(_NEWS.c.id, involvement.c.party, _AS_PREFERRED)
        .select_from(_OF_REPORTS.join(involvement, involvement.c.report_id == report.c.id))
        .where(_open_to(*TO_THE_INVOLVED), involvement.c.since <= _NEWS.c.at)
    )


def _neighbours() -> Select[Any]:
    """Who followed an area that the report lies in: they are told of its beginning and its end."""
    codes = array([report.c[kind] for kind in Place.__dataclass_fields__])
    return (
        select(_NEWS.c.id, area_follow.c.party, _AS_PREFERRED)
        .select_from(_OF_REPORTS.join(area_follow, area_follow.c.code == any_(codes)))
        .where(_open_to(Visibility.PUBLIC), area_follow.c.since <= _NEWS.c.at)
        .where(or_(_NEWS.c.kind == EventKind.REPORT_SUBMITTED, _NEWS.c.resolves))
    )


def _alerted() -> Select[Any]:
    """Who follows an area that shares ground with that of an alert; a common border is not enough."""
    shared = func.ST_Intersects(area.c.geom, alert.c.geom), not_(func.ST_Touches(area.c.geom, alert.c.geom))
    return (
        select(_NEWS.c.id, area_follow.c.party, _AS_PREFERRED)
        .select_from(_NEWS.join(alert, alert.c.id == _NEWS.c.alert_id))
        .join(area, and_(area.c.state == literal_column("'LIVE'"), *shared))
        .join(area_follow, area_follow.c.code == area.c.code)
        .where(area_follow.c.since <= _NEWS.c.at)
    )


_PARTIES = union(_involved(), _neighbours(), _alerted()).cte("parties")


def _reached() -> CTE:
    """The reports whose contact an event may concern: its own, and those merged into that one when it happened."""
    duplicate = report.alias("duplicate")
    came = or_(
        merge.c.duplicate_id == duplicate.c.id,
        merge.c.moved["led_on"].contains(func.to_jsonb(cast(duplicate.c.id, Text))),
    )
    heard = and_(  # as an event of the duplicate itself
        _NEWS.c.kind == EventKind.DUPLICATE_JOINED, _NEWS.c.detail["duplicate"].astext == cast(duplicate.c.id, Text)
    )
    merged = (
        select(_NEWS.c.id, duplicate.c.id)
        .select_from(_NEWS.join(duplicate, duplicate.c.merged_into == _NEWS.c.report_id))
        .join(merge, and_(merge.c.into_id == _NEWS.c.report_id, came))
        .where(merge.c.undone_at.is_(None), merge.c.at <= _NEWS.c.at, not_(heard))
    )
    return union(select(_NEWS.c.id, _NEWS.c.report_id), merged).cte("reached")


def _contacts() -> Select[Any]:
    """Whom a report was taken down for, unless they did it themselves, or are told at the same address already: as a
    party, or as the contact of another of the reports that were merged."""
    reached = _reached()
    reporter = involvement.c.report_id == contact.c.report_id, involvement.c.role == Involvement.REPORTER
    own = or_(
        _NEWS.c.kind == EventKind.REPORT_SUBMITTED, exists().where(*reporter, involvement.c.party == _NEWS.c.party)
    )
    known = exists().where(
        _PARTIES.c.id == _NEWS.c.id,
        preference.c.party == _PARTIES.c.party,
        preference.c.email == contact.c.email,
        _MAILED,
    )
    once = (
        select(_NEWS.c.id, contact.c.report_id)
        .ext(distinct_on(_NEWS.c.id, contact.c.email))
        .select_from(_OF_REPORTS.join(reached, reached.c.id == _NEWS.c.id))
        .join(contact, contact.c.report_id == reached.c.report_id)
        .where(_open_to(*TO_THE_INVOLVED), contact.c.email.is_not(None), contact.c.unsubscribed_at.is_(None))
        .where(or_(contact.c.lapses_at.is_(None), contact.c.lapses_at > func.now()))
        .where(not_(and_(_NEWS.c.actor == ActorKind.RESIDENT, own)), not_(known))
        .order_by(_NEWS.c.id, contact.c.email, contact.c.report_id != report.c.id, contact.c.report_id)
        .subquery("once")
    )
    return select(once.c.id, func.concat(CONTACT, once.c.report_id).cast(Text), literal(MailMode.EACH))


def _everybody() -> Select[Any]:
    told = union_all(select(_PARTIES), _contacts()).subquery("told")
    mail = func.coalesce(told.c.mail, case((_MAILED, preference.c.mail)))
    return (
        select(told.c.id, told.c.party, mail.label("mail"))
        .select_from(told.join(_NEWS, _NEWS.c.id == told.c.id))
        .outerjoin(preference, preference.c.party == told.c.party)
        .where(told.c.party.is_distinct_from(_NEWS.c.party))
        .order_by(_NEWS.c.position, told.c.party)
    )


_EVERYBODY = _everybody()  # made once: it takes longer to make than to run


async def of_events(conn: AsyncConnection, span: Span) -> list[Recipient]:
    """Who is told of the events of a span, event by event in the order of the feed."""
    rows = await conn.execute(_EVERYBODY, span._asdict())
    return [Recipient(row.id, row.party, row.mail and MailMode(row.mail)) for row in rows]


def is_contact(party: str) -> bool:
    return party.startswith(CONTACT) and "/" not in party
