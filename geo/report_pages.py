"""Pages of reports: which ones, in which order, and how PostgreSQL is led to read few rows for them.

A page is a walk along an index that has the narrowing column first and the order behind it:
- an area code: (its column, order);
- a middling shape: its tiles, each walked along (tile, order) and merged, so that the newest rows of the shape come
  without reading all its rows;
- a street-sized shape: all its rows by the GiST index, they are few;
- a shape larger than 16 tiles of 6 km: the plain order, nearly every row lies in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.cursor import PageCursor
from geo.geometry import Shape, metres_between, sql_geography, sql_point
from geo.models import AreaKind, Facts, Point, Report, ReportStatus, Urgency
from geo.rows import columns, to_report
from geo.tables import report
from geo.tiles import cover
from geo.viewer import Viewer
from geo.visibility import visible

STREET_KM2 = 0.02


class ReportOrder(StrEnum):
    SUBMITTED_NEWEST = "SUBMITTED_NEWEST"
    SUBMITTED_OLDEST = "SUBMITTED_OLDEST"
    UPDATED_NEWEST = "UPDATED_NEWEST"

    @property
    def column(self) -> str:
        return "updated_at" if self is ReportOrder.UPDATED_NEWEST else "submitted_at"

    @property
    def ascending(self) -> bool:
        return self is ReportOrder.SUBMITTED_OLDEST


@dataclass(frozen=True, slots=True)
class CodeArea:
    """An area by its codes: the one in force, and older ones whose reports may not have been moved over yet."""

    kind: AreaKind
    codes: tuple[str, ...]


Area = CodeArea | Shape


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """None means no restriction; `text` is a part of the description, in any case."""

    statuses: tuple[ReportStatus, ...] | None = None
    categories: tuple[str, ...] | None = None
    urgencies: tuple[Urgency, ...] | None = None
    submitted_after: datetime | None = None
    submitted_before: datetime | None = None
    text: str | None = None

    def accepts(self, facts: Facts) -> bool:
        """The filter as a predicate over an event's facts, the same as `conditions` in SQL."""
        return (
            (self.statuses is None or facts.status in self.statuses)
            and (self.categories is None or facts.category in self.categories)
            and (self.urgencies is None or facts.urgency in self.urgencies)
            and (self.submitted_after is None or facts.submitted_at >= self.submitted_after)
            and (self.submitted_before is None or facts.submitted_at < self.submitted_before)
            and (self.text is None or self.text.lower() in facts.description.lower())
        )

    def conditions(self) -> list[ColumnElement[bool]]:
        c = report.c
        found: list[ColumnElement[bool]] = []
        for column, values in ((c.status, self.statuses), (c.category, self.categories), (c.urgency, self.urgencies)):
            if values is not None:
                # An equality lets the index give the order; a list can't.
                found.append(column == values[0] if len(values) == 1 else column.in_(values))
        if self.submitted_after is not None:
            found.append(c.submitted_at >= self.submitted_after)
        if self.submitted_before is not None:
            found.append(c.submitted_at < self.submitted_before)
        if self.text is not None:
            found.append(func.lower(c.description).contains(self.text.lower(), autoescape=True))
        return found


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """Which reports, in which order."""

    area: Area
    filter: ReportFilter
    order: ReportOrder


def page_statement(viewer: Viewer, query: ReportQuery, after: PageCursor | None, limit: int) -> Select[Any]:
    """The one statement of a page: its first `limit` reports behind `after`."""
    area, order = query.area, query.order
    key = report.c[order.column], report.c.id
    ordering = [column.asc() if order.ascending else column.desc() for column in key]
    conditions = [visible(viewer, report), *query.filter.conditions()]
    if after is not None:
        place = tuple_(after.at, after.id)
        conditions.append(tuple_(*key) > place if order.ascending else tuple_(*key) < place)

    def walk(*narrowing: ColumnElement[bool]) -> Select[Any]:
        return select(*columns()).where(*narrowing, *conditions).order_by(*ordering).limit(limit)

    if isinstance(area, CodeArea):
        column = report.c[area.kind.lower()]
        walks = [walk(column == code) for code in area.codes]
    else:
        inside = area.condition(report.c.location)
        tiles = cover(area.bounds) if area.bounds.km2 > STREET_KM2 else None
        walks = [walk(report.c[f"tile{tiles[0]}"] == tile, inside) for tile in tiles[1]] if tiles else [walk(inside)]
    if len(walks) == 1:
        return walks[0]
    merged = union_all(*(w.subquery().select() for w in walks)).subquery()
    outer = [merged.c[order.column], merged.c.id]
    return select(merged).order_by(*(c.asc() if order.ascending else c.desc() for c in outer)).limit(limit)


async def page(
    conn: AsyncConnection, viewer: Viewer, query: ReportQuery, after: PageCursor | None, first: int
) -> tuple[list[Report], bool]:
    """At most `first` reports, and whether there are more."""
    rows = await conn.execute(page_statement(viewer, query, after, first + 1))
    found = [to_report(row) for row in rows]
    return found[:first], len(found) > first


def cursor_of(found: Report, order: ReportOrder) -> PageCursor:
    return PageCursor(getattr(found, order.column), found.id)


async def nearest(
    conn: AsyncConnection, viewer: Viewer, point: Point, filter: ReportFilter, first: int
) -> Sequence[tuple[Report, float]]:
    """The `first` nearest reports with their distance in metres, nearest first."""
    distance = sql_geography(report.c.location).op("<->")(sql_geography(sql_point(point)))
    statement = select(*columns()).where(visible(viewer, report), *filter.conditions()).order_by(distance).limit(first)
    found = [to_report(row) for row in await conn.execute(statement)]
    return [(r, metres_between(point, r.location)) for r in found]
