"""Pages of reports: which ones, in which order, and how PostgreSQL is led to read few rows for them.

A page merges walks. A walk goes along one index, in the order of the page, and every column before the order is an
equality, so that it reads hardly a row that it does not return (geo/tables.py has the indexes):
- who may see it: what is public and what is hidden are walked apart, so that nobody waits for what it may not see;
- where: an area code is a column; a shape is a few tiles, with an exact test where one sticks out of the shape;
- which: a category, an urgency, a stage; several of them are several walks.
PostgreSQL takes the walks' first rows until the page is full.

Where a shape has only a strip of a tile, as at its edge or when it is small, the strip is read whole by the GiST index:
it has few rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, func, or_, select, text, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.cursor import PageCursor
from geo.geometry import Area, Box, CodeArea, Shape, metres_between, sql_geography, sql_point
from geo.models import Facts, Point, Report, ReportStatus, Urgency, Visibility
from geo.rows import columns, to_report
from geo.tables import involvement, report
from geo.tiles import WORLD, cover
from geo.viewer import Viewer
from geo.visibility import TIED, visible

STREET_KM2 = 0.025
WALKS = 36  # where there would be more of them, planning takes longer than to read more rows

Condition = ColumnElement[bool]


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
class ReportFilter:
    """None means no restriction, but that merged reports are left out unless their status is asked for.

    `text` is a part of the description, in any case.
    """

    statuses: tuple[ReportStatus, ...] | None = None
    categories: tuple[str, ...] | None = None
    urgencies: tuple[Urgency, ...] | None = None
    submitted_after: datetime | None = None
    submitted_before: datetime | None = None
    text: str | None = None

    def accepts(self, facts: Facts, description: str) -> bool:
        """The filter as a predicate over an event's facts and the report's text, the same as `conditions` in SQL."""
        return (
            (facts.status is not ReportStatus.MERGED if self.statuses is None else facts.status in self.statuses)
            and (self.categories is None or facts.category in self.categories)
            and (self.urgencies is None or facts.urgency in self.urgencies)
            and (self.submitted_after is None or facts.submitted_at >= self.submitted_after)
            and (self.submitted_before is None or facts.submitted_at < self.submitted_before)
            and (self.text is None or self.text.lower() in description.lower())
        )

    def conditions(self) -> list[Condition]:
        """The filter in SQL."""
        return [together for _, together in self.choices()] + self.others()

    def choices(self) -> list[tuple[list[Condition], Condition]]:
        """For each facet that is filtered: the conditions of the walks that find all, and one condition for the same.

        Each walk is along an index on the facet. None has the resolved and the normal ones, nor need it: they are most.
        """
        c = report.c
        found: list[tuple[list[Condition], Condition]] = []
        if self.categories is not None:
            slugs = sorted(set(self.categories))
            found.append(([c.category == slug for slug in slugs], c.category.in_(slugs)))
        if self.urgencies is not None:
            urgencies = sorted(set(self.urgencies))
            either = c.urgency.in_(urgencies)
            normal = Urgency.NORMAL in urgencies
            found.append(([either] if normal else [c.urgency == urgency for urgency in urgencies], either))
        if self.statuses is not None:
            either = c.status.in_(sorted(set(self.statuses)))
            unfinished = sorted(set(self.statuses) - {ReportStatus.REJECTED})
            stages: list[Condition] = [(c.stage == "OPEN") & c.status.in_(unfinished)] if unfinished else []
            stages += [c.stage == "REJECTED"] if ReportStatus.REJECTED in self.statuses else []
            resolved = ReportStatus.RESOLVED in self.statuses
            found.append(([either], either) if resolved else (stages, or_(*stages)))
        return found

    def others(self) -> list[Condition]:
        """The part that is no facet: time and text, and that what goes on in another report is not shown twice."""
        c = report.c
        found: list[Condition] = [c.status != ReportStatus.MERGED] if self.statuses is None else []
        if self.submitted_after is not None:
            found.append(c.submitted_at >= self.submitted_after)
        if self.submitted_before is not None:
            found.append(c.submitted_at < self.submitted_before)
        if self.text is not None:
            found.append(c.description.icontains(self.text, autoescape=True))
        return found


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """Which reports, in which order."""

    area: Area
    filter: ReportFilter
    order: ReportOrder


def page_statement(
    viewer: Viewer, query: ReportQuery, after: PageCursor | None, limit: int
) -> Select[Any] | CompoundSelect[Any]:
    """The one statement of a page: its first `limit` reports behind `after`."""
    order = query.order
    key = report.c[order.column], report.c.id
    rest = query.filter.others()
    if order is ReportOrder.UPDATED_NEWEST and query.filter.submitted_after:
        rest.append(report.c.updated_at >= query.filter.submitted_after)  # as follows from the filter; it ends the walk
    if after is not None:
        place = tuple_(after.at, after.id)
        rest.append(tuple_(*key) > place if order.ascending else tuple_(*key) < place)
    walk = select(*columns()).order_by(*(c.asc() if order.ascending else c.desc() for c in key)).limit(limit)
    walks = [walk.where(*conditions) for conditions in walks_of(viewer, query, rest)]
    if len(walks) == 1:
        return walks[0]
    direction = "ASC" if order.ascending else "DESC"
    return union_all(*walks).order_by(text(f"{order.column} {direction}, id {direction}")).limit(limit)


def walks_of(viewer: Viewer, query: ReportQuery, rest: list[Condition]) -> Iterator[list[Condition]]:
    """The conditions of each walk. What meets those of the query and `rest` meets those of exactly one walk."""
    c, choices = report.c, query.filter.choices()
    together = [condition for _, condition in choices]
    walked, read = _places(query.area)
    ways = [[*place, *facets] for place in walked for facets in product(*(walks for walks, _ in choices))]
    if len(ways) > WALKS:
        ways = [[*place, *together] for place in walked]
    for way in ways:
        yield [c.public, *way, *rest]
    if viewer.is_authority:
        for way in ways:
            yield [~c.public, visible(viewer, report), *way, *rest]
    elif viewer.party and walked:
        own = select(involvement.c.report_id).where(involvement.c.party == viewer.party, TIED)
        anywhere = or_(*(and_(*place) for place in walked))
        yield [c.id.in_(own), c.visibility == Visibility.INVOLVED, _tested(anywhere, *together, *rest)]
    for place in read:
        yield [*place, _tested(visible(viewer, report), *together, *rest)]


def _places(area: Area) -> tuple[list[list[Condition]], list[list[Condition]]]:
    """The conditions of the places to walk, and of those to read whole; none overlap."""
    c = report.c
    if isinstance(area, CodeArea):
        return [[c[area.kind.lower()] == code] for code in area.codes], []
    inside = _inside(area)
    if area.bounds.km2 <= STREET_KM2:
        return [], [[c.location.intersects(area.bounds.geometry), _tested(inside)]]
    walked, read = [], []
    for piece in cover(area):
        in_tile = c[f"tile{piece.tile.zoom}"] == piece.tile.number
        near = c.location.intersects(piece.bounds.geometry)
        if piece.whole:
            walked.append([in_tile])
        elif piece.slight:
            read.append([near, _tested(in_tile, inside)])
        elif piece.tile == WORLD:
            walked.append([in_tile, near, _tested(inside)])  # which of the two narrows more, the planner knows
        else:
            walked.append([in_tile, _tested(inside)])
    return walked, read


def _inside(shape: Shape) -> Condition:
    """The exact test; of a box it is a cheap one."""
    if not isinstance(shape, Box):
        return shape.condition(report.c.location)
    x, y = func.ST_X(report.c.location), func.ST_Y(report.c.location)
    return x.between(shape.west, shape.east) & y.between(shape.south, shape.north)


def _tested(*conditions: Condition) -> Condition:
    """Conditions to be tested on the rows that others have found, in a form that no index can have.

    A shape and the tile it touches are no independent narrowings: the planner would expect next to no rows where both
    hold, and read the whole tile for them.
    """
    return func.coalesce(and_(*conditions), False)


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
    # PostGIS orders along a sphere, metres are along the ellipsoid: a third of a percent apart at most.
    return sorted(((r, metres_between(point, r.location)) for r in found), key=lambda pair: pair[1])
