"""What watchers of an area are told of its alerts, over real sockets, and how they are counted."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon, box
from sqlalchemy import text, update

from geo.db import Database
from geo.tables import area
from geo.viewer import ANONYMOUS, Viewer
from tests.clients.caller import Caller, Json, calling
from tests.clients.watchers import DISTRICT, PATIENCE, NodeWatcher, PythonWatcher, Watcher, watch, watching
from tests.conftest import Served, running
from tests.world import OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

BESIDE = {"code": "WK051802"}  # shares a border with the district
WATCH = """
subscription Watch($area: AreaInput!, $after: Cursor) {
  alertEvents(area: $area, after: $after) {
    __typename
    ... on AlertEvent { cursor actor alertId version alert { text active version } }
    ... on Resync { cursor }
  }
}
"""
MADE = "... on AlertEvent { alertId version alert { text active version } }"
REACHED = "query($id: ID!) { node(id: $id) { ... on Alert { deliveries { watchers } } } }"


async def publish(desk: Caller, where: Mapping[str, Any] = DISTRICT, about: str = "Inbraken") -> str:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    given = {"area": where, "severity": "WARNING", "text": about, "validUntil": until}
    return str((await desk.mutate("publishAlert", MADE, **given))["alertId"])


async def until(watcher: Watcher, alert_id: str, version: int = 1) -> Json:
    while True:
        told = await watcher.next()
        if (told.get("alertId"), told.get("version")) == (alert_id, version):
            return told


def said(watcher: Watcher) -> list[tuple[str, str]]:
    return [(event["__typename"], event["alertId"]) for event in watcher.told]


async def reached(desk: Caller, alert_id: str, watchers: int) -> None:
    """Returns as soon as so many watchers were counted."""
    async with asyncio.timeout(PATIENCE):
        while (await desk.run(REACHED, {"id": alert_id}))["node"]["deliveries"]["watchers"] != watchers:
            pass


async def test_an_area_is_told_of_its_alerts_and_not_of_its_neighbours(server: Served) -> None:
    corner = {"bbox": {"west": 4.2995, "south": 52.0601, "east": 4.3005, "north": 52.0602}}  # across the border
    async with (
        calling(server, POLICE) as police,
        watch(server, document=WATCH, area=DISTRICT) as here,
        watch(server, RESIDENT, document=WATCH, area=BESIDE) as beside,
    ):
        await submit(server.db)  # a report is no alert
        one = await publish(police, DISTRICT)
        two = await publish(police, BESIDE)
        both = await publish(police, corner)
        await police.mutate("updateAlert", MADE, alertId=both, text="Nog meer inbraken")
        await police.mutate("answerAlert", "... on AlertAnswered { alertId }", alertId=both, text="Witte bus")
        await police.mutate("withdrawAlert", MADE, alertId=both)
        for watcher, own in ((here, one), (beside, two)):
            last = await until(watcher, both, version=3)
            assert said(watcher) == [
                ("AlertPublished", own),
                ("AlertPublished", both),
                ("AlertUpdated", both),
                ("AlertWithdrawn", both),
            ]
            assert watcher.told[2]["alert"]["text"] == "Nog meer inbraken"
            assert last["alert"] == {"text": "Nog meer inbraken", "active": False, "version": 3}
            assert {event["actor"] for event in watcher.told} == {"POLICE"}


@pytest.mark.parametrize(
    "where",
    [
        {"bbox": {"west": 4.281, "south": 52.061, "east": 4.282, "north": 52.062}},
        {"around": {"point": {"lon": 4.279, "lat": 52.065}, "metres": 100}},  # reaches in from outside
        {"code": "GM0518"},
        {"code": "BU05182902"},
    ],
    ids=str,
)
async def test_any_area_that_has_ground_in_common_is_told(server: Served, where: Json) -> None:
    async with calling(server, OFFICER) as desk, watch(server, document=WATCH, area=where) as watcher:
        alert_id = await publish(desk)
        await until(watcher, alert_id)


async def test_a_watcher_resumes_at_another_server(database_url: str, world: Database, tmp_path: Path) -> None:
    async with (
        running(database_url, world, tmp_path) as second,
        calling(second, OFFICER) as desk,
        AsyncExitStack() as stack,
    ):
        async with running(database_url, world, tmp_path) as first:
            watcher = await stack.enter_async_context(watch(first, document=WATCH, area=DISTRICT))
            one = await publish(desk)
            await until(watcher, one)
            watcher.url = second.sockets
        missed = await publish(desk)
        await until(watcher, missed)
        assert said(watcher) == [("AlertPublished", one), ("AlertPublished", missed)]


async def test_what_was_missed_is_told_from_the_database_too(
    database_url: str, world: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo.feed.WINDOW", 2)
    live = "query($area: AreaInput!) { alerts(area: $area) { liveCursor nodes { id } } }"
    async with running(database_url, world, tmp_path) as served, calling(served, OFFICER) as desk:
        page = (await desk.run(live, {"area": DISTRICT}))["alerts"]
        assert page["nodes"] == []
        made = [await publish(desk, about=f"Bericht {number}") for number in range(5)]
        for kind in (PythonWatcher, NodeWatcher):
            variables = {"area": DISTRICT, "after": page["liveCursor"]}
            async with watching(kind, served.sockets, variables, document=WATCH) as watcher:
                await until(watcher, made[-1])
                assert said(watcher) == [("AlertPublished", alert_id) for alert_id in made]


async def test_an_area_is_followed_on_a_new_map(server: Served) -> None:
    east = {"bbox": {"west": 4.311, "south": 52.071, "east": 4.312, "north": 52.072}}
    async with calling(server, OFFICER) as desk, watch(server, document=WATCH, area=DISTRICT) as watcher:
        unheard = await publish(desk, east)
        before = await publish(desk)
        await until(watcher, before)
        async with server.db.write() as conn:
            moved = from_shape(MultiPolygon([box(4.31, 52.07, 4.32, 52.08)]), srid=4326)
            await conn.execute(update(area).where(area.c.code == DISTRICT["code"]).values(geom=moved))
            await conn.execute(text("UPDATE feed SET map_version = map_version + 1"))
        after = await publish(desk, east)
        await until(watcher, after)
        assert unheard not in {alert_id for _, alert_id in said(watcher)}


@pytest.mark.parametrize("viewer", [ANONYMOUS, RESIDENT], ids=["nobody", "a resident"])
async def test_each_watcher_counts_once_for_an_alert(server: Served, viewer: Viewer) -> None:
    async with (
        calling(server, OFFICER) as desk,
        watch(server, viewer, document=WATCH, area=DISTRICT) as one,
        watch(server, viewer, document=WATCH, area={"code": "GM0518"}) as two,
        watch(server, viewer, document=WATCH, area={"code": "WK051801"}) as elsewhere,
    ):
        alert_id = await publish(desk)
        await desk.mutate("updateAlert", MADE, alertId=alert_id, text="Nog meer inbraken")
        for watcher in (one, two):
            await until(watcher, alert_id, version=2)
        other = await publish(desk, {"code": "WK051801"})
        await until(elsewhere, other)
        await reached(desk, other, 2)
        await reached(desk, alert_id, 2)


async def test_no_watcher_is_lost_when_a_server_ends(database_url: str, world: Database, tmp_path: Path) -> None:
    async with running(database_url, world, tmp_path) as second, calling(second, OFFICER) as desk:
        async with (
            running(database_url, world, tmp_path, poll_interval=3600) as first,
            watch(first, document=WATCH, area=DISTRICT) as watcher,
        ):
            alert_id = await publish(desk)
            await until(watcher, alert_id)
            await reached(desk, alert_id, 0)  # the first server's clock has not struck
        await reached(desk, alert_id, 1)
