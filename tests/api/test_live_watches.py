"""What watchers are told of reports that enter or leave their sight: by a right, a filter, or a map."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from gql.transport.exceptions import TransportQueryError
from shapely import box
from sqlalchemy import func, select, text

from geo import positions
from geo.db import Database
from tests.clients.caller import Caller, calling
from tests.clients.watchers import DISTRICT, said, watch
from tests.conftest import Served
from tests.geo import maps
from tests.world import CITY, ELSEWHERE, INSIDE, OFFICER, POLICE, RESIDENT

pytestmark = pytest.mark.anyio


@pytest.fixture
async def anna(server: Served) -> AsyncIterator[Caller]:
    async with calling(server, RESIDENT) as caller:
        yield caller


@pytest.fixture
async def officer(server: Served) -> AsyncIterator[Caller]:
    async with calling(server, OFFICER) as caller:
        yield caller


@pytest.fixture
async def police(server: Served) -> AsyncIterator[Caller]:
    async with calling(server, POLICE) as caller:
        yield caller


def assert_without_content(event: Mapping[str, Any]) -> None:
    assert (event["__typename"], event["actor"], event["report"]) == ("ReportLeft", "SYSTEM", None)


async def test_who_loses_the_right_hears_of_a_departure_without_content(
    server: Served, anna: Caller, officer: Caller
) -> None:
    async with watch(server) as anybody, watch(server, OFFICER) as authority:
        report_id = await anna.submit(INSIDE)
        await anybody.until(report_id)
        await officer.mutate("changeVisibility", reportId=report_id, to="AUTHORITIES")
        await officer.mutate("changeStatus", reportId=report_id, to="UNDER_WAY", remark="Niet voor iedereen")
        await officer.mutate("changeVisibility", reportId=report_id, to="PUBLIC")
        await anybody.until(report_id, version=4)
        await authority.until(report_id, version=4)
    assert said(anybody) == [("ReportSubmitted", 1), ("ReportLeft", 2), ("ReportEntered", 4)]
    assert_without_content(anybody.told[1])
    assert anybody.told[2]["report"]["status"] == "UNDER_WAY"
    assert said(authority) == [
        ("ReportSubmitted", 1),
        ("VisibilityChanged", 2),
        ("StatusChanged", 3),
        ("VisibilityChanged", 4),
    ]


async def test_an_involved_party_hears_when_it_is_shut_out(server: Served, anna: Caller, police: Caller) -> None:
    async with watch(server, RESIDENT) as reporter, watch(server, POLICE) as insider, watch(server) as stranger:
        report_id = await anna.submit(INSIDE, category="hulp")
        await reporter.until(report_id)
        await police.mutate("changeVisibility", reportId=report_id, to="POLICE")
        await police.mutate("changeStatus", reportId=report_id, to="UNDER_WAY")
        await insider.until(report_id, version=3)
        async with watch(server, RESIDENT, after=reporter.told[0]["cursor"]) as late:
            assert_without_content(await late.next())
        await police.mutate("changeVisibility", reportId=report_id, to="INVOLVED")
        seen = await anna.submit(INSIDE)
        await reporter.until(seen)
        await stranger.until(seen)
    assert said(reporter) == [("ReportSubmitted", 1), ("ReportLeft", 2), ("ReportEntered", 4), ("ReportSubmitted", 1)]
    assert_without_content(reporter.told[1])
    assert said(stranger) == [("ReportSubmitted", 1)]


async def test_a_report_enters_and_leaves_a_filter(server: Served, anna: Caller, officer: Caller) -> None:
    async with watch(server, filter={"statuses": ["REPORTED"]}) as watcher:
        report_id = await anna.submit(INSIDE)
        await anna.mutate("addEvidence", reportId=report_id, remark="Ook op de stoep")
        for status in ("UNDER_WAY", "RESOLVED", "REPORTED"):
            await officer.mutate("changeStatus", reportId=report_id, to=status)
        await watcher.until(report_id, version=5)
    assert said(watcher) == [("ReportSubmitted", 1), ("EvidenceAdded", 2), ("ReportLeft", 3), ("ReportEntered", 5)]
    assert_without_content(watcher.told[2])
    assert watcher.told[3]["report"]["status"] == "REPORTED"


async def test_a_replay_shows_nothing_of_what_is_hidden_now(
    server: Served, anna: Caller, officer: Caller, world: Database
) -> None:
    start = await anna.now(DISTRICT)
    hidden = await anna.submit(INSIDE, "Dit was even openbaar")
    await anna.mutate("addEvidence", reportId=hidden, remark="Dit ook")
    open_still = await anna.submit(INSIDE)
    async with watch(server, after=start) as early, world.engine.connect() as holder:
        await early.until(open_still)
        await holder.execute(select(func.pg_advisory_xact_lock(positions.PLACING_LOCK)))  # no event gets its place
        await officer.mutate("changeVisibility", reportId=hidden, to="AUTHORITIES")
        async with watch(server, after=start) as late:
            await holder.rollback()
            await late.until(hidden, version=3)
    assert [(event["reportId"], event["version"]) for event in late.told] == [(open_still, 1), (hidden, 3)]
    assert_without_content(late.told[1])


async def test_what_happened_behind_closed_doors_stays_there(server: Served, anna: Caller, police: Caller) -> None:
    start = await anna.now(DISTRICT)
    report_id = await anna.submit(INSIDE, category="drugs")
    await police.mutate("changeStatus", reportId=report_id, to="UNDER_WAY", remark="Inval om zes uur")
    await police.mutate("changeVisibility", reportId=report_id, to="PUBLIC")
    everything = """
    subscription Everything($area: AreaInput!, $after: Cursor) {
      reportEvents(area: $area, after: $after) {
        __typename
        ... on ReportEvent { cursor version reportId report { timeline { nodes { __typename version } } } }
        ... on StatusChanged { remark }
        ... on Resync { cursor }
      }
    }
    """
    async with watch(server, after=start, document=everything, area=DISTRICT) as watcher:
        await watcher.until(report_id, version=3)
    assert said(watcher) == [("ReportEntered", 3)]
    history = watcher.told[0]["report"]["timeline"]["nodes"]
    assert history == [{"__typename": "VisibilityChanged", "version": 3}]


async def test_one_report_is_watched(server: Served, anna: Caller, officer: Caller) -> None:
    document = """
    subscription One($id: ID!, $after: Cursor) {
      report(id: $id, after: $after) {
        __typename
        ... on ReportEvent { cursor version reportId actor report { status } }
        ... on Resync { cursor }
      }
    }
    """
    report_id = await anna.submit(INSIDE)
    async with watch(server, document=document, id=report_id) as watcher:
        await anna.submit(INSIDE)
        await officer.mutate("changeStatus", reportId=report_id, to="RESOLVED")
        await watcher.until(report_id, version=2)
        await officer.mutate("changeVisibility", reportId=report_id, to="AUTHORITIES")
        await watcher.until(report_id, version=3)
    fresh = [event for event in watcher.told if event["version"] > 1]  # a watcher may be told what it has seen already
    assert [event["__typename"] for event in fresh] == ["StatusChanged", "ReportLeft"]
    assert fresh[0]["report"] == {"status": "RESOLVED"}
    assert_without_content(fresh[1])
    async with watch(server, document=document, id=report_id) as watcher:
        with pytest.raises(TransportQueryError, match="UnknownReport"):
            await watcher.next()


@pytest.mark.parametrize("successor", ["WK051899", "WK051802"])  # a new one, and a neighbour that takes it in
async def test_who_watches_an_old_code_follows_to_the_new_map(
    successor: str, server: Served, anna: Caller, world: Database, tmp_path: Path
) -> None:
    north = [maps.area(f"WK05180{n}", box(west, 52.07, west + 0.02, 52.08)) for n, west in ((3, 4.28), (1, 4.30))]
    south = maps.area(successor, box(4.28, 52.06, 4.32, 52.07))
    async with watch(server) as watcher:
        before = await anna.submit(INSIDE)
        await watcher.until(before)
        async with world.write() as conn:
            await conn.execute(text("TRUNCATE report CASCADE"))  # no report is there to move, and none says that it did
        assert (await watcher.next())["__typename"] == "Resync"  # what was told is lost
        await maps.Importer(world, tmp_path)([*north, south])
        await anna.submit(ELSEWHERE)
        after = await anna.submit(INSIDE)
        await watcher.until(after)
    told = [event["reportId"] for event in watcher.told if event["__typename"] != "Resync"]
    assert told == [before, after]


async def test_a_report_that_a_new_map_moves_leaves_one_watcher_for_another(
    server: Served, anna: Caller, world: Database, tmp_path: Path
) -> None:
    moved_border = [
        maps.area("WK051803", box(4.28, 52.07, 4.318, 52.08)),
        maps.area("WK051801", box(4.318, 52.07, 4.32, 52.08)),
    ]
    async with (
        watch(server, area={"code": "WK051803"}) as west,
        watch(server, area={"code": "WK051801"}) as east,
        watch(server, area={"code": CITY}) as city,
    ):
        report_id = await anna.submit(ELSEWHERE)
        await east.until(report_id)
        await maps.Importer(world, tmp_path)(moved_border)
        for watcher in (west, east, city):
            await watcher.until(report_id, version=2)
    assert said(west) == [("ReportEntered", 2)]
    assert said(east) == [("ReportSubmitted", 1), ("ReportLeft", 2)]
    assert_without_content(east.told[1])
    assert said(city) == [("ReportSubmitted", 1), ("ReportMoved", 2)]
