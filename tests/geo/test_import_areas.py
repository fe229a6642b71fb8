import asyncio
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from time import monotonic

import pytest
import shapely

from geo import areas
from geo.area_files import Rejected
from geo.db import Database
from geo.models import Place, Point
from geo.usecases.import_areas import ImportUnderWay, Step, import_areas
from tests.geo.maps import (
    BOROUGHS,
    DISTRICTS,
    NEIGHBOURHOODS,
    NORTH,
    PARENTS,
    SOUTH,
    TOWN,
    Feature,
    Importer,
    area,
    counts,
    geojson,
    geopackage,
    in_force,
    in_rd,
    parents,
    square,
    states,
)

pytestmark = pytest.mark.anyio


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
