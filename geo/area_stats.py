"""What becomes of the reports of an area, and how much of it its residents do themselves."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Double, Row, case, cast, extract, func, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.errors import InvalidPeriod
from geo.geometry import Area, Path
from geo.hours import AMSTERDAM
from geo.models import ActorKind, ReportStatus
from geo.report_pages import ReportFilter, ReportOrder, ReportQuery, walks_of
from geo.tables import report
from geo.viewer import Viewer

LONGEST = timedelta(days=731)  # two years, one of them with a leap day
FINISHED = (ReportStatus.RESOLVED, ReportStatus.REJECTED)
OPEN = tuple(status for status in ReportStatus if status not in (*FINISHED, ReportStatus.MERGED))


@dataclass(frozen=True, slots=True)
class Week:
    """From a Monday in Amsterdam on: how many reports were resolved, and how many of them by residents."""

    start: date
    resolved: int
    by_residents: int


@dataclass(frozen=True, slots=True)
class AreaStats:
    """How many reports are open now, and since a time: were submitted, resolved, and resolved by residents.

    `median_hours` are those from submission to resolution, None where nothing was resolved. `weeks` are all since then,
    the first of them as far as it lies behind it.
    """

    open: int
    submitted: int
    resolved: int
    by_residents: int
    median_hours: float | None
    weeks: tuple[Week, ...]


def check_since(since: datetime, path: Path) -> None:
    """Raises `InvalidPeriod` for a time in the future, one of too long ago, or one without an offset."""
    now = datetime.now(UTC)
    if since.tzinfo is None or not now - LONGEST <= since <= now:
        raise InvalidPeriod(path=path, hint="A time with an offset, at most two years ago.")


async def stats(conn: AsyncConnection, viewer: Viewer, area: Area, since: datetime) -> AreaStats:
    """Of the reports that the viewer may see; what was merged counts as the report that goes on."""
    found = _found(viewer, area, since)
    resolved = found.c.resolved_at >= since
    monday = cast(func.date_trunc("week", func.timezone(AMSTERDAM.key, found.c.resolved_at)), Date)
    week = case((resolved, monday))
    hours = cast(extract("epoch", found.c.resolved_at - found.c.submitted_at), Double) / 3600
    statement = select(
        week.label("week"),
        func.grouping(week).label("is_total"),
        func.count().filter(found.c.stage == "OPEN").label("open"),
        func.count().filter(found.c.submitted_at >= since).label("submitted"),
        func.count().filter(resolved).label("resolved"),
        func.count().filter(resolved, found.c.resolved_by == ActorKind.RESIDENT).label("by_residents"),
        func.percentile_cont(0.5).within_group(hours).filter(resolved).label("median_hours"),
    ).group_by(func.grouping_sets(tuple_(), week))
    rows = (await conn.execute(statement)).all()
    (total,) = [row for row in rows if row.is_total]
    return AreaStats(
        open=total.open,
        submitted=total.submitted,
        resolved=total.resolved,
        by_residents=total.by_residents,
        median_hours=total.median_hours,
        weeks=_weeks(since, {row.week: row for row in rows if row.week}),
    )


def _found(viewer: Viewer, area: Area, since: datetime) -> Any:
    """All that is open, and of what is finished that which changed since then: what was resolved later did."""
    c = report.c
    opened = ReportQuery(area, ReportFilter(statuses=OPEN), ReportOrder.SUBMITTED_NEWEST)
    finished = ReportQuery(area, ReportFilter(), ReportOrder.UPDATED_NEWEST)
    changed = [c.stage.in_(FINISHED), c.updated_at >= since]
    columns = select(c.stage, c.submitted_at, c.resolved_at, c.resolved_by)
    walks = [*walks_of(viewer, opened, []), *walks_of(viewer, finished, changed)]
    return union_all(*(columns.where(*conditions) for conditions in walks)).subquery("found")


def _weeks(since: datetime, counted: dict[date, Row[Any]]) -> tuple[Week, ...]:
    first, last = since.astimezone(AMSTERDAM).date(), datetime.now(AMSTERDAM).date()
    monday = first - timedelta(days=first.weekday())
    weeks = [monday + timedelta(weeks=number) for number in range((last - monday).days // 7 + 1)]
    return tuple(
        Week(start, counted[start].resolved, counted[start].by_residents) if start in counted else Week(start, 0, 0)
        for start in weeks
    )
