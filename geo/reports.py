"""Reports: one row read, locked, inserted or changed. Pages of them are in `geo.report_pages`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Double, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.errors import UnknownReport
from geo.geometry import SRID, Path
from geo.models import ActorKind, Place, Point, Report, ReportStatus, Urgency, Verdict, Visibility
from geo.numbers import new_number
from geo.rows import columns, to_report
from geo.tables import report
from geo.viewer import Viewer
from geo.visibility import visible


async def by_ids(conn: AsyncConnection, viewer: Viewer, ids: Sequence[UUID]) -> dict[UUID, Report]:
    """Those of the reports that the viewer may see."""
    rows = await conn.execute(select(*columns()).where(report.c.id.in_(ids), visible(viewer, report)))
    return {row.id: to_report(row) for row in rows}


async def by_number(conn: AsyncConnection, viewer: Viewer, number: str) -> Report | None:
    rows = await conn.execute(select(*columns()).where(report.c.number == number, visible(viewer, report)))
    row = rows.one_or_none()
    return None if row is None else to_report(row)


async def lock(conn: AsyncConnection, viewer: Viewer, report_id: UUID, path: Path) -> Report:
    """The report, locked until the transaction ends; raises `UnknownReport` where there is none for this viewer.

    The lock orders the changes of one report, and with them its versions and its events.
    """
    statement = select(*columns()).where(report.c.id == report_id, visible(viewer, report)).with_for_update(of=report)
    row = (await conn.execute(statement)).one_or_none()
    if row is None:
        raise UnknownReport(path=path, hint="Pass the `id` of a report that you can read.")
    return to_report(row)


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
    location: Point,
    place: Place,
    due_at: datetime | None,
) -> Report:
    """A new report with version 1 and a number of its own."""
    values = {
        "category": category,
        "urgency": urgency,
        "visibility": visibility,
        "description": description,
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


async def confirm(conn: AsyncConnection, locked: Report, still_there: int, verdict: Verdict) -> Report:
    """The next version, with the number of parties who say that it is still there."""
    seen = {"last_confirmed_at": func.clock_timestamp()} if verdict is Verdict.STILL_THERE else {}
    return await change(conn, locked, confirmations=still_there, **seen)
