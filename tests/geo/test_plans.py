"""A million reports, PostgreSQL's default planner settings: what every read costs, told by the plans it really had.

Each function is called as the application calls it. What it executes, mostly one statement, is carried out once more
under EXPLAIN ANALYZE, and all rows are counted that its scans returned or threw away.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import deliveries, events, evidence, positions, report_pages, reports, similar
from geo.cursor import PageCursor
from geo.db import engine
from geo.geometry import Area, Box, Circle, CodeArea, Polygon
from geo.idempotency import Once
from geo.models import AreaKind, Point, ReportStatus, Role, Urgency
from geo.report_pages import ReportFilter, ReportOrder, ReportQuery
from geo.viewer import ANONYMOUS, Viewer
from tests import million
from tests.conftest import copied

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]

REPORTS = 1_000_000
PAGE = 50
PER_ROW = 20
ALL = ReportFilter()
OFFICER = Viewer(Role.OFFICER, "municipality/desk", "municipality", frozenset({million.CITY}))
RESIDENT = Viewer(Role.RESIDENT, "residents/7", "residents")
VIEWERS = (ANONYMOUS, RESIDENT, OFFICER)

CITY = CodeArea(AreaKind.MUNICIPALITY, (million.CITY,))
CORNERS = ((0, 0), (60, 10), (90, 60), (40, 80), (-10, 50), (0, 0))


def areas() -> Mapping[str, Area]:
    pieces = {piece.kind: piece for piece in million.city()}
    corner = pieces[AreaKind.NEIGHBOURHOOD].box
    return {
        **{kind.lower(): CodeArea(kind, (pieces[kind].code,)) for kind in AreaKind},
        "street": Box(corner.west, corner.south, corner.west + 0.0015, corner.south + 0.0009),  # 100 by 100 metres
        "block": Box(corner.west, corner.south, corner.west + 0.005, corner.south + 0.0027),
        "part of the city": Box(4.28, 52.03, 4.34, 52.066),
        "whole city": million.BOUNDS,
        "half of the country": Box(3.5, 51.5, 5.5, 52.8),
        "polygon": Polygon((tuple(Point(4.25 + x / 1000, 52.03 + y / 1600) for x, y in CORNERS),)),
        "circle": Circle(Point(4.31, 52.07), 500),
        "another part of the country": Box(5.5, 51.5, 6.5, 52.8),
    }


def filters() -> Mapping[str, ReportFilter]:
    end, day = million.END, timedelta(days=1)
    unfinished = tuple(s for s in ReportStatus if s not in (ReportStatus.RESOLVED, ReportStatus.REJECTED))
    return {
        "all": ALL,
        **{status: ReportFilter(statuses=(status,)) for status in ReportStatus},
        "open": ReportFilter(statuses=unfinished),
        "all but open": ReportFilter(statuses=(ReportStatus.RESOLVED, ReportStatus.REJECTED)),
        **{urgency: ReportFilter(urgencies=(urgency,)) for urgency in Urgency},
        "urgent": ReportFilter(urgencies=(Urgency.URGENT, Urgency.EMERGENCY)),
        "common category": ReportFilter(categories=(million.CATEGORIES[0],)),
        "rare category": ReportFilter(categories=(million.CATEGORIES[-1],)),
        "three categories": ReportFilter(categories=tuple(million.CATEGORIES[40:43])),
        "open in a category": ReportFilter(categories=(million.CATEGORIES[4],), statuses=unfinished),
        "last month": ReportFilter(submitted_after=end - 30 * day),
        "over a year ago": ReportFilter(submitted_before=end - 365 * day),
        "one day": ReportFilter(submitted_after=end - 400 * day, submitted_before=end - 399 * day),
        "the first days": ReportFilter(submitted_before=million.BEGINNING + 10 * day),
        "common word": ReportFilter(text=million.words()[0]),
        "unknown word": ReportFilter(text="zzzz"),
    }


@pytest.fixture(scope="module")
def million_url(server_url: str, template: str) -> Iterator[str]:
    with copied(server_url, template) as url:
        million.fill(url, REPORTS)
        yield url


@dataclass(frozen=True)
class Planned:
    """Tells the plan of the one statement that a function executes, or of each."""

    conn: AsyncConnection
    executed: list[tuple[str, Any]] = field(default_factory=list)

    async def __call__(self, function: Callable[..., Awaitable[Any]], *args: Any) -> Mapping[str, Any]:
        (found,) = await self.each(function, *args)
        return found

    async def each(self, function: Callable[..., Awaitable[Any]], *args: Any) -> list[Mapping[str, Any]]:
        self.executed.clear()
        await function(self.conn, *args)
        found = []
        for statement, parameters in self.executed.copy():
            rows = await self.conn.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            found.append(rows.scalar_one()[0]["Plan"])
        return found


@pytest.fixture
async def plan(million_url: str) -> AsyncIterator[Planned]:
    """In a transaction that is rolled back."""
    made = engine(million_url)
    async with made.connect() as conn:
        planned = Planned(conn)

        @event.listens_for(made.sync_engine, "before_cursor_execute")
        def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
            planned.executed.append((statement, parameters))

        yield planned
    await made.dispose()


def rows_read(node: Mapping[str, Any]) -> int:
    """The rows that the scans of a plan returned or threw away.

    An entry of a bitmap and the row it leads to are one; entries that another bitmap outweighed count as rows.
    """
    below = [rows_read(child) for child in node.get("Plans", ())]
    if node["Node Type"] not in ("Bitmap Index Scan", "Bitmap Heap Scan") and "Relation Name" not in node:
        return sum(below)
    thrown = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    own = int((node["Actual Rows"] + thrown) * node["Actual Loops"])
    if node["Node Type"] == "Bitmap Heap Scan":
        return max(own, below[0]) + sum(below[1:])
    return own + sum(below)


def allowed(found: Mapping[str, Any]) -> int:
    """Of a page that stays short all must be looked at: it may cost what a full one may."""
    return PER_ROW * int(max(found["Actual Rows"], PAGE))


def scanned(node: Mapping[str, Any]) -> set[str]:
    """The indexes a plan uses, those of each month of events by one name, and the tables it reads through."""
    whole = {node["Relation Name"]} if node["Node Type"] == "Seq Scan" else set()
    index = {re.sub(r"^event_(\d{4}_\d\d|default)_", "event_", node["Index Name"])} if "Index Name" in node else set()
    return whole.union(index, *map(scanned, node.get("Plans", ())))


@pytest.mark.parametrize("area", areas())
async def test_a_first_page_is_one_statement_that_reads_few_rows(area: str, plan: Planned) -> None:
    dear = {}
    for viewer, (name, wanted), order in product(VIEWERS, filters().items(), ReportOrder):
        query = ReportQuery(areas()[area], wanted, order)
        found = await plan(report_pages.page, viewer, query, None, PAGE)
        if rows_read(found) > allowed(found):
            dear[viewer.role, name, order] = rows_read(found) / max(found["Actual Rows"], PAGE)
    assert dear == {}


@pytest.mark.parametrize("area", areas().keys() - {"street", "another part of the country"})
async def test_a_page_far_down_costs_no_more(area: str, plan: Planned) -> None:
    middle = PageCursor(million.END - timedelta(days=500), UUID(int=0))
    for viewer, name, order in product(VIEWERS, ("all", "open", "rare category"), ReportOrder):
        query = ReportQuery(areas()[area], filters()[name], order)
        found = await plan(report_pages.page, viewer, query, middle, PAGE)
        assert 0 < rows_read(found) <= allowed(found), (viewer.role, name, order)


@pytest.mark.parametrize("kind", AreaKind)
async def test_nobody_waits_for_what_it_may_not_see(kind: AreaKind, plan: Planned) -> None:
    hidden = ReportFilter(categories=(million.CATEGORIES[11],))
    for order in ReportOrder:
        query = ReportQuery(areas()[kind.lower()], hidden, order)
        assert rows_read(await plan(report_pages.page, ANONYMOUS, query, None, PAGE)) == 0


@pytest.mark.parametrize(("word", "most"), [(59, 20_000), (249, 40_000)])
async def test_a_word_of_middling_frequency_costs_more_yet_not_everything(word: int, most: int, plan: Planned) -> None:
    query = ReportQuery(CITY, ReportFilter(text=million.words()[word]), ReportOrder.SUBMITTED_NEWEST)
    found = await plan(report_pages.page, ANONYMOUS, query, None, PAGE)
    assert allowed(found) < rows_read(found) < most


async def test_the_nearest_are_walked_to(plan: Planned) -> None:
    for viewer, name in product(VIEWERS, ("all", "open")):
        found = await plan(report_pages.nearest, viewer, Point(4.31, 52.07), filters()[name], PAGE)
        assert "report_geography_idx" in scanned(found)
        assert rows_read(found) <= allowed(found)


async def test_in_the_densest_tile_few_are_compared_with_a_draft(plan: Planned) -> None:
    middle = "SELECT avg(ST_X(location)), avg(ST_Y(location)) FROM report GROUP BY tile16"
    lon, lat = tuple((await plan.conn.exec_driver_sql(f"{middle} ORDER BY count(*) DESC LIMIT 1")).one())
    for viewer in VIEWERS:
        found = await plan(similar.candidates, viewer, Point(lon, lat), million.END)
        assert scanned(found) >= {"report_tile16_stage_submitted_at_idx", "report_tile16_updated_at_idx"}
        assert "report" not in scanned(found)
        assert similar.NEWEST < rows_read(found) <= 4 * similar.NEWEST


async def test_all_else_is_found_by_its_index(plan: Planned) -> None:
    own, _ = await report_pages.page(
        plan.conn, RESIDENT, ReportQuery(CITY, ALL, ReportOrder.SUBMITTED_NEWEST), None, PAGE
    )
    some, ids = own[0], [report.id for report in own]
    once = Once(Viewer(Role.RESIDENT, "residents/1"), str(some.id), "million")
    reads: tuple[tuple[str, Callable[..., Awaitable[Any]], tuple[Any, ...]], ...] = (
        ("report_number_key", reports.by_number, (RESIDENT, some.number)),
        ("report_pkey", reports.by_ids, (RESIDENT, ids)),
        ("report_pkey", reports.lock, (RESIDENT, some.id, ())),
        ("evidence_report_id_added_at_id_idx", evidence.of_reports, (ids, None, 10)),
        ("event_report_id_version_key", events.timeline, (RESIDENT, ids, None, 10)),
        ("event_unplaced_idx", positions.backlog, ()),
        ("idempotency_pkey", once.done, (some.id,)),
    )
    for index, function, args in reads:
        found = await plan(function, *args)
        assert index in scanned(found)
        assert scanned(found).isdisjoint({"report", "evidence", "event", "involvement", "idempotency"})
        assert rows_read(found) <= allowed(found), index


async def test_a_batch_of_the_feed_is_found_by_its_indexes(plan: Planned) -> None:
    batch = await plan.each(deliveries.read, 70_000, PAGE)
    assert "event_position_key" in scanned(batch[0])
    for found in batch:
        assert scanned(found).isdisjoint({"report", "event", "involvement", "notification"})
        assert rows_read(found) <= allowed(found)
