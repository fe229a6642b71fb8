"""How a neighbourhood fares, and how much of it its residents do themselves."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from geo import area_stats as stats
from geo.area_stats import AreaStats as Record
from geo.area_stats import Week as WeekRecord
from schema.areas import AreaInput, check_known, search_area
from schema.context import Info


@strawberry.type(description="A week of an area.")
class AreaWeek:
    record: strawberry.Private[WeekRecord]

    @strawberry.field(description='The Monday it begins with, in Dutch time. Example: `"2026-11-23"`.')
    def start(self) -> date:
        return self.record.start

    @strawberry.field(description="How many reports were resolved in it.")
    def resolved(self) -> int:
        return self.record.resolved

    @strawberry.field(description="How many of those by residents who took them on.")
    def resolved_by_residents(self) -> int:
        return self.record.by_residents


@strawberry.type(description="What becomes of the reports of an area. Only those count that the caller may see.")
class AreaStats:
    record: strawberry.Private[Record]

    @strawberry.field(description="How many are open now, whenever they were submitted.")
    def open(self) -> int:
        return self.record.open

    @strawberry.field(description="How many were submitted in the period.")
    def submitted(self) -> int:
        return self.record.submitted

    @strawberry.field(description="How many were resolved in the period, and have not been opened again.")
    def resolved(self) -> int:
        return self.record.resolved

    @strawberry.field(description="How many of those by residents who took them on.")
    def resolved_by_residents(self) -> int:
        return self.record.by_residents

    @strawberry.field(description="The part of those: 0 to 1; null where nothing was resolved.")
    def share_solved_by_residents(self) -> float | None:
        return self.record.by_residents / self.record.resolved if self.record.resolved else None

    @strawberry.field(
        description="Hours from submission to solution: half of those resolved took less. Null where nothing was "
        "resolved. Example: 41.5."
    )
    def median_hours_to_resolve(self) -> float | None:
        return self.record.median_hours

    @strawberry.field(
        description="Each week of the period, the first of them from the beginning of the period on; those in which "
        "nothing was resolved too."
    )
    def per_week(self) -> list[AreaWeek]:
        return [AreaWeek(record=week) for week in self.record.weeks]


async def area_stats(
    info: Info,
    area: Annotated[AreaInput, strawberry.argument(description="Where.")],
    since: Annotated[
        datetime,
        strawberry.argument(
            description='The beginning of the period, at most two years ago. Example: `"2026-09-01T00:00:00+02:00"`.'
        ),
    ],
) -> AreaStats:
    """What becomes of the reports of an area, and how much its residents do themselves."""
    stats.check_since(since, ("since",))
    where = await search_area(info, area)
    async with info.context.db.read() as conn:
        found = await stats.stats(conn, info.context.viewer, where, since)
    if not found.open and not found.submitted and not found.resolved:
        await check_known(info, where)
    return AreaStats(record=found)
