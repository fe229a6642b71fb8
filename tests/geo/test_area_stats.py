"""How a neighbourhood fares: against plain counting, for everybody who may see other reports, in areas of each kind."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import median
from typing import Any

import pytest
from sqlalchemy import update

from geo import area_stats, involvement, reports
from geo.area_stats import AreaStats, Week, stats
from geo.db import Database
from geo.errors import InvalidPeriod
from geo.geometry import Area, Box, Circle, CodeArea
from geo.hours import AMSTERDAM
from geo.models import ActorKind, AreaKind, Involvement, Point, Report, ReportStatus, Role, Visibility
from geo.tables import report
from geo.viewer import ANONYMOUS, Viewer
from geo.visibility import sees
from tests.world import ADMIN, CITY, NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

WHOLE = CodeArea(AreaKind.MUNICIPALITY, (CITY,))
DISTRICT = CodeArea(AreaKind.DISTRICT, ("WK051829",))
BOX = Box(4.285, 52.062, 4.312, 52.074)
CIRCLE = Circle(Point(4.30, 52.07), 700)
STREET = Box(4.2945, 52.0645, 4.2955, 52.0655)
AREAS: dict[str, Area] = {"city": WHOLE, "district": DISTRICT, "box": BOX, "circle": CIRCLE, "street": STREET}
STRANGER = Viewer(Role.OFFICER, "ver/desk", "ver", frozenset({"GM0363"}))
VIEWERS = (ANONYMOUS, RESIDENT, NEIGHBOUR, OFFICER, POLICE, ADMIN, STRANGER)
SINCE = datetime.now(UTC) - timedelta(days=40)
FINISHED = (ReportStatus.RESOLVED, ReportStatus.REJECTED)


async def now_read(db: Database, viewer: Viewer, area: Area, since: datetime = SINCE) -> AreaStats:
    async with db.read() as conn:
        return await stats(conn, viewer, area, since)


async def change(db: Database, of: Report, **values: Any) -> Report:
    async with db.write() as conn:
        await conn.execute(update(report).where(report.c.id == of.id).values(**values))
        return (await reports.by_ids(conn, ADMIN, [of.id]))[of.id]


async def resolve(db: Database, at: datetime, by: ActorKind, hours: float = 1) -> Report:
    """A report that was resolved then."""
    made = {"status": ReportStatus.RESOLVED, "resolved_at": at, "resolved_by": by, "updated_at": at}
    return await change(db, await submit(db), **made, submitted_at=at - timedelta(hours=hours))


async def some(db: Database, random: Random) -> Report:
    """A report of any kind; whoever reported it is involved, and sometimes a neighbour."""
    place = Point(random.uniform(4.281, 4.319), random.uniform(52.061, 52.079))
    if random.random() < 0.2:
        place = Point(random.uniform(4.2945, 4.2955), random.uniform(52.0645, 52.0655))
    one = await submit(db, at=place, visibility=random.choice([Visibility.PUBLIC, *Visibility]))
    if random.random() < 0.3:
        async with db.write() as conn:
            await involvement.involve(conn, one.id, NEIGHBOUR.party, Involvement.CONFIRMER)
    submitted = datetime.now(UTC) - timedelta(days=random.uniform(0, 90))
    values: dict[str, Any] = {"status": random.choice([*ReportStatus, ReportStatus.RESOLVED, ReportStatus.RESOLVED])}
    changed = submitted + (datetime.now(UTC) - submitted) * random.random()
    if values["status"] is ReportStatus.RESOLVED:
        by = random.choice([ActorKind.RESIDENT, ActorKind.MUNICIPALITY])
        values |= {"resolved_at": submitted + (changed - submitted) * random.random(), "resolved_by": by}
    return await change(db, one, **values, submitted_at=submitted, updated_at=changed)


def inside(area: Area, one: Report) -> bool:
    if isinstance(area, CodeArea):
        return not set(area.codes).isdisjoint(one.place.codes)
    return area.covers(one.location)


def counted(found: list[Report]) -> AreaStats:
    """The plain way."""
    alive = [one for one in found if one.status is not ReportStatus.MERGED]
    done = [one for one in alive if one.resolved_at is not None and one.resolved_at >= SINCE]
    hours = [(one.resolved_at - one.submitted_at) / timedelta(hours=1) for one in done if one.resolved_at]
    own = [one for one in done if one.resolved_by is ActorKind.RESIDENT]
    return AreaStats(
        open=sum(one.status not in FINISHED for one in alive),
        submitted=sum(one.submitted_at >= SINCE for one in alive),
        resolved=len(done),
        by_residents=len(own),
        median_hours=median(hours) if hours else None,
        weeks=tuple(
            Week(start, sum(monday_of(one) == start for one in done), sum(monday_of(one) == start for one in own))
            for start in mondays()
        ),
    )


def monday_of(one: Report) -> date:
    assert one.resolved_at is not None
    return monday(one.resolved_at)


def monday(at: datetime) -> date:
    day = at.astimezone(AMSTERDAM).date()
    return day - timedelta(days=day.weekday())


def mondays() -> Iterator[date]:
    start = monday(SINCE)
    while start <= datetime.now(AMSTERDAM).date():
        yield start
        start += timedelta(days=7)


async def test_everything_is_counted_as_by_hand(world: Database) -> None:
    random = Random(7)
    stored = [await some(world, random) for _ in range(150)]
    helped = {one.id for one in stored if await of_neighbour(world, one)}
    for viewer in VIEWERS:
        for name, area in AREAS.items():
            seen = [
                one
                for one in stored
                if inside(area, one) and sees(viewer, one.visibility, one.place.codes, involved(one, helped))
            ]
            found, expected = await now_read(world, viewer, area), counted(seen)
            assert found.median_hours == pytest.approx(expected.median_hours)
            assert replace(found, median_hours=None) == replace(expected, median_hours=None), (viewer.party, name)


async def of_neighbour(db: Database, one: Report) -> bool:
    async with db.read() as conn:
        return bool(await involvement.roles(conn, one.id, NEIGHBOUR.known_party()))


def involved(one: Report, helped: set[Any]) -> set[str]:
    return {RESIDENT.known_party()} | ({NEIGHBOUR.known_party()} if one.id in helped else set())


async def test_nothing_is_nothing(world: Database) -> None:
    found = await now_read(world, ANONYMOUS, DISTRICT)
    assert (found.open, found.submitted, found.resolved, found.by_residents, found.median_hours) == (0, 0, 0, 0, None)
    assert [week.resolved for week in found.weeks] == [0] * len(list(mondays()))


async def test_a_week_begins_on_monday_in_amsterdam(world: Database) -> None:
    midnight = datetime.combine(monday(datetime.now(UTC)) - timedelta(days=7), datetime.min.time(), AMSTERDAM)
    await resolve(world, midnight.astimezone(UTC) - timedelta(minutes=1), ActorKind.MUNICIPALITY)
    await resolve(world, midnight.astimezone(UTC), ActorKind.RESIDENT)
    found = await now_read(world, ANONYMOUS, DISTRICT)
    assert [week for week in found.weeks if week.resolved] == [
        Week(midnight.date() - timedelta(days=7), 1, 0),
        Week(midnight.date(), 1, 1),
    ]


async def test_what_was_opened_again_is_open_and_not_resolved(world: Database) -> None:
    one = await resolve(world, datetime.now(UTC), ActorKind.RESIDENT)
    assert (await now_read(world, ANONYMOUS, DISTRICT)).by_residents == 1
    async with world.write() as conn:
        await reports.reopen(conn, one, datetime.now(UTC))
    found = await now_read(world, ANONYMOUS, DISTRICT)
    assert (found.open, found.resolved, found.by_residents) == (1, 0, 0)


@pytest.mark.parametrize(
    "ago", [timedelta(minutes=-1), timedelta(days=732)], ids=["in the future", "more than two years ago"]
)
def test_the_period_is_bounded(ago: timedelta) -> None:
    with pytest.raises(InvalidPeriod) as refused:
        area_stats.check_since(datetime.now(UTC) - ago, ("since",))
    assert refused.value.path == ("since",)


def test_the_period_has_an_offset() -> None:
    with pytest.raises(InvalidPeriod):
        area_stats.check_since(datetime.now(UTC).replace(tzinfo=None), ("since",))
    area_stats.check_since(datetime.now(UTC) - timedelta(days=730), ("since",))
