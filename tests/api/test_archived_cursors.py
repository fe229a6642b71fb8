"""What clients are told when months of events have been archived, over real sockets; and the worker, which does it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from geo import positions
from geo.cursor import Cursors, FeedCursor
from geo.db import Database
from geo.partitions import month_of, partitions
from geo.usecases.keep_events import keep_events
from tests.api.test_worker import do
from tests.clients.caller import calling
from tests.clients.watchers import DISTRICT, watch
from tests.conftest import SECRET, running
from tests.geo.notices import told
from tests.world import INSIDE, RESIDENT

pytestmark = pytest.mark.anyio

LATER = month_of(datetime.now(UTC), 6)


async def test_a_cursor_older_than_what_is_kept_is_told_so_and_newer_ones_resume(
    database_url: str, world: Database, tmp_path: Path
) -> None:
    async with running(database_url, world, tmp_path) as served, calling(served, RESIDENT) as anna:
        old = await anna.now(DISTRICT)
        archived = await anna.submit(INSIDE)
        for _ in range(2):
            await told(world)
    await keep_events(world, LATER, 3)
    async with world.read() as conn:
        head = await positions.head(conn)
    assert 0 < head.oldest <= head.position
    oldest = Cursors(SECRET).seal_feed(FeedCursor(head.epoch, head.oldest))
    async with running(database_url, world, tmp_path) as served, calling(served, RESIDENT) as anna:
        async with watch(served, after=old) as late, watch(served, after=oldest) as resumed:
            resync = await late.next()
            assert resync["__typename"] == "Resync"
            assert resync["reason"] == "Your cursor is older than what is kept."
            snapshot, _ = await anna.snapshot(DISTRICT)
            assert archived in snapshot
            report_id = await anna.submit(INSIDE)
            assert (await late.next())["reportId"] == report_id
            assert (await resumed.next())["reportId"] == report_id
        async with watch(served, after=resync["cursor"]) as again:
            assert (await again.next())["reportId"] == report_id


async def test_the_worker_makes_the_months(database_url: str, world: Database) -> None:
    await do(database_url, world, "keep_events")
    async with world.read() as conn:
        made = {month.name for month in await partitions(conn)}
    assert f"event_{month_of(datetime.now(UTC), 2):%Y_%m}" in made
