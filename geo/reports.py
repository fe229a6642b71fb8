"""Reports: one row read, locked, inserted or changed. Pages of them are in `geo.report_pages`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Double, bindparam, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.errors import UnknownReport
from geo.geometry import SRID, Path
from geo.models import ActorKind, Channel, Place, Point, Report, ReportStatus, Urgency, Verdict, Visibility
from geo.numbers import new_number
from geo.rows import columns, to_report
from geo.tables import report
from geo.viewer import Viewer
from geo.visibility import visible


async def by_ids(conn: AsyncConnection, viewer: Viewer, ids: Sequence[UUID]) -> dict[UUID, Report]:
    """Those of the reports that the viewer may see."""
    rows = await conn.execute(select(*columns()).where(report.c.id.in_(ids), visible(viewer, report)))
    return {row.id: to_report(row) for row in rows}


_asked = report.alias("asked")
_going_on = func.coalesce(_asked.c.merged_into, _asked.c.id)  # itself, or what it was merged into


async def surviving(conn: AsyncConnection, viewer: Viewer, ids: Sequence[UUID]) -> dict[UUID, Report]:
    """Those of the reports that the viewer may see; in the place of a merged one the report that goes on."""
    going_on = select(_asked.c.id.label("asked"), *columns()).join(report, report.c.id == _going_on)
    rows = await conn.execute(going_on.where(_asked.c.id.in_(ids), visible(viewer, report)))
    return {row.asked: to_report(row) for row in rows}


async def by_number(conn: AsyncConnection, viewer: Viewer, number: str) -> Report | None:
    """The report with this number, or the one that goes on where it was merged."""
    going_on = select(*columns()).join(_asked, report.c.id == _going_on)
    row = (await conn.execute(going_on.where(_asked.c.number == number, visible(viewer, report)))).one_or_none()
    return None if row is None else to_report(row)


async def lock(conn: AsyncConnection, viewer: Viewer, report_id: UUID, path: Path) -> Report:
    """The report, or the one that goes on where it was merged, locked until the transaction ends.

    Raises `UnknownReport` where there is none for this viewer. The lock orders the changes of one report, and with them
    its versions and its events.
    """
    going_on = select(_going_on).where(_asked.c.id == report_id).scalar_subquery()
    found = select(*columns()).where(report.c.id == going_on, report.c.merged_into.is_(None), visible(viewer, report))
    for _ in range(2):  # a merge may end while the first look waits for the lock; the second one follows it
        if row := (await conn.execute(found.with_for_update(of=report))).one_or_none():
            return to_report(row)
    raise UnknownReport(path=path, hint="Pass the `id` of a report that you can read.")


async def lock_all(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Report]:
    """The reports, whoever may see them, locked in the order of `lock_several`."""
    found = select(*columns()).where(report.c.id.in_(ids))
    in_order = found.order_by(report.c.merged_into.is_not(None), report.c.id).with_for_update(of=report)
    return [to_report(row) for row in await conn.execute(in_order)]


async def lock_several(conn: AsyncConnection, viewer: Viewer, ids: Sequence[UUID]) -> dict[UUID, Report]:
    """Those of the reports, merged or not, that the viewer may see, locked with all that is merged into them.

    Always in the same order, survivors first, so that no two merges wait for each other.
    """
    asked = report.c.id.in_(ids) & visible(viewer, report)
    found = select(*columns()).where(or_(asked, report.c.merged_into.in_(ids)))
    in_order = found.order_by(report.c.merged_into.is_not(None), report.c.id).with_for_update(of=report)
    return {row.id: to_report(row) for row in await conn.execute(in_order) if row.id in ids}


async def lock_merged(conn: AsyncConnection, into: UUID) -> Sequence[Report]:
    """The reports that are merged into a locked one, locked too."""
    found = select(*columns()).where(report.c.merged_into == into).order_by(report.c.id).with_for_update(of=report)
    return [to_report(row) for row in await conn.execute(found)]


async def lock_itself(conn: AsyncConnection, report_id: UUID) -> Report:
    """The report, whoever may see it and wherever it goes on, locked until the transaction ends."""
    row = await conn.execute(select(*columns()).where(report.c.id == report_id).with_for_update(of=report))
    return to_report(row.one())


async def lock_overdue(conn: AsyncConnection, now: datetime, most: int) -> Sequence[Report]:
    """Open reports that should have been resolved by now and were not escalated yet, locked; not those that somebody
    else has locked."""
    late = report.c.escalated_at.is_(None), report.c.stage == text("'OPEN'"), report.c.merged_into.is_(None)
    found = select(*columns()).where(report.c.due_at <= now, *late).order_by(report.c.due_at).limit(most)
    return [to_report(row) for row in await conn.execute(found.with_for_update(of=report, skip_locked=True))]


async def lock_unclosed(conn: AsyncConnection, now: datetime, most: int) -> Sequence[Report]:
    """Resolved reports whose time for feedback has passed, locked; not those that somebody else has locked."""
    final = report.c.closed_at.is_(None), report.c.stage == text("'RESOLVED'")
    found = select(*columns()).where(report.c.feedback_until <= now, *final).order_by(report.c.feedback_until)
    rows = await conn.execute(found.limit(most).with_for_update(of=report, skip_locked=True))
    return [to_report(row) for row in rows]


# Made once: it takes longer to make this statement than to run it.
_INSERT = (
    insert(report)
    .values(
        location=func.ST_SetSRID(
            func.ST_MakePoint(bindparam("lon", type_=Double), bindparam("lat", type_=Double)), SRID
        ),
        status=ReportStatus.REPORTED,
        submitted_at=func.clock_timestamp(),
        updated_at=func.clock_timestamp(),
        version=1,
    )
    .on_conflict_do_nothing(index_elements=["number"])
    .returning(*columns())
)


async def insert_new(
    conn: AsyncConnection,
    *,
    category: str,
    urgency: Urgency,
    visibility: Visibility,
    description: str,
    original: str | None = None,
    location: Point,
    place: Place,
    due_at: datetime | None,
    channel: Channel = Channel.APP,
) -> Report:
    """A new report with version 1 and a number of its own."""
    values = {
        "category": category,
        "urgency": urgency,
        "visibility": visibility,
        "description": description,
        "original": original,
        "channel": channel,
        "lon": location.lon,
        "lat": location.lat,
        "neighbourhood": place.neighbourhood,
        "district": place.district,
        "borough": place.borough,
        "municipality": place.municipality,
        "due_at": due_at,
    }
    while True:
        fresh = {**values, "id": uuid7(), "number": new_number()}  # a number can be drawn twice; then draw again
        if row := (await conn.execute(_INSERT, fresh)).one_or_none():
            return to_report(row)


async def change(conn: AsyncConnection, locked: Report, **changes: Any) -> Report:
    """The next version of a locked report."""
    statement = (
        update(report)
        .where(report.c.id == locked.id)
        .values(version=locked.version + 1, updated_at=func.clock_timestamp(), **changes)
        .returning(*columns())
    )
    return to_report((await conn.execute(statement)).one())


async def set_status(
    conn: AsyncConnection, locked: Report, status: ReportStatus, by: ActorKind, feedback_days: int
) -> Report:
    """The next version, with this status.

    While it is resolved it says when, by whom, and until when the involved may say that it is not solved.
    """
    if status is not ReportStatus.RESOLVED:
        unresolved = dict.fromkeys(("resolved_at", "resolved_by", "feedback_until", "closed_at"))
        return await change(conn, locked, status=status, **unresolved)
    return await change(
        conn,
        locked,
        status=status,
        resolved_at=func.clock_timestamp(),
        resolved_by=by,
        feedback_until=func.clock_timestamp() + timedelta(days=feedback_days),
        closed_at=None,
    )


async def reopen(conn: AsyncConnection, locked: Report, due_at: datetime) -> Report:
    """The next version, as if it had been reported now."""
    cleared = dict.fromkeys(("resolved_at", "resolved_by", "feedback_until", "closed_at", "escalated_at"))
    return await change(conn, locked, status=ReportStatus.REPORTED, due_at=due_at, **cleared)


async def confirm(conn: AsyncConnection, locked: Report, still_there: int, verdict: Verdict) -> Report:
    """The next version, with the number of parties who say that it is still there."""
    seen = {"last_confirmed_at": func.clock_timestamp()} if verdict is Verdict.STILL_THERE else {}
    return await change(conn, locked, confirmations=still_there, **seen)
