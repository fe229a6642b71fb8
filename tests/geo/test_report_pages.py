"""Paging gives each matching report once, in order: the same reports that plain Python finds one by one."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import report_pages
from geo.cursor import PageCursor
from geo.db import Database, engine
from geo.events import facts_of
from geo.geometry import Area, Box, Circle, CodeArea, Polygon, metres_between
from geo.models import AreaKind, Point, Report, ReportStatus, Role, Urgency
from geo.report_pages import ReportFilter, ReportOrder, ReportQuery, cursor_of
from geo.rows import columns, to_report
from geo.tables import involvement
from geo.viewer import ANONYMOUS, Viewer
from geo.visibility import sees
from tests import million
from tests.conftest import copied, execute

pytestmark = pytest.mark.anyio

TOTAL = 1_500
ANNA = Viewer(Role.RESIDENT, "residents/anna", "residents")
VIEWERS = (
    ANONYMOUS,
    ANNA,
    Viewer(Role.OFFICER, "municipality/desk", "municipality", frozenset({million.CITY})),
    Viewer(Role.OFFICER, "residents/anna", "municipality", frozenset({"SD-03", "WK000130"})),
    Viewer(Role.POLICE, "police/team", "police", frozenset({"SD-05"})),
    Viewer(Role.ADMIN, "bart/admin", "bart"),
)
some = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
few = settings(some, max_examples=20)


@dataclass(frozen=True)
class Stock:
    """All reports of the database, and who is involved in which."""

    db: Database
    reports: tuple[Report, ...]
    involved: dict[UUID, set[str]]

    def matching(self, viewer: Viewer, query: ReportQuery) -> list[Report]:
        """Found one by one."""

        def matches(report: Report) -> bool:
            facts = facts_of(report)
            inside = (
                not set(query.area.codes).isdisjoint(facts.codes)
                if isinstance(query.area, CodeArea)
                else query.area.covers(report.location)
            )
            open_to = sees(viewer, report.visibility, facts.codes, self.involved.get(report.id, ()))
            return inside and open_to and query.filter.accepts(facts, report.description)

        found = sorted(filter(matches, self.reports), key=lambda r: (getattr(r, query.order.column), r.id))
        return found if query.order.ascending else found[::-1]


@pytest.fixture(scope="module")
def stock_url(server_url: str, template: str) -> Iterator[str]:
    """A small city in which some instants have many reports, and Anna is involved in some."""
    with copied(server_url, template) as url:
        million.fill(url, TOTAL)
        month = "date_trunc('month', submitted_at), updated_at = date_trunc('month', updated_at)"
        execute(url, f"UPDATE report SET submitted_at = {month} WHERE hashtext(number) % 3 = 0")
        anna = "'residents/anna', 'CONFIRMER', now() FROM report WHERE hashtext(number) % 2 = 0"
        execute(url, f"INSERT INTO involvement SELECT id, {anna}")
        yield url


@pytest.fixture
async def stock(stock_url: str) -> AsyncIterator[Stock]:
    db = Database(engine(stock_url))
    async with db.read() as conn:
        reports = tuple(map(to_report, await conn.execute(select(*columns()))))
        involved: dict[UUID, set[str]] = {}
        for report_id, party in await conn.execute(select(involvement.c.report_id, involvement.c.party)):
            involved.setdefault(report_id, set()).add(party)
    yield Stock(db, reports, involved)
    await db.engine.dispose()


MAP = million.BOUNDS
points = st.builds(Point, st.floats(MAP.west - 0.01, MAP.east + 0.01), st.floats(MAP.south - 0.01, MAP.north + 0.01))
extents = st.sampled_from([0.0005, 0.002, 0.01, 0.05, 0.3, 3])


@st.composite
def shapes(draw: st.DrawFn) -> Box | Polygon | Circle:
    """Of all sizes; a box may have a corner at a point that others share."""
    at, extent = draw(points), draw(extents)
    kind = draw(st.sampled_from([Box, Polygon, Circle]))
    if kind is Circle:
        return Circle(at, min(50_000, extent * 70_000))
    if kind is Box:
        return Box(at.lon, at.lat, at.lon + extent * draw(st.floats(0.1, 1)), at.lat + extent * draw(st.floats(0.1, 1)))
    reach = st.floats(0.2, 1)
    turns = ((1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7))
    ring = [Point(at.lon + x * extent * r, at.lat + y * extent * r) for x, y in turns for r in (draw(reach),)]
    return Polygon(((*ring, ring[0]),))


pieces = million.city()
codes = st.sampled_from(AreaKind).flatmap(
    lambda kind: st.builds(
        CodeArea,
        st.just(kind),
        st.lists(st.sampled_from([p.code for p in pieces if p.kind is kind]), min_size=1, max_size=2, unique=True).map(
            tuple
        ),
    )
)
days = st.dates(million.BEGINNING.date() - timedelta(40), million.END.date() + timedelta(40))
first_days = days.map(lambda day: day.replace(day=1))  # as those instants that many reports share
instants = st.builds(datetime.combine, first_days, st.just(time(0)), st.just(UTC)) | st.builds(
    datetime.combine, days, st.times(), st.just(UTC)
)
words = st.sampled_from([*million.words()[:8], "GLAS", "er ligt", "een S", "%", "_", "/", "zzzz"])


def several(values: Any) -> Any:
    return st.none() | st.lists(st.sampled_from(values), min_size=1, max_size=4).map(tuple)


filters = st.builds(
    ReportFilter,
    statuses=several(list(ReportStatus)),
    categories=several(million.CATEGORIES[:14]),
    urgencies=several(list(Urgency)),
    submitted_after=st.none() | instants,
    submitted_before=st.none() | instants,
    text=st.none() | words,
)
areas: st.SearchStrategy[Area] = codes | shapes()
windows = st.builds(ReportFilter, submitted_after=st.none() | instants, submitted_before=st.none() | instants)
queries = st.builds(ReportQuery, areas, filters | windows, st.sampled_from(ReportOrder))


async def pages(conn: AsyncConnection, viewer: Viewer, query: ReportQuery, first: int) -> AsyncIterator[list[Report]]:
    after: PageCursor | None = None
    more = True
    while more:
        found, more = await report_pages.page(conn, viewer, query, after, first)
        assert len(found) == first if more else len(found) <= first
        yield found
        after = cursor_of(found[-1], query.order) if found else after


@some
@given(st.sampled_from(VIEWERS), queries, st.sampled_from([17, 50, 200]))
async def test_pages_give_all_that_match_once_in_order(
    stock: Stock, viewer: Viewer, query: ReportQuery, first: int
) -> None:
    async with stock.db.read() as conn:
        found = [report async for page in pages(conn, viewer, query, first) for report in page]
    assert [report.id for report in found] == [report.id for report in stock.matching(viewer, query)]


@few
@given(st.sampled_from(VIEWERS), st.builds(ReportQuery, areas, st.just(ReportFilter()), st.sampled_from(ReportOrder)))
async def test_pages_stay_right_while_reports_are_being_added(stock: Stock, viewer: Viewer, query: ReportQuery) -> None:
    told: list[UUID] = []
    async with stock.db.engine.connect() as conn:  # rolled back in the end
        async for page in pages(conn, viewer, query, 60):
            told += [report.id for report in page]
            await add_copies(conn, len(told))
    before = {report.id for report in stock.reports}
    assert len(set(told)) == len(told)
    assert [one for one in told if one in before] == [report.id for report in stock.matching(viewer, query)]


async def add_copies(conn: AsyncConnection, seed: int) -> None:
    """Thirty reports more, of any place and time of the others."""
    copies = text("""
        INSERT INTO report (
            id, number, category, status, urgency, visibility, description, location, neighbourhood, district, borough,
            municipality, submitted_at, updated_at, version
        )
        SELECT gen_random_uuid(), gen_random_uuid()::text, category, status, urgency, visibility, description, location,
            neighbourhood, district, borough, municipality, submitted_at, updated_at, 1
        FROM report ORDER BY hashtextextended(number, :seed) LIMIT 30
    """)
    await conn.execute(copies, {"seed": seed})


@few
@given(points, st.sampled_from(VIEWERS), filters, st.integers(1, 60))
async def test_the_nearest_come_by_distance(
    stock: Stock, place: Point, viewer: Viewer, wanted: ReportFilter, first: int
) -> None:
    async with stock.db.read() as conn:
        found = await report_pages.nearest(conn, viewer, place, wanted, first)
    everywhere = ReportQuery(Box(-180, -90, 180, 90), wanted, ReportOrder.SUBMITTED_NEWEST)
    matching = stock.matching(viewer, everywhere)
    metres = sorted(metres_between(place, report.location) for report in matching)[:first]
    assert {report.id for report, _ in found} <= {report.id for report in matching}
    assert [distance for _, distance in found] == pytest.approx(metres, rel=0.006)
