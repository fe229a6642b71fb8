import asyncio

import pytest
import shapely
from sqlalchemy import select

from geo import areas
from geo.area_maps import Ending
from geo.models import AreaKind, Place
from geo.tables import area as table
from tests.geo.maps import (
    BOROUGHS,
    DISTRICTS,
    NEIGHBOURHOODS,
    SOUTH,
    TOWN,
    Importer,
    area,
    counts,
    in_force,
    parents,
    square,
    states,
)

pytestmark = pytest.mark.anyio


async def test_a_neighbourhood_whose_district_has_another_code_lies_in_the_one_around_it(load: Importer) -> None:
    await load([*TOWN, *BOROUGHS, *DISTRICTS, *NEIGHBOURHOODS])
    await load([area("WK000111", square(5, 52)), *DISTRICTS[1:]])
    found = await parents(load.db)
    assert (found["BU00010101"], found["WK000111"]) == ("WK000111", "SD-west")


async def test_what_changed_is_replaced_and_the_older_version_kept(load: Importer) -> None:
    await load(DISTRICTS)
    before = await in_force(load.db)
    renamed = [area("WK000101", square(5, 52), "Havenkwartier"), *DISTRICTS[1:]]
    assert counts(await load(renamed)) == {"replaced": 1, "unchanged": 3}
    after = await in_force(load.db)
    assert after["WK000101"].name == "Havenkwartier"
    assert {code for code in after if after[code] != before[code]} == {"WK000101"}
    async with load.db.read() as conn:
        old = select(table.c.name, table.c.valid_from, table.c.valid_to).where(table.c.state == "ENDED")
        ((name, valid_from, valid_to),) = (await conn.execute(old)).all()
    assert (name, valid_from) == ("Zuidwest", before["WK000101"].valid_from)
    assert valid_to == after["WK000101"].valid_from


async def test_an_approximate_area_never_takes_the_place_of_an_exact_one(load: Importer) -> None:
    await load(DISTRICTS)
    exact = await in_force(load.db)
    rough = [
        area("WK000101", square(5.001, 52.001)),
        area("WK000102", square(5.04, 52)),
        area("WK000199", square(5.011, 52.001)),  # another code, yet for the most part in exact areas
        area("WK000105", square(5.02, 52)),
        area("WK000201", square(5.03, 52)),
    ]
    assert counts(await load(rough, approximate=True)) == {"added": 2, "kept": 3}
    after = await in_force(load.db)
    assert {code: after[code] for code in exact if code != "GM0001"} == {
        code: area for code, area in exact.items() if code != "GM0001"
    }
    assert set(after) - set(exact) == {"WK000105", "WK000201", "GM0002"}
    assert counts(await load(rough, approximate=True)) == {"unchanged": 2, "kept": 3}


async def test_an_exact_area_takes_the_place_of_approximate_ones(load: Importer) -> None:
    await load([area("WK000101", square(5.001, 52.001)), area("WK000199", square(5.011, 52.001))], approximate=True)
    summary = await load(DISTRICTS)
    assert summary.ended == [Ending("WK000199", "WK000102", "GM0001")]
    assert counts(summary) == {"added": 3, "replaced": 1, "ended": 1}
    assert not any(area.approximate for code, area in (await in_force(load.db)).items() if code != "GM0001")


async def test_a_code_that_is_gone_leads_to_the_one_that_covers_most_of_it(load: Importer) -> None:
    await load(DISTRICTS)
    renamed = [area("WK000111", square(5, 52), "Zuidwest"), *DISTRICTS[1:]]
    summary = await load(renamed)
    assert summary.ended == [Ending("WK000101", "WK000111", "GM0001")]
    split = [
        area("WK000121", shapely.box(5, 52, 5.01, 52.003)),
        area("WK000122", shapely.box(5, 52.003, 5.01, 52.01)),
        *DISTRICTS[1:],
    ]
    assert (await load(split)).ended == [Ending("WK000111", "WK000122", "GM0001")]
    merged = [area("WK000131", shapely.box(5, 52, 5.02, 52.01)), *DISTRICTS[2:]]
    assert {e.code: e.successor for e in (await load(merged)).ended} == dict.fromkeys(
        ["WK000102", "WK000121", "WK000122"], "WK000131"
    )
    async with load.db.read() as conn:
        followed = await areas.follow(conn, "WK000101")
    assert followed is not None
    assert followed.area.code == "WK000131"
    assert followed.codes == ("WK000131", "WK000101", "WK000102", "WK000111", "WK000121", "WK000122")


async def test_a_code_that_comes_back_stands_for_itself_again(load: Importer) -> None:
    renamed = [area("WK000111", square(5, 52)), *DISTRICTS[1:]]
    for features in (DISTRICTS, renamed, DISTRICTS, renamed, DISTRICTS):
        await load(features)
    async with load.db.read() as conn:
        followed = await areas.follow(conn, "WK000111")
    assert followed is not None
    assert followed.codes == ("WK000101", "WK000111")
    assert await states(load.db) == {"LIVE": 5, "ENDED": 4}


async def test_a_file_about_a_part_leaves_the_rest_alone(load: Importer) -> None:
    await load([*TOWN, *DISTRICTS])
    # The new area covers all of the first district and less than half of the second.
    summary = await load([area("WK000105", shapely.box(5, 52, 5.014, 52.01))])
    assert summary.ended == [Ending("WK000101", "WK000105", "GM0001")]
    assert set(await in_force(load.db)) == {"GM0001", "WK000102", "WK000103", "WK000104", "WK000105"}


async def test_municipalities_that_merge(load: Importer) -> None:
    neighbour = [area("GM0002", square(5.02, 52, 0.02)), area("WK000201", square(5.02, 52, 0.02), "Buurdorp")]
    await load([*TOWN, *DISTRICTS, *NEIGHBOURHOODS, *neighbour])
    merged = area("GM0003", shapely.box(5, 52, 5.04, 52.02), "Groot")
    summary = await load([merged])
    assert {e.code: e.successor for e in summary.ended} == {"GM0001": "GM0003", "GM0002": "GM0003"}
    found = await in_force(load.db)
    assert {area.municipality_code for area in found.values()} == {"GM0003"}
    districts = [
        area("WK000301", shapely.box(5, 52, 5.02, 52.02)),
        area("WK000302", shapely.box(5.02, 52, 5.04, 52.02)),
    ]
    await load(districts)
    assert await parents(load.db) == {
        "GM0003": None,
        "WK000301": "GM0003",
        "WK000302": "GM0003",
        "BU00010101": "WK000301",
        "BU00010102": "WK000301",
    }
    async with load.db.read() as conn:
        assert await areas.locate(conn, SOUTH) == Place("BU00010101", "WK000301", None, "GM0003")


async def test_a_made_up_municipality_ends_with_the_last_of_its_areas(load: Importer) -> None:
    await load(DISTRICTS)
    moved = [({**told, "code": told["code"].replace("0001", "0009")}, shape) for told, shape in DISTRICTS]
    await load(moved)
    assert set(await in_force(load.db)) == {"GM0009", *(told["code"] for told, _ in moved)}
    async with load.db.read() as conn:
        followed = await areas.follow(conn, "GM0001")
    assert followed is not None
    assert followed.codes == ("GM0009", "GM0001")
    await load(DISTRICTS)
    assert set(await in_force(load.db)) == {"GM0001", *(told["code"] for told, _ in DISTRICTS)}
    async with load.db.read() as conn:
        followed = await areas.follow(conn, "GM0009")
    assert followed is not None
    assert followed.codes == ("GM0001", "GM0009")


async def test_readers_find_every_place_while_a_map_is_replaced(load: Importer) -> None:
    first = [*TOWN, *BOROUGHS, *DISTRICTS, *NEIGHBOURHOODS]
    second = [
        *TOWN,
        area("SD-links", BOROUGHS[0][1], gemeente_code="GM0001"),
        *(({**told, "code": told["code"].replace("WK00010", "WK00012")}, shape) for told, shape in DISTRICTS),
        *(({**told, "code": told["code"].replace("BU000101", "BU000121")}, shape) for told, shape in NEIGHBOURHOODS),
    ]
    await load(first)
    done = asyncio.Event()
    before, after = [
        Place(f"BU0001{w}01", f"WK0001{w}", b, "GM0001") for w, b in (("01", "SD-west"), ("21", "SD-links"))
    ]

    async def watch() -> set[Place | None]:
        seen = set()
        async with load.db.read() as conn:
            while not done.is_set():
                seen.add(await areas.locate(conn, SOUTH))
                followed = await areas.follow(conn, "WK000101")
                assert followed is not None
                found = await areas.search(
                    conn, kind=AreaKind.DISTRICT, within="GM0001", search=None, first=10, after=None
                )
                assert len(found) == 4
        return seen

    async with asyncio.TaskGroup() as group:
        watchers = [group.create_task(watch()) for _ in range(3)]
        for features in (second, first, second):
            await load(features)
        done.set()
    # Never nothing, and never a part of each map.
    assert set().union(*(watcher.result() for watcher in watchers)) <= {before, after}
