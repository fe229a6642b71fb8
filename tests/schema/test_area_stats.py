"""How a neighbourhood fares, over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest

from geo.db import Database
from schema.nodes import make_id
from tests.clients.caller import Json, calling
from tests.clients.refusals import refusal
from tests.conftest import Served
from tests.geo import test_adoptions
from tests.geo.test_adoptions import adopt, complete
from tests.schema import test_statements
from tests.world import INSIDE, NEIGHBOUR, OFFICER, RESIDENT, submit

pytestmark = pytest.mark.anyio

guided = test_adoptions.guided
counted = test_statements.counted

STATS = """query($area: AreaInput!, $since: DateTime!) { areaStats(area: $area, since: $since) {
    open submitted resolved resolvedByResidents shareSolvedByResidents medianHoursToResolve
    perWeek { start resolved resolvedByResidents }
} }"""
DISTRICT = {"code": "WK051829"}


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


async def test_it_shows_how_much_residents_do_themselves(guided: Database, server: Served) -> None:
    stored = [await submit(guided) for _ in range(4)]
    await adopt(guided, NEIGHBOUR, stored[0])
    await complete(guided, NEIGHBOUR, stored[0])
    async with calling(server, OFFICER) as desk, calling(server) as anybody:
        for report, to in zip(stored[1:3], ("RESOLVED", "REJECTED"), strict=True):
            await desk.mutate("changeStatus", reportId=make_id("Report", report.id), to=to)
        found: Json = (await anybody.run(STATS, {"area": DISTRICT, "since": ago(days=7)}))["areaStats"]
    assert 0 <= found.pop("medianHoursToResolve") < 0.1
    weeks = found.pop("perWeek")
    assert len(weeks) == 2
    assert [week["resolved"] for week in weeks] == [0, 2]
    assert [week["resolvedByResidents"] for week in weeks] == [0, 1]
    assert found == {
        "open": 1,
        "submitted": 4,
        "resolved": 2,
        "resolvedByResidents": 1,
        "shareSolvedByResidents": 0.5,
    }


async def test_where_nothing_was_resolved_there_is_no_share(shared: Served) -> None:
    around = {"around": {"point": INSIDE._asdict(), "metres": 100}}
    async with calling(shared) as anybody:
        for area in (DISTRICT, around):
            found = (await anybody.run(STATS, {"area": area, "since": ago(days=1)}))["areaStats"]
            assert (found["resolved"], found["shareSolvedByResidents"], found["medianHoursToResolve"]) == (
                0,
                None,
                None,
            )


@pytest.mark.parametrize(
    ("area", "since", "code", "path"),
    [
        (DISTRICT, ago(days=800), "InvalidPeriod", ["since"]),
        (DISTRICT, ago(days=-1), "InvalidPeriod", ["since"]),
        (DISTRICT, "2026-01-01T00:00:00", "InvalidPeriod", ["since"]),
        ({"code": "WK999999"}, ago(days=1), "UnknownArea", ["area", "code"]),
        ({"bbox": {"west": 4, "south": 52, "east": 3, "north": 53}}, ago(days=1), "InvalidArea", ["area", "bbox"]),
        (
            {"around": {"point": {"lon": 5.9, "lat": 51.98}, "metres": 100}},
            ago(days=1),
            "OutsideKnownArea",
            ["area"],
        ),
    ],
    ids=["too long ago", "to come", "without offset", "unknown", "inside out", "elsewhere"],
)
async def test_what_was_wrong_is_named(shared: Served, area: Json, since: str, code: str, path: list[str]) -> None:
    async with calling(shared) as anybody:
        problem = await refusal(anybody, STATS, {"area": area, "since": since})
    assert (problem["code"], problem["path"]) == (code, path)


async def test_it_takes_one_statement(counted: test_statements.Counted) -> None:
    for viewer in (RESIDENT, OFFICER):
        for area in (DISTRICT, {"bbox": {"west": 4.28, "south": 52.06, "east": 4.32, "north": 52.08}}):
            await submit(counted.services.db)
            assert await counted.count(STATS, viewer, area=area, since=ago(days=90)) == 1
