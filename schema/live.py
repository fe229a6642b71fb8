"""Subscriptions to reports, as plain generators: each watcher reads along and is told what concerns it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Annotated
from uuid import UUID

import strawberry

from geo.cursor import FeedCursor
from geo.deliveries import Delivery
from geo.errors import UnknownReport
from geo.models import ReportStatus
from geo.report_pages import ReportFilter
from geo.watch import Told, Watch
from schema.areas import check_known, search_area
from schema.context import Info
from schema.events import TYPES, ReportEntered, ReportEventOrResync, ReportLeft
from schema.following import After, Resync, follow, seconds_left, start_of
from schema.nodes import read_uuid
from schema.report_queries import Area, Filter, checked_filter

EVERY_STATUS = ReportFilter(statuses=tuple(ReportStatus))  # a merged report too
Look = Callable[[], Awaitable[Watch]]  # makes the watch on the map in force


async def report_events(
    info: Info, area: Area, filter: Filter = None, after: After = None
) -> AsyncGenerator[ReportEventOrResync, None]:
    """Every change of the reports in an area, as it happens."""
    start = start_of(info, after)
    wanted = await checked_filter(info, filter)
    await check_known(info, await search_area(info, area))

    async def look() -> Watch:
        return Watch(info.context.viewer, await search_area(info, area), wanted)

    return _follow(info, look, start)


async def report_changes(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The id of the report.")],
    after: After = None,
) -> AsyncGenerator[ReportEventOrResync, None]:
    """Every change of one report, as it happens."""
    start = start_of(info, after)
    report_id = read_uuid(id, "Report", ("id",))
    if await info.context.reports.load(report_id) is None:
        raise UnknownReport(path=("id",), hint="Pass the `id` of a report that you can read.")

    async def look() -> Watch:
        return Watch(info.context.viewer, filter=EVERY_STATUS, report_id=report_id)

    return _follow(info, look, start)


async def _follow(info: Info, look: Look, start: FeedCursor) -> AsyncGenerator[ReportEventOrResync, None]:
    """Tell what the watcher is to know."""
    feed = info.context.services.feed
    map_version, watch = feed.map_version, await look()
    async for batch in follow(info, start):
        if isinstance(batch, Resync):
            yield batch
            continue
        if map_version != feed.map_version:
            map_version, watch = feed.map_version, await look()
        deliveries = [delivery for delivery in batch.deliveries if isinstance(delivery, Delivery)]
        hidden = await _hidden(info, deliveries) if batch.replayed else ()
        for delivery in deliveries:
            await asyncio.sleep(0)  # a long replay takes turns with everybody else
            told = watch.judge(delivery)
            if told is not Told.LEFT and delivery.event.report_id in hidden:
                told = None
            if told and seconds_left(watch.viewer) != 0:
                yield _tell(delivery, told)


async def _hidden(info: Info, batch: list[Delivery]) -> set[UUID]:
    """The reports of a replay that the viewer may not see now, even where this process has not heard of it yet."""
    ids = list({delivery.event.report_id for delivery in batch})
    found = await info.context.reports.load_many(ids)
    return {report_id for report_id, report in zip(ids, found, strict=True) if report is None}


def _tell(delivery: Delivery, told: Told) -> ReportEventOrResync:
    kind = {Told.ENTERED: ReportEntered, Told.LEFT: ReportLeft}.get(told, TYPES[delivery.event.kind])
    return kind(event=delivery.event, known=None if told is Told.LEFT else delivery.report)  # type: ignore[return-value]
