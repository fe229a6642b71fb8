"""Subscriptions to reports."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, cast
from uuid import UUID

import strawberry

from geo.cursor import FeedCursor
from geo.deliveries import AnyDelivery, Delivery
from geo.errors import UnknownReport
from geo.geometry import Area as SearchArea
from geo.models import ReportStatus
from geo.report_pages import ReportFilter
from geo.watch import Told, Watch
from schema.areas import AreaInput, check_known, search_area, sought
from schema.context import Info
from schema.events import TYPES, ReportEntered, ReportEventOrResync, ReportLeft
from schema.following import After, start_of
from schema.listening import Listener, Topic, stream
from schema.nodes import read_uuid
from schema.report_queries import Area, Filter, checked_filter

EVERY_STATUS = ReportFilter(statuses=tuple(ReportStatus))  # a merged report too


class ReportListener(Listener[ReportEventOrResync]):
    """Listens to an area, or to one report."""

    def __init__(
        self, info: Info, start: FeedCursor, wanted: ReportFilter, area: AreaInput | None, report_id: UUID | None = None
    ) -> None:
        where = None if area is None else sought(area)
        super().__init__(info, start, (where, report_id, wanted, info.context.viewer.rights))
        self._watch = Watch(info.context.viewer.rights, filter=wanted, report_id=report_id)
        self._area = area

    async def look(self) -> None:
        if self._area is not None:
            self._watch = self._watch.moved(await search_area(self.info, self._area))

    @property
    def about(self) -> SearchArea | Topic:
        return self._watch.area or cast("UUID", self._watch.report_id)

    def tell(self, delivery: AnyDelivery, party: str | None) -> ReportEventOrResync | None:
        told = self._watch.judge(delivery, party) if isinstance(delivery, Delivery) else None
        return _tell(cast("Delivery", delivery), told) if told else None


async def report_events(
    info: Info, area: Area, filter: Filter = None, after: After = None
) -> AsyncIterator[ReportEventOrResync]:
    """Every change of the reports in an area, as it happens."""
    start = start_of(info, after)
    wanted = await checked_filter(info, filter)
    await check_known(info, await search_area(info, area))
    return stream(ReportListener(info, start, wanted, area))


async def report_changes(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The id of the report.")],
    after: After = None,
) -> AsyncIterator[ReportEventOrResync]:
    """Every change of one report, as it happens."""
    start = start_of(info, after)
    report_id = read_uuid(id, "Report", ("id",))
    if await info.context.reports.load(report_id) is None:
        raise UnknownReport(path=("id",), hint="Pass the `id` of a report that you can read.")
    return stream(ReportListener(info, start, EVERY_STATUS, None, report_id))


def _tell(delivery: Delivery, told: Told) -> ReportEventOrResync:
    kind: Any = {Told.ENTERED: ReportEntered, Told.LEFT: ReportLeft}.get(told, TYPES[delivery.event.kind])
    return cast("ReportEventOrResync", kind(event=delivery.event, known=None if told is Told.LEFT else delivery.report))
