"""Months of events are made before they are needed, and no event is ever missing, whatever happens meanwhile."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from geo import deliveries, events, positions, reports
from geo.db import Database
from geo.models import ActorKind, EventKind, Report, ReportStatus
from geo.partitions import month_of
from geo.tables import event, event_archive
from geo.usecases.keep_events import AHEAD, keep_events
from geo.usecases.notify import notify
from tests.geo import months
from tests.geo.months import MONTHS, NOW, STATUSES, Clock, go_through, names, versions, where
from tests.geo.notices import change, place, told
from tests.geo.test_feed import following
from tests.world import ADMIN, submit

pytestmark = pytest.mark.anyio

clock = months.clock
impatient = months.impatient


async def test_this_month_and_the_next_two_are_there_whoever_looks_and_how_often(world: Database, clock: Clock) -> None:
    report = await submit(world)
    for later in range(6):
        at = clock(later)
        await asyncio.gather(*(keep_events(world, at, MONTHS) for _ in range(4)))
        await keep_events(world, at, MONTHS)
        made = await names(world, archived=False)
        assert {f"event_{month_of(NOW, later + ahead):%Y_%m}" for ahead in range(2, AHEAD + 1)} <= {*made}
        assert len(made) == len({*made})
        await change(world, report, STATUSES[later % 2])
    assert "event_default" not in await where(world, report)
    assert f"event_{month_of(NOW, 5):%Y_%m}" in await where(world, report)


async def test_an_event_of_a_month_that_nobody_made_is_taken_in_and_goes_to_its_month(
    world: Database, clock: Clock
) -> None:
    report = await submit(world)
    await keep_events(world, clock(0), MONTHS)
    clock(9)
    await change(world, report, STATUSES[0])
    await place(world)
    assert (await where(world, report))["event_default"] == 1
    clock(11)
    await change(world, report, STATUSES[1])
    await keep_events(world, clock(9), MONTHS)
    months = {f"event_{month_of(NOW, later):%Y_%m}": 1 for later in (9, 11)}
    assert months.items() <= (await where(world, report)).items()
    assert "event_default" not in await where(world, report)
    assert await versions(world, report) == [1, 2, 3]


async def test_an_event_of_a_clock_that_is_far_wrong_is_kept_and_told(world: Database, clock: Clock) -> None:
    report = await submit(world)
    await go_through(world, clock, report, 8)
    for wrong in (-100, 2_000):
        clock(wrong)
        await change(world, report, ReportStatus.ROUTED if wrong < 0 else ReportStatus.UNDER_WAY)
    for _ in range(2):
        await keep_events(world, clock(8), MONTHS)
    async with world.read() as conn:
        last = (await positions.head(conn)).position
    await place(world)
    async with world.read() as conn:
        assert [delivery.event.id for delivery in await deliveries.read(conn, last, 10)]
    assert await versions(world, report) == [*range(1, 12)]


async def test_a_writer_held_open_is_not_waited_for_and_its_event_not_lost(world: Database, clock: Clock) -> None:
    report, other = await submit(world), await submit(world)
    await told(world)
    async with world.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        after = await reports.set_status(conn, before, STATUSES[0], ActorKind.MUNICIPALITY, 14)
        await events.append(conn, EventKind.STATUS_CHANGED, ActorKind.MUNICIPALITY, before, after, {})
        late = clock(6)
        with pytest.raises(OperationalError, match="lock timeout"):
            await keep_events(world, late, MONTHS)
        clock(0)
        await change(world, other, STATUSES[0])
    await keep_events(world, late, MONTHS)
    assert await names(world, archived=True) == [], "its event has no position yet"
    await told(world)
    await told(world)  # and what was told by then
    await keep_events(world, late, MONTHS)
    assert len(await names(world, archived=True)) == 1
    assert await versions(world, report) == await versions(world, other) == [1, 2]


async def test_events_go_on_while_months_are_made_and_archived(world: Database, clock: Clock) -> None:
    written = [await submit(world) for _ in range(2)]
    going = True

    async def tell() -> None:
        while going:
            await notify(world, None)

    async def write(report: Report) -> None:
        turn = 0
        while going:
            await change(world, report, STATUSES[turn % 2])
            turn += 1

    async def look(report: Report) -> None:
        seen = 0
        while going:
            found = await versions(world, report)
            assert found == [*range(1, len(found) + 1)], "nothing is missing, and nothing is there twice"
            assert len(found) >= seen
            seen = len(found)

    async with following(world, interval=0.05), asyncio.TaskGroup() as group:
        group.create_task(tell())
        for report in written:
            group.create_task(write(report))
            group.create_task(look(report))
        for later in range(8):
            at = clock(later)
            with suppress(OperationalError):  # a step that never had its locks is left to the next time
                await keep_events(world, at, 1)
        going = False
    await told(world)
    await place(world)
    await keep_events(world, clock(8), 1)
    assert len(await names(world, archived=True)) >= 5
    async with world.read() as conn:
        head = await positions.head(conn)
        both = [
            *(await conn.scalars(select(event.c.position))),
            *(await conn.scalars(select(event_archive.c.position))),
        ]
    assert sorted(both) == [*range(1, head.position + 1)]
    for report in written:
        async with world.read() as conn:
            version = (await reports.by_ids(conn, ADMIN, [report.id]))[report.id].version
        assert await versions(world, report) == [*range(1, version + 1)]
