"""State and stream meet without a seam: behind the `liveCursor` of a page comes all that lies behind it in the feed,
once and in order, and nothing that lies before it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from shapely import box
from sqlalchemy import select, text

from api.bus import Bus
from geo.cursor import Cursors
from geo.db import Connection, Database
from geo.tables import event
from schema.snapshots import Snapshot
from tests.clients.caller import Caller, Json, calling
from tests.clients.watchers import DISTRICT, watch
from tests.conftest import SECRET, Served, running
from tests.geo import maps
from tests.world import CITY, ELSEWHERE, INSIDE, NEIGHBOUR, RESIDENT

pytestmark = pytest.mark.anyio

CURSORS = Cursors(SECRET)
READERS, WRITERS, CHANGES = 12, 5, 12


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that hear of nothing that happens elsewhere, unless they look."""

    async def hear_nothing(bus: Bus, hear: Callable[[], None]) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Bus, "run", hear_nothing)


async def write(caller: Caller) -> None:
    """Changes of one new report after the other, as quickly as they go."""
    for _ in range(CHANGES // 3):
        report_id = await caller.submit(INSIDE)
        await caller.mutate("addEvidence", reportId=report_id, remark="Het ligt er nog")
        await caller.mutate("confirmReport", reportId=report_id, verdict="STILL_THERE")


async def placed(db: Database, after: int) -> list[tuple[int, int]]:
    """Position and version of all that the feed has behind a position, in order."""
    async with db.read() as conn:
        rows = await conn.execute(
            select(event.c.position, event.c.version).where(event.c.position > after).order_by(event.c.position)
        )
        return [(row.position, row.version) for row in rows]


@pytest.mark.parametrize("fan_out", [True, False])
async def test_all_that_lies_behind_a_page_is_told_and_nothing_before(
    database_url: str, world: Database, tmp_path: Path, *, fan_out: bool
) -> None:
    """Pages are read at one process and followed at another, while several writers are at work at both."""
    last: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def follow(page_from: Caller, there: Served) -> tuple[dict[str, Json], int, list[tuple[int, int]]]:
        reports, cursor = await page_from.snapshot(DISTRICT)
        told = []
        async with watch(there, after=cursor) as watcher:
            while not last.done() or last.result() not in reports:
                one = await watcher.next()
                told.append((CURSORS.open_feed(one["cursor"]).position, one["version"]))
                if one["version"] > reports.get(one["reportId"], {"version": 0})["version"]:
                    reports[one["reportId"]] = one["report"]
        return reports, CURSORS.open_feed(cursor).position, told

    async with (
        running(database_url, world, tmp_path, fan_out=fan_out) as first,
        running(database_url, world, tmp_path, fan_out=fan_out) as second,
        calling(first, RESIDENT) as anna,
        calling(second, NEIGHBOUR) as bram,
    ):
        writers = [asyncio.create_task(write(caller)) for caller in (anna, bram) for _ in range(WRITERS)]
        readers = []
        for number in range(READERS):  # one after the other, so that they begin all through the history
            await anna.now(DISTRICT)
            readers.append(asyncio.create_task(follow(*((anna, second) if number % 2 else (bram, first)))))
        await asyncio.gather(*writers)
        last.set_result(await anna.submit(INSIDE))
        fresh, _ = await anna.snapshot(DISTRICT)
        followed = await asyncio.gather(*readers)
    for reports, start, told in followed:
        assert reports == fresh
        assert told == await placed(world, start)
    assert any(len(told) < len(followed[0][2]) for _, _, told in followed), "all began at the same place"


@pytest.mark.usefixtures("deaf")
async def test_a_process_that_lags_shows_how_far_its_page_is_and_not_how_far_itself(
    database_url: str, world: Database, tmp_path: Path
) -> None:
    async with (
        running(database_url, world, tmp_path) as quick,
        running(database_url, world, tmp_path, poll_interval=3600) as lagging,
        calling(quick, RESIDENT) as anna,
        calling(lagging, RESIDENT) as late,
        watch(quick) as witness,
    ):
        shown = await anna.submit(INSIDE)
        await witness.until(shown)
        reports, cursor = await late.snapshot(DISTRICT)
        assert list(reports) == [shown]
        async with watch(quick, after=cursor) as watcher, watch(lagging, after=cursor) as ahead:
            told = await late.submit(INSIDE)
            for one in (watcher, ahead):
                await one.until(told)
                assert [event["reportId"] for event in one.told] == [told]


FRAGMENT = "fragment Place on ReportConnection { cursor: liveCursor }"


@pytest.mark.parametrize(
    "document",
    [
        "query($area: AreaInput!) { found: reports(area: $area) { nodes { id } liveCursor } }",
        "query($area: AreaInput!) { found: alerts(area: $area) { nodes { id } liveCursor } }",
        "query($area: AreaInput!) { found: reports(area: $area) { ...Place } } " + FRAGMENT,
        "{ found: notifications { ... { ... on NotificationConnection { liveCursor } } } }",
        "{ viewer { reports { nodes { id } liveCursor } } }",
        "query($no: Boolean = false) { viewer { reports { liveCursor @skip(if: $no) } } }",
    ],
)
async def test_each_connection_tells_its_place(server: Served, document: str) -> None:
    async with calling(server, RESIDENT) as anna, watch(server) as witness:
        await witness.until(await anna.submit(INSIDE))
        answer = await anna.run(document, {"area": DISTRICT} if "$area" in document else {})
        found = answer.get("found") or answer["viewer"]["reports"]
        cursor = found.get("cursor") or found["liveCursor"]
        assert cursor == witness.told[-1]["cursor"]


async def test_an_area_that_moves_while_its_page_is_read_is_followed_from_before(
    server: Served, world: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved_border = [
        maps.area("WK051803", box(4.28, 52.07, 4.318, 52.08)),
        maps.area("WK051801", box(4.318, 52.07, 4.32, 52.08)),
    ]
    east = {"code": "WK051801"}
    read = Snapshot.read

    @asynccontextmanager
    async def read_later(snapshot: Snapshot) -> AsyncIterator[Connection]:
        monkeypatch.setattr(Snapshot, "read", read)
        await maps.Importer(world, tmp_path)(moved_border)
        await witness.until(report_id, version=2)
        async with read(snapshot) as conn:
            yield conn

    async with calling(server, RESIDENT) as anna, watch(server, area={"code": CITY}) as witness:
        report_id = await anna.submit(ELSEWHERE)
        await witness.until(report_id)
        monkeypatch.setattr(Snapshot, "read", read_later)
        _, cursor = await anna.snapshot(east)
        async with watch(server, area=east, after=cursor) as watcher:
            left = await watcher.next()
    assert (left["__typename"], left["reportId"]) == ("ReportLeft", report_id)


async def test_a_snapshot_stays_what_it_was(world: Database) -> None:
    count = text("SELECT count(*) FROM category")
    idle = text("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
    async with world.snapshot() as conn:
        before = await conn.scalar(count)
        async with world.write() as writing:
            await writing.execute(text("DELETE FROM category WHERE slug = 'hulp'"))
        assert await conn.scalar(count) == before
    with pytest.raises(ZeroDivisionError):
        async with world.snapshot() as conn:
            assert await conn.scalar(count) == before - 1
            raise ZeroDivisionError
    async with world.read() as conn:
        assert await conn.scalar(idle) == 0
        assert await conn.scalar(count) == before - 1
