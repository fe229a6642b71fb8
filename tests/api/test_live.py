"""What watchers are promised of servers, over real sockets: to be told all, once and in order, by any of them, whatever
becomes of one. What the feed promises by itself is in tests/geo/test_feed.py."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import func, select

from api.bus import Bus
from geo import positions
from geo.db import Database
from tests.clients.caller import calling
from tests.clients.watchers import DISTRICT, said, watch
from tests.conftest import running
from tests.process import serving
from tests.world import INSIDE, RESIDENT

pytestmark = pytest.mark.anyio


async def test_a_watcher_goes_on_at_another_server(database_url: str, world: Database, tmp_path: Path) -> None:
    async with (
        running(database_url, world, tmp_path) as second,
        calling(second, RESIDENT) as anna,
        AsyncExitStack() as stack,
    ):
        async with running(database_url, world, tmp_path) as first:
            watcher = await stack.enter_async_context(watch(first))
            one = await anna.submit(INSIDE)
            await watcher.until(one)
            watcher.url = second.sockets
        two = await anna.submit(INSIDE)
        await watcher.until(two)
        assert [event["reportId"] for event in watcher.told] == [one, two]


async def test_what_was_committed_before_a_crash_is_told_after_it(
    database_url: str, world: Database, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        async with serving(database_url, world, tmp_path) as (first, _), calling(first, RESIDENT) as anna:
            watcher = await stack.enter_async_context(watch(first))
            told = await anna.submit(INSIDE)
            await watcher.until(told)
            holder = await stack.enter_async_context(world.engine.connect())
            await holder.execute(select(func.pg_advisory_xact_lock(positions.PLACING_LOCK)))  # no event gets its place
            committed = await anna.submit(INSIDE)
        # The process was killed.
        await holder.rollback()
        assert [event["reportId"] for event in watcher.told] == [told]
        async with serving(database_url, world, tmp_path) as (second, _):
            watcher.url = second.sockets
            await watcher.until(committed)
    assert [event["reportId"] for event in watcher.told] == [told, committed]


async def test_lost_hints_cost_time_and_no_event(
    database_url: str, world: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(bus: Bus, hear: Callable[[], None]) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Bus, "run", deaf)
    async with (
        running(database_url, world, tmp_path, poll_interval=0.1) as here,
        running(database_url, world, tmp_path, poll_interval=0.1) as there,
        calling(there, RESIDENT) as anna,
        watch(here) as watcher,
    ):
        report_id = await anna.submit(INSIDE)
        await anna.mutate("confirmReport", reportId=report_id, verdict="STILL_THERE")
        await watcher.until(report_id, version=2)
        assert said(watcher) == [("ReportSubmitted", 1), ("ReportConfirmed", 2)]


async def test_another_epoch_is_told_as_resync(database_url: str, world: Database, tmp_path: Path) -> None:
    async with (
        running(database_url, world, tmp_path, poll_interval=0.1) as served,
        calling(served, RESIDENT) as anna,
    ):
        old = await anna.now(DISTRICT)
        async with watch(served) as watcher:
            async with world.write() as conn:
                await positions.renew_epoch(conn, (await positions.head(conn)).epoch)
            assert (await watcher.next())["__typename"] == "Resync"
            report_id = await anna.submit(INSIDE)
            await watcher.until(report_id)
        async with watch(served, after=old) as late:
            resync = await late.next()
            assert resync["__typename"] == "Resync"
            assert resync["cursor"] != old
            after = await anna.submit(INSIDE)
            assert (await late.next())["reportId"] == after
