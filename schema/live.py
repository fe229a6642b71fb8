"""Subscriptions to reports, as plain generators: each watcher reads along and is told what concerns it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from geo.cursor import FeedCursor
from geo.errors import TokenExpired, UnknownReport
from geo.events import Delivery
from geo.watch import Told, Watch
from schema.areas import check_known, search_area
from schema.context import Info
from schema.events import TYPES, ReportEntered, ReportEventOrResync, ReportLeft, Resync
from schema.nodes import read_uuid
from schema.report_queries import Area, Filter, checked_filter
from schema.scalars import Cursor

After = Annotated[
    Cursor | None,
    strawberry.argument(
        description="The last `cursor` you received: you get all you missed, each once and in order, or `Resync`. "
        "Without it, what happens from now on."
    ),
]
Look = Callable[[], Awaitable[Watch]]  # makes the watch on the map in force


async def report_events(
    info: Info, area: Area, filter: Filter = None, after: After = None
) -> AsyncGenerator[ReportEventOrResync, None]:
    """Every change of the reports in an area, as it happens."""
    start = _start(info, after)
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
    start = _start(info, after)
    report_id = read_uuid(id, "Report", ("id",))
    if await info.context.reports.load(report_id) is None:
        raise UnknownReport(path=("id",), hint="Pass the `id` of a report that you can read.")

    async def look() -> Watch:
        return Watch(info.context.viewer, report_id=report_id)

    return _follow(info, look, start)


def _start(info: Info, after: str | None) -> FeedCursor:
    services = info.context.services
    return services.feed.now if after is None else services.cursors.open_feed(after)


async def _follow(info: Info, look: Look, cursor: FeedCursor) -> AsyncGenerator[ReportEventOrResync, None]:
    """Tell what the watcher is to know, until its token ends."""
    services = info.context.services
    begun = services.feed.now
    map_version, watch = services.feed.map_version, await look()
    while (left := _seconds_left(watch)) != 0:
        try:
            async with asyncio.timeout(left):
                batch = await services.feed.after(cursor)
        except TimeoutError:
            break
        if batch is None:
            cursor = services.feed.now
            yield Resync(reason="The feed started over.", cursor=Cursor(services.cursors.seal_feed(cursor)))
            continue
        if map_version != services.feed.map_version:
            map_version, watch = services.feed.map_version, await look()
        hidden = await _hidden(info, batch) if cursor.position < begun.position else ()
        for delivery in batch:
            await asyncio.sleep(0)  # a long replay takes turns with everybody else
            assert delivery.event.position is not None
            cursor = FeedCursor(cursor.epoch, delivery.event.position)
            told = watch.judge(delivery)
            if told is not Told.LEFT and delivery.event.report_id in hidden:
                told = None
            if told and _seconds_left(watch) != 0:
                yield _tell(delivery, told)
    raise TokenExpired(hint="Get a new one, and go on from the last `cursor`.")


async def _hidden(info: Info, batch: list[Delivery]) -> set[UUID]:
    """The reports of a replay that the viewer may not see now, even where this process has not heard of it yet."""
    ids = list({delivery.event.report_id for delivery in batch})
    found = await info.context.reports.load_many(ids)
    return {report_id for report_id, report in zip(ids, found, strict=True) if report is None}


def _seconds_left(watch: Watch) -> float | None:
    """How long the watcher's token is still good; None for ever."""
    if watch.viewer.expires_at is None:
        return None
    return max(0.0, (watch.viewer.expires_at - datetime.now(UTC)).total_seconds())


def _tell(delivery: Delivery, told: Told) -> ReportEventOrResync:
    kind = {Told.ENTERED: ReportEntered, Told.LEFT: ReportLeft}.get(told, TYPES[delivery.event.kind])
    return kind(event=delivery.event, known=None if told is Told.LEFT else delivery.report)  # type: ignore[return-value]
