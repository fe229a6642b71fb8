"""A million reports, PostgreSQL's default planner settings: the first page of an area is one statement that reads few
rows, whatever the area, the order, the filter and the viewer.

Read from the plan that PostgreSQL really carried out: all rows that a scan returned or threw away, of bitmaps too.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Executable, event
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import report_pages
from geo.cursor import PageCursor
from geo.db import engine
from geo.geometry import Box, Circle, Polygon
from geo.models import AreaKind, Point, ReportStatus, Role, Urgency
from geo.report_pages import Area, CodeArea, ReportFilter, ReportOrder, ReportQuery
from geo.viewer import ANONYMOUS, Viewer
from tests import million
from tests.conftest import execute, named

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]

REPORTS = 1_000_000
PAGE = 50
MOST = 20 * (PAGE + 1)  # rows read; the one more tells whether there is a next page. A page that stays short may, too.
# Nine categories in a box or polygon of some kilometres would be nine walks in each of its tiles: planning those takes
# longer than reading more rows. The same goes for one day of long ago, in the order of the updates.
LOOSE = {"main_category": 150 * (PAGE + 1), "one_day": 40 * (PAGE + 1)}
SHAPES = ("view", "city_box", "polygon")

VIEWERS = {
    "anonymous": ANONYMOUS,
    "officer": Viewer(Role.OFFICER, "municipality/desk", "municipality", frozenset({million.CITY})),
}
SIDE = 0.0015, 0.0009  # degrees: 100 metres


def areas() -> Mapping[str, Area]:
    pieces = {piece.kind: piece for piece in million.city()}
    hood = pieces[AreaKind.NEIGHBOURHOOD].box
    corners = ((0, 0), (60, 10), (90, 60), (40, 80), (-10, 50), (0, 0))
    return {
        **{kind.lower(): CodeArea(kind, (pieces[kind].code,)) for kind in AreaKind},
        "street": Box(hood.west, hood.south, hood.west + SIDE[0], hood.south + SIDE[1]),
        "city_box": million.BOUNDS,
        "view": Box(4.28, 52.03, 4.34, 52.066),
        "polygon": Polygon((tuple(Point(4.25 + x * 0.001, 52.03 + y * 0.0006) for x, y in corners),)),
        "circle": Circle(Point(4.31, 52.07), 500),
    }


def filters() -> Mapping[str, ReportFilter]:
    words, end = million.words(), million.END
    open_ = tuple(status for status in ReportStatus if status not in (ReportStatus.RESOLVED, ReportStatus.REJECTED))
    return {
        **{status.lower(): ReportFilter(statuses=(status,)) for status in ReportStatus},
        **{urgency.lower(): ReportFilter(urgencies=(urgency,)) for urgency in Urgency},
        "open": ReportFilter(statuses=open_),
        "common_category": ReportFilter(categories=(million.CATEGORIES[0],)),
        "rare_category": ReportFilter(categories=(million.CATEGORIES[-1],)),
        "main_category": ReportFilter(categories=tuple(million.CATEGORIES[30:39])),
        "last_month": ReportFilter(submitted_after=end - timedelta(days=30)),
        "long_ago": ReportFilter(submitted_before=end - timedelta(days=365)),
        "one_day": ReportFilter(submitted_after=end - timedelta(days=400), submitted_before=end - timedelta(days=399)),
        "common_word": ReportFilter(text=words[0]),
        "unknown_word": ReportFilter(text="zzzz"),
        "open_in_category": ReportFilter(categories=(million.CATEGORIES[4],), statuses=open_),
    }


@pytest.fixture(scope="module")
def million_url(server_url: str, template: str) -> Iterator[str]:
    name = f"million_{uuid4().hex[:12]}"
    execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    million.fill(named(server_url, name), REPORTS)
    yield named(server_url, name)
    execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def explained(million_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection that carries out each statement under EXPLAIN: it answers with the plan."""
    made = engine(million_url)

    @event.listens_for(made.sync_engine, "before_cursor_execute", retval=True)
    def explain(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> tuple[str, Any]:
        return f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters

    async with made.connect() as conn:
        yield conn
    await made.dispose()


async def plan(conn: AsyncConnection, statement: Executable) -> Any:
    ((found,),) = (await conn.execute(statement)).all()
    return found[0]["Plan"]


def rows_read(node: Mapping[str, Any]) -> int:
    """Rows that the scans of a plan returned or threw away."""
    own = 0
    if (node["Node Type"].endswith("Scan") and "Relation Name" in node) or node["Node Type"] == "Bitmap Index Scan":
        thrown = sum(node.get(f"Rows Removed by {by}", 0) for by in ("Filter", "Index Recheck"))
        own = int((node["Actual Rows"] + thrown) * node["Actual Loops"])
    return own + sum(map(rows_read, node.get("Plans", ())))


@pytest.mark.parametrize("area", areas())
async def test_a_first_page_is_one_statement_that_reads_few_rows(area: str, explained: AsyncConnection) -> None:
    wanted = {"all": ReportFilter(), **filters()}
    read: dict[tuple[str, str, str], int] = {}
    for viewer, (name, wish), order in product(VIEWERS, wanted.items(), ReportOrder):
        query = ReportQuery(areas()[area], wish, order)
        read[viewer, name, order] = rows_read(await plan(explained, page(viewer, query)))
    most = {name: LOOSE.get(name, MOST) if area in SHAPES else MOST for name in wanted}
    assert {case: rows for case, rows in read.items() if rows > most[case[1]]} == {}
    assert sum(read.values()) > MOST, "something was counted"


def page(viewer: str, query: ReportQuery, after: PageCursor | None = None) -> Executable:
    return report_pages.page_statement(VIEWERS[viewer], query, after, PAGE + 1)


@pytest.mark.parametrize("area", ["municipality", "city_box", "polygon"])
async def test_a_page_far_down_costs_no_more(area: str, explained: AsyncConnection) -> None:
    for viewer, order in product(VIEWERS, ReportOrder):
        query = ReportQuery(areas()[area], ReportFilter(), order)
        middle = PageCursor(million.END - timedelta(days=500), UUID(int=0))
        found = await plan(explained, page(viewer, query, middle))
        assert found["Actual Rows"] == PAGE + 1
        assert rows_read(found) <= MOST
