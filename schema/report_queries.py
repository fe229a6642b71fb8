"""Reading reports: one, a page of an area, the nearest."""

from datetime import datetime
from typing import Annotated

import strawberry

from geo import areas as geo_areas
from geo import report_pages, reports
from geo.errors import InvalidFilter, Problem
from geo.geometry import MAX_METRES, Circle, Path
from geo.numbers import read_number
from geo.report_pages import ReportFilter, ReportQuery
from schema.areas import AreaInput, check_known, search_area
from schema.context import Info
from schema.enums import ReportOrder, ReportStatus, Urgency
from schema.nodes import read_uuid
from schema.pages import DEFAULT_FIRST, After, First, check_first, page_info
from schema.points import PointInput
from schema.reports import NearbyReport, Report, ReportConnection, ReportEdge, report_of
from schema.scalars import Cursor
from schema.snapshots import Snapshot

MIN_TEXT, MAX_TEXT = 3, 100


@strawberry.input(
    name="ReportFilter",
    description="Only reports that meet all of these. Leave out what does not matter.",
)
class ReportFilterInput:
    statuses: list[ReportStatus] | None = strawberry.field(
        default=None, description="With one of these statuses. Example: `[REPORTED, UNDER_WAY]`."
    )
    categories: list[str] | None = strawberry.field(
        default=None, description='In one of these categories, or below it. Example: `["afval"]`.'
    )
    urgencies: list[Urgency] | None = strawberry.field(default=None, description="With one of these urgencies.")
    submitted_after: datetime | None = strawberry.field(
        default=None, description='Reported at or after this time. Example: `"2026-11-01T00:00:00+01:00"`.'
    )
    submitted_before: datetime | None = strawberry.field(default=None, description="Reported before this time.")
    text: str | None = strawberry.field(
        default=None, description="With this in the description, in any case; 3 to 100 characters. Example: `glas`."
    )


Filter = Annotated[ReportFilterInput | None, strawberry.argument(description="Which of them.")]
Area = Annotated[AreaInput, strawberry.argument(description="Where.")]


async def checked_filter(info: Info, given: ReportFilterInput | None) -> ReportFilter:
    """The filter as geo knows it; raises `InvalidFilter`, `UnknownCategory`."""
    if given is None:
        return ReportFilter()
    for name in ("statuses", "categories", "urgencies"):
        if getattr(given, name) == []:
            raise _invalid("An empty list lets nothing through.", (name,), "Leave it out to let everything through.")
    for name, value in (("submittedAfter", given.submitted_after), ("submittedBefore", given.submitted_before)):
        if value is not None and value.tzinfo is None:
            raise _invalid("This time has no offset.", (name,), "Such as 2026-11-01T00:00:00+01:00.")
    if given.submitted_after and given.submitted_before and given.submitted_after >= given.submitted_before:
        raise _invalid("This period is empty.", ("submittedBefore",), "A time after `submittedAfter`.")
    if given.text is not None and not MIN_TEXT <= len(given.text) <= MAX_TEXT:
        raise _invalid(f"text has {len(given.text)} characters.", ("text",), f"{MIN_TEXT} to {MAX_TEXT}.")
    if given.text is not None and not given.text.isprintable():
        raise _invalid("text has characters that nobody sees.", ("text",), "Letters, digits, signs and spaces.")
    categories = None
    if given.categories is not None:
        known = info.context.services.categories
        categories = await known.with_children(tuple(given.categories), ("filter", "categories"))
    return ReportFilter(
        statuses=None if given.statuses is None else tuple(set(given.statuses)),
        categories=categories,
        urgencies=None if given.urgencies is None else tuple(set(given.urgencies)),
        submitted_after=given.submitted_after,
        submitted_before=given.submitted_before,
        text=given.text,
    )


def _invalid(message: str, path: Path, hint: str) -> Problem:
    return InvalidFilter(message, path=("filter", *path), hint=hint)


async def report(
    info: Info,
    id: Annotated[strawberry.ID | None, strawberry.argument(description="Its id.")] = None,
    number: Annotated[
        str | None, strawberry.argument(description="Or its number, with or without dashes. Example: `482-915-073`.")
    ] = None,
) -> Report | None:
    """One report; null where there is none, or none for the caller to see. The id or number of a merged report leads to
    the report that goes on; `node` gives the merged one itself."""
    if (id is None) == (number is None):
        raise InvalidFilter("Give an id or a number.", hint='report(id: "…") or report(number: "…").')
    if id is not None:
        return report_of(await info.context.surviving.load(read_uuid(id, "Report", ("id",))))
    assert number is not None
    known = read_number(number)
    if known is None:
        raise InvalidFilter(
            f'"{number[:40]}" is not a report number.', path=("number",), hint="Nine digits; check for a typing error."
        )
    async with info.context.db.read() as conn:
        return report_of(await reports.by_number(conn, info.context.viewer, known))


async def reports_in(
    info: Info,
    area: Area,
    filter: Filter = None,
    order_by: Annotated[ReportOrder, strawberry.argument(description="In which order.")] = ReportOrder.SUBMITTED_NEWEST,
    first: First = DEFAULT_FIRST,
    after: After = None,
) -> ReportConnection:
    """The reports of an area, page by page."""
    cursors, snapshot = info.context.services.cursors, Snapshot(info)
    check_first(first)
    query = ReportQuery(await search_area(info, area), await checked_filter(info, filter), order_by)
    asked = repr(("reports", area.code or query.area, filter, order_by))  # a code may lead elsewhere on the next page
    behind = None if after is None else cursors.open_page(asked, after)
    async with snapshot.read() as conn:
        found, more = await report_pages.page(conn, info.context.viewer, query, behind, first)
    if not found:
        await check_known(info, query.area)
    edges = [
        ReportEdge(
            cursor=Cursor(cursors.seal_page(asked, report_pages.cursor_of(record, order_by))),
            node=Report(record=record),
        )
        for record in found
    ]
    pages = page_info([e.cursor for e in edges], more=more, after=after)
    return ReportConnection(edges=edges, page_info=pages, live_cursor=snapshot.cursor)


async def reports_near(
    info: Info,
    point: Annotated[PointInput, strawberry.argument(description="From where.")],
    first: First = 10,
    filter: Filter = None,
) -> list[NearbyReport]:
    """The reports nearest to a place, nearest first."""
    place = point.checked(("point",))
    check_first(first)
    wanted = await checked_filter(info, filter)
    async with info.context.db.read() as conn:
        found = await report_pages.nearest(conn, info.context.viewer, place, wanted, first)
        if not found or found[0][1] > MAX_METRES:
            await geo_areas.check_known(conn, Circle(place, MAX_METRES), ("point",))
    return [NearbyReport(metres=metres, report=Report(record=record)) for record, metres in found]
