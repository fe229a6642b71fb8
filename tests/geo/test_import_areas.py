import asyncio
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from time import monotonic

import pytest
import shapely
from sqlalchemy import select, text

from geo import areas
from geo.area_files import Rejected
from geo.area_maps import Ending
from geo.db import Database
from geo.models import Area, AreaKind, Place, Point
from geo.tables import area as table
from geo.usecases.import_areas import ImportSummary, ImportUnderWay, Step, import_areas
from tests.geo.maps import Feature, Importer, area, geojson, geopackage, in_rd, square

pytestmark = pytest.mark.anyio

SOUTH, NORTH = Point(5.005, 52.005), Point(5.005, 52.015)
# A town of 0.02 x 0.02 degrees: four districts in a square, the western two a borough, the south-west one with two
# neighbourhoods.
TOWN = [area("GM0001", square(5, 52, 0.02), "Stad")]
BOROUGHS = [area("SD-west", shapely.box(5, 52, 5.01, 52.02), "West", gemeente_code="GM0001")]
DISTRICTS = [
    area("WK000101", square(5, 52), "Zuidwest"),
    area("WK000102", square(5.01, 52), "Zuidoost"),
    area("WK000103", square(5, 52.01), "Noordwest"),
    area("WK000104", square(5.01, 52.01), "Noordoost"),
]
NEIGHBOURHOODS = [
    area("BU00010101", shapely.box(5, 52, 5.01, 52.005), "Kade"),
    area("BU00010102", shapely.box(5, 52.005, 5.01, 52.01), "Haven"),
]
PARENTS = {
    "GM0001": None,
    "SD-west": "GM0001",
    "WK000101": "SD-west",
    "WK000102": "GM0001",
    "WK000103": "SD-west",
    "WK000104": "GM0001",
    "BU00010101": "WK000101",
    "BU00010102": "WK000101",
}


@pytest.fixture
def load(db: Database, tmp_path: Path) -> Importer:
    return Importer(db, tmp_path)


async def in_force(db: Database) -> dict[str, Area]:
    async with db.read() as conn:
        found = await areas.search(conn, kind=None, within=None, search=None, first=10_000, after=None)
    return {area.code: area for area in found}


async def parents(db: Database) -> dict[str, str | None]:
    return {code: area.parent_code for code, area in (await in_force(db)).items()}


async def states(db: Database) -> dict[str, int]:
    async with db.read() as conn:
        rows = await conn.execute(text("SELECT state, count(*) AS versions FROM area GROUP BY state"))
        return {row.state: row.versions for row in rows}


def counts(summary: ImportSummary) -> dict[str, int]:
    told = {name: getattr(summary, name) for name in ("added", "replaced", "unchanged", "kept", "skipped")}
    return {name: count for name, count in (told | {"ended": len(summary.ended)}).items() if count}


async def test_every_area_lies_in_the_next_in_whatever_order_the_files_come(load: Importer) -> None:
    for features in (NEIGHBOURHOODS, DISTRICTS, BOROUGHS, TOWN):
        await load(features)
    assert await parents(load.db) == PARENTS
    found = await in_force(load.db)
    assert {area.municipality_code for area in found.values()} == {"GM0001"}
    async with load.db.read() as conn:
        assert await areas.locate(conn, SOUTH) == Place("BU00010101", "WK000101", "SD-west", "GM0001")
        assert await areas.locate(conn, NORTH) == Place(None, "WK000103", "SD-west", "GM0001")


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (2, 0, 3, 1), (1, 3, 0, 2)])
async def test_the_order_of_the_files_makes_no_difference(load: Importer, order: tuple[int, ...]) -> None:
    files = [NEIGHBOURHOODS, DISTRICTS, BOROUGHS, TOWN]
    for number in order:
        await load(files[number])
    assert await parents(load.db) == PARENTS
    assert not (await in_force(load.db))["GM0001"].approximate


async def test_a_neighbourhood_whose_district_has_another_code_lies_in_the_one_around_it(load: Importer) -> None:
    await load([*TOWN, *BOROUGHS, *DISTRICTS, *NEIGHBOURHOODS])
    await load([area("WK000111", square(5, 52)), *DISTRICTS[1:]])
    found = await parents(load.db)
    assert (found["BU00010101"], found["WK000111"]) == ("WK000111", "SD-west")


async def test_one_geopackage_in_rd_new_with_old_attribute_names(db: Database, tmp_path: Path) -> None:
    def layer(prefix: str, features: Sequence[Feature]) -> list[Feature]:
        return [
            ({f"{prefix}_CODE": told["code"], f"{prefix}_NAAM": told["name"], "GM_CODE": "GM0001"}, in_rd(shape))
            for told, shape in features
        ]

    layers = {"gemeenten": layer("GM", TOWN), "wijken": layer("WK", DISTRICTS), "buurten": layer("BU", NEIGHBOURHOODS)}
    layers["gemeenten"] = [({"GM_CODE": "GM0001", "GM_NAAM": "Stad"}, in_rd(TOWN[0][1]))]
    summary = await import_areas(db, geopackage(tmp_path / "map.gpkg", layers, "EPSG:28992"))
    assert counts(summary) == {"added": 7}
    async with db.read() as conn:
        assert await areas.locate(conn, SOUTH) == Place("BU00010101", "WK000101", None, "GM0001")


async def test_the_same_file_again_changes_nothing(load: Importer) -> None:
    everything = [*TOWN, *BOROUGHS, *DISTRICTS, *NEIGHBOURHOODS]
    assert counts(await load(everything)) == {"added": 8}
    before = await in_force(load.db)
    assert counts(await load(everything)) == {"unchanged": 8}
    assert await in_force(load.db) == before
    assert await states(load.db) == {"LIVE": 8}


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


async def test_what_could_not_be_taken_is_told_and_the_rest_is_in_force(load: Importer) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[5, 52], [5.01, 52.01], [5.01, 52], [5, 52.01], [5, 52]]]}
    features = [area("WK000101", bow_tie), area("PV20", square(5, 52)), area("WK000102", square(5.01, 52), water="JA")]
    summary = await load(features)
    assert summary.repaired == ["WK000101"]
    assert summary.rejected == [Rejected("PV20", "is not a code of the form GM0000, WK000000, BU00000000 or SD-name")]
    assert counts(summary) == {"added": 1, "skipped": 1}
    async with load.db.read() as conn:
        assert (await areas.locate(conn, Point(5.009, 52.005))) == Place(None, "WK000101", None, "GM0001")
        assert await areas.locate(conn, Point(5.005, 52.009)) is None  # between the wings


async def test_a_municipality_that_no_file_brought_is_the_union_of_its_areas(load: Importer) -> None:
    async def town() -> tuple[str, bool, float]:
        async with load.db.read() as conn:
            found, shape = await areas.by_code(conn, "GM0001"), await areas.geojson(conn, "GM0001")
        assert found is not None
        return found.name, found.approximate, round(shapely.geometry.shape(shape).area, 9)

    await load(DISTRICTS[:1])
    assert await town() == ("GM0001", True, 0.0001)
    await load([({"WK_CODE": "WK000102", "WK_NAAM": "Zuidoost", "GM_NAAM": "Stad"}, square(5.01, 52))])
    assert await town() == ("Stad", True, 0.0002)
    await load(TOWN)
    assert await town() == ("Stad", False, 0.0004)
    await load(DISTRICTS)
    assert await town() == ("Stad", False, 0.0004)


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


async def test_an_import_that_was_cut_off_is_made_whole_by_the_next(load: Importer) -> None:
    other = [area("WK000201", square(5.02, 52)), area("WK000301", square(5.03, 52))]
    await load([*DISTRICTS, *other])
    newer = [({**told, "name": "Nieuw"}, shape) for told, shape in [*DISTRICTS, *other]]

    def cut(step: Step, done: int, total: int) -> None:
        if (step, done, total) == (Step.REPLACING, 1, 3):
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await load(newer, progress=cut)
    # The first municipality has its new map, the others have their old one, and nobody sees what is staged.
    assert await states(load.db) == {"LIVE": 9, "ENDED": 4, "STAGED": 2}
    assert {area.name for code, area in (await in_force(load.db)).items() if code.startswith("WK0001")} == {"Nieuw"}
    assert counts(await load(newer)) == {"replaced": 2, "unchanged": 4}
    assert await states(load.db) == {"LIVE": 9, "ENDED": 6}


async def test_a_killed_import_leaves_no_lock_and_nothing_to_see(
    load: Importer, database_url: str, tmp_path: Path
) -> None:
    path = geojson(tmp_path / "killed.geojson", DISTRICTS)
    script = dedent("""
        import asyncio, pathlib, sys
        from geo.db import Database, engine
        from geo.usecases.import_areas import Step, import_areas

        def hang(step, done, total):
            if step is Step.STAGING:
                print("staged", flush=True)
                sys.stdin.read()

        asyncio.run(import_areas(Database(engine(sys.argv[1])), pathlib.Path(sys.argv[2]), progress=hang))
    """)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, database_url, str(path), stdin=-1, stdout=-1, cwd=Path(__file__).parents[2]
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"staged\n"
        with pytest.raises(ImportUnderWay):
            await load(DISTRICTS)
        assert await in_force(load.db) == {}
    finally:
        process.kill()
        await process.wait()
    while True:
        try:
            assert counts(await load(DISTRICTS)) == {"added": 4}
            break
        except ImportUnderWay:  # until the server has noticed
            await asyncio.sleep(0.01)
    assert await states(load.db) == {"LIVE": 5}


async def test_progress_is_told_from_start_to_end(load: Importer) -> None:
    told: list[tuple[Step, int, int]] = []
    await load([*TOWN, *DISTRICTS], progress=lambda *step: told.append(step))
    assert [step for step, done, total in told if done == total] == [Step.READING, Step.STAGING, Step.REPLACING]
    for (step, done, total), (next_step, next_done, next_total) in pairwise(told):
        assert step is not next_step or (done < next_done and total == next_total)


async def test_the_real_map_of_a_city_and_a_country(db: Database, real_data: Path) -> None:
    files = ["nl_wijken_2014_coarse", "denhaag_buurten_approx", "denhaag_wijken", "denhaag_stadsdelen_derived"]
    for name in (*files, "denhaag_gemeente", *reversed(files)):
        started = monotonic()
        summary = await import_areas(db, real_data / "areas" / f"{name}.geojson")
        assert monotonic() - started < 10
        assert (summary.ended, summary.rejected, summary.repaired) == ([], [], [])
    assert counts(summary) == {"unchanged": 2673, "kept": 44}
    found = await in_force(db)
    assert len(found) == 114 + 44 + 8 + 403 + 2673
    async with db.read() as conn:
        place = await areas.locate(conn, Point(4.3007, 52.0705))
        assert place is not None
        assert (place.district, place.borough, place.municipality) == ("WK051829", "SD-centrum", "GM0518")
        assert found[place.neighbourhood or ""].parent_code == "WK051829"
        assert await areas.locate(conn, Point(6.87, 53.32)) == Place(None, "WK000300", None, "GM0003")
    assert found["WK051829"].name == "Schildersbuurt"
    assert {found[code].parent_code is None for code in found if code.startswith("GM")} == {True}
    assert all(
        found[area.parent_code].municipality_code == area.municipality_code
        for area in found.values()
        if area.parent_code
    )
