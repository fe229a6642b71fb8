"""The glass story between independent clients over real sockets: a resident reports, neighbours add to it, an officer
takes it on, and everybody who watches the place hears of each step, one who was cut off for a while included."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
from PIL import ExifTags, Image

from geo.db import Database
from geo.demo.load import load_categories
from geo.models import Point
from geo.usecases.import_areas import import_areas
from tests import world as square
from tests.clients.cable import Cable
from tests.clients.caller import Caller, calling
from tests.clients.watchers import NodeWatcher, PythonWatcher, Watcher, watching
from tests.conftest import Served, running
from tests.world import NEIGHBOUR, OFFICER, RESIDENT

pytestmark = pytest.mark.anyio

DISTRICT = "WK051829"  # Schildersbuurt
AREA_FILES = ("gemeente", "stadsdelen_derived", "wijken", "buurten_approx")

WATCH = """
subscription Watch($area: AreaInput!, $after: Cursor) {
  reportEvents(area: $area, after: $after) {
    __typename
    ... on ReportEvent {
      cursor version actor reportId
      report {
        number status urgency description location { lon lat } category { slug } district { code } confirmations
      }
    }
    ... on EvidenceAdded { evidence { kind remark addedBy photo { url thumbnailUrl } } }
    ... on ReportConfirmed { verdict }
    ... on StatusChanged { from to remark }
    ... on Resync { reason cursor }
  }
}
"""


@dataclass(frozen=True)
class Place:
    """Where the glass lies, what is watched around it, and a district far from it."""

    glass: Point
    polygon: list[list[float]]
    elsewhere: str
    point_elsewhere: Point


@pytest.fixture
async def small(world: Database) -> Place:
    ring = [[4.29, 52.06], [4.299, 52.06], [4.299, 52.069], [4.29, 52.069], [4.29, 52.06]]
    return Place(square.INSIDE, ring, "WK051801", square.ELSEWHERE)


@pytest.fixture
async def the_hague(db: Database, real_data: Path) -> Place:
    for name in AREA_FILES:
        await import_areas(db, real_data / "areas" / f"denhaag_{name}.geojson")
    async with db.write() as conn:
        await load_categories(conn)
    districts = json.loads((real_data / "areas" / "denhaag_wijken.geojson").read_text())["features"]
    scheveningen = next(d["geometry"] for d in districts if d["properties"]["name"] == "Scheveningen")
    beach = shapely.geometry.shape(scheveningen).representative_point()
    ring = [[4.2990, 52.0695], [4.3025, 52.0692], [4.3022, 52.0715], [4.2990, 52.0695]]
    return Place(Point(4.3007, 52.0705), ring, "WK051807", Point(beach.x, beach.y))


@pytest.fixture
async def served(database_url: str, db: Database, tmp_path: Path) -> AsyncIterator[Served]:
    async with running(database_url, db, tmp_path) as server:
        yield server


def photo() -> bytes:
    """A JPEG that tells where it was taken."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (52.0, 4.0, 13.8), 3: "E", 4: (4.0, 18.0, 2.5)})
    file = BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(file, "JPEG", exif=exif)
    return file.getvalue()


async def send_photo(caller: Caller, report_id: str) -> None:
    upload = await caller.mutate("createUpload", "... on UploadCreated { uploadId url }", contentType="image/jpeg")
    stored = await caller.http.put(upload["url"], content=photo())
    assert stored.status_code == 201
    await caller.mutate("addEvidence", reportId=report_id, uploadId=upload["uploadId"])


async def check_photo(url: str) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    shown = Image.open(BytesIO(answer.content))
    shown.load()
    assert shown.format == "JPEG"
    assert not shown.getexif()


def subset(told: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: told[name] for name in names}


async def check_told(watcher: Watcher, report_id: str, place: Place) -> None:
    """Each event once, in the order of versions, with the fields that were asked for."""
    submitted, with_photo, remarked, confirmed, under_way, resolved = watcher.told
    assert [(event["version"], event["reportId"]) for event in watcher.told] == [(n, report_id) for n in range(1, 7)]
    assert [event["__typename"] for event in watcher.told] == [
        "ReportSubmitted",
        "EvidenceAdded",
        "EvidenceAdded",
        "ReportConfirmed",
        "StatusChanged",
        "StatusChanged",
    ]
    assert [event["actor"] for event in watcher.told] == ["RESIDENT"] * 4 + ["MUNICIPALITY"] * 2
    assert subset(submitted["report"], "urgency", "description", "location", "category", "district") == {
        "urgency": "NORMAL",
        "description": "Glas rond de glasbak",
        "location": place.glass._asdict(),
        "category": {"slug": "glas"},
        "district": {"code": DISTRICT},
    }
    assert subset(with_photo["evidence"], "kind", "remark", "addedBy") == {
        "kind": "PHOTO",
        "remark": None,
        "addedBy": "RESIDENT",
    }
    await check_photo(with_photo["evidence"]["photo"]["url"])
    await check_photo(with_photo["evidence"]["photo"]["thumbnailUrl"])
    assert subset(remarked["evidence"], "kind", "remark", "photo") == {
        "kind": "REMARK",
        "remark": "Ook op de stoep.",
        "photo": None,
    }
    assert (confirmed["verdict"], confirmed["report"]["confirmations"]) == ("STILL_THERE", 1)
    assert subset(under_way, "from", "to", "remark") == {
        "from": "REPORTED",
        "to": "UNDER_WAY",
        "remark": "Er komt iemand.",
    }
    assert subset(resolved, "from", "to", "remark") == {"from": "UNDER_WAY", "to": "RESOLVED", "remark": None}
    assert resolved["report"]["status"] == "RESOLVED"


async def test_the_glass_story_in_a_small_city(small: Place, served: Served) -> None:
    await play(small, served)


async def test_the_glass_story_in_the_hague(the_hague: Place, served: Served) -> None:
    await play(the_hague, served)


async def play(place: Place, served: Served) -> None:
    district = {"code": DISTRICT}
    polygon = {"polygon": {"type": "Polygon", "coordinates": [place.polygon]}}
    async with AsyncExitStack() as stack:
        anna, bram, officer = [
            await stack.enter_async_context(calling(served, who)) for who in (RESIDENT, NEIGHBOUR, OFFICER)
        ]
        cables = [await stack.enter_async_context(Cable(served.sockets)) for _ in range(2)]

        async def watch(kind: type[Watcher], area: Mapping[str, Any], url: str = served.sockets) -> Watcher:
            variables = {"area": area, "after": await anna.now(area)}
            return await stack.enter_async_context(watching(kind, url, variables, document=WATCH))

        steady = [await watch(NodeWatcher, district), await watch(PythonWatcher, polygon)]
        cut_off = [
            await watch(NodeWatcher, polygon, cables[0].url),
            await watch(PythonWatcher, district, cables[1].url),
        ]
        far_away = await watch(PythonWatcher, {"code": place.elsewhere})

        report_id = await anna.submit(place.glass)
        await send_photo(anna, report_id)
        for watcher in (*steady, *cut_off):
            await watcher.until(report_id, version=2)
        for cable in cables:
            cable.cut()
        await bram.mutate("addEvidence", reportId=report_id, remark="Ook op de stoep.")
        await bram.mutate("confirmReport", reportId=report_id, verdict="STILL_THERE")
        await officer.mutate("changeStatus", reportId=report_id, to="UNDER_WAY", remark="Er komt iemand.")
        for watcher in steady:
            await watcher.until(report_id, version=5)
        assert [len(watcher.told) for watcher in cut_off] == [2, 2]
        for cable in cables:
            cable.mend()
        await officer.mutate("changeStatus", reportId=report_id, to="RESOLVED")
        for watcher in (*steady, *cut_off):
            await watcher.until(report_id, version=6)
            await check_told(watcher, report_id, place)

        elsewhere = await anna.submit(place.point_elsewhere, "Zand op het fietspad")
        assert (await far_away.next())["reportId"] == elsewhere
        assert [len(watcher.told) for watcher in (*steady, *cut_off)] == [6, 6, 6, 6]
