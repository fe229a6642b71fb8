import asyncio
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from geo import areas, events, reports
from geo.db import Database
from geo.models import ActorKind, Event, EventKind, Place, Point, Report, Urgency, Visibility
from geo.tables import pending_recode
from geo.usecases import recode_reports
from geo.usecases.import_areas import ImportSummary, Step
from tests.geo.maps import Importer, area, square
from tests.world import ADMIN, submit

pytestmark = pytest.mark.anyio

WEST, EAST = Point(5.005, 52.005), Point(5.015, 52.005)
TOWN = area("GM0001", square(5, 52, 0.02))
OLD = [TOWN, area("WK000101", square(5, 52)), area("WK000102", square(5.01, 52))]
RENAMED = [TOWN, area("WK000111", square(5, 52)), area("WK000102", square(5.01, 52))]


@pytest.fixture
async def load(world: Database, tmp_path: Path) -> Importer:
    load = Importer(world, tmp_path)
    await load(OLD)
    return load


async def now(db: Database, *of: Report) -> list[Report]:
    async with db.read() as conn:
        found = await reports.by_ids(conn, ADMIN, [each.id for each in of])
    return [found[each.id] for each in of]


async def history(db: Database, of: Report) -> list[Event]:
    async with db.read() as conn:
        found: dict[UUID, list[Event]] = await events.timeline(conn, ADMIN, [of.id], None, 10)
    return found[of.id]


async def test_reports_move_with_a_code_that_was_renamed(load: Importer) -> None:
    west = await submit(load.db, at=WEST)
    hidden = await submit(load.db, at=WEST, visibility=Visibility.POLICE)
    east = await submit(load.db, at=EAST)
    summary = await load(RENAMED)
    assert summary.reports_moved == 2
    moved, moved_hidden, stayed = await now(load.db, west, hidden, east)
    assert stayed == east
    assert moved.place == moved_hidden.place == Place(None, "WK000111", None, "GM0001")
    assert moved.version == west.version + 1
    assert moved.updated_at > west.updated_at
    submitted, told = await history(load.db, west)
    assert (told.kind, told.actor, told.version) == (EventKind.REPORT_MOVED, ActorKind.SYSTEM, moved.version)
    assert told.before == submitted.after
    assert told.before.codes == ("WK000101", "GM0001")
    assert told.after.codes == ("WK000111", "GM0001")
    assert (await load(RENAMED)).reports_moved == 0
    assert len(await history(load.db, west)) == 2


async def test_reports_move_where_a_border_moved(load: Importer) -> None:
    near, far = await submit(load.db, at=Point(5.009, 52.005)), await submit(load.db, at=WEST)
    moved_border = [area("WK000101", square(5, 52, 0.008)), area("WK000102", square(5.008, 52, 0.012))]
    assert (await load(moved_border)).reports_moved == 1
    assert [each.place.district for each in await now(load.db, near, far)] == ["WK000102", "WK000101"]


async def test_reports_move_when_finer_areas_come_and_into_another_municipality(load: Importer) -> None:
    west, east = await submit(load.db, at=WEST), await submit(load.db, at=EAST)
    await load([area("BU00010101", square(5, 52)), area("SD-west", square(5, 52), gemeente_code="GM0001")])
    assert [each.place for each in await now(load.db, west, east)] == [
        Place("BU00010101", "WK000101", "SD-west", "GM0001"),
        Place(None, "WK000102", None, "GM0001"),
    ]
    # The east goes to another town, in a file that does not name its old one.
    assert (await load([area("WK000201", square(5.01, 52))])).reports_moved == 1
    assert (await now(load.db, east))[0].place == Place(None, "WK000201", None, "GM0002")


async def test_reports_move_into_a_municipality_that_came_over_another(load: Importer) -> None:
    edge = await submit(load.db, at=Point(5.015, 52.015))
    assert edge.place == Place(None, None, None, "GM0001")
    summary = await load([area("WK000201", square(5.01, 52.01))])
    assert (summary.ended, summary.reports_moved) == ([], 1)
    assert (await now(load.db, edge))[0].place == Place(None, "WK000201", None, "GM0002")


async def test_a_report_outside_every_area_keeps_its_codes(load: Importer) -> None:
    edge = await submit(load.db, at=Point(5.019, 52.019))
    assert edge.place == Place(None, None, None, "GM0001")
    assert (await load([area("GM0001", square(5, 52, 0.015))])).reports_moved == 0
    assert await now(load.db, edge) == [edge]


async def test_many_reports_are_moved_some_at_a_time(load: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recode_reports, "AT_ONCE", 3)
    west = [await submit(load.db, at=WEST) for _ in range(7)]
    east = [await submit(load.db, at=EAST) for _ in range(4)]
    told: list[tuple[int, int]] = []

    def note(step: Step, done: int, total: int) -> None:
        if step is Step.MOVING:
            told.append((done, total))

    assert (await load(RENAMED, progress=note)).reports_moved == 7
    assert told == [(3, 11), (6, 11), (9, 11), (11, 11)]
    assert {each.place.district for each in await now(load.db, *west)} == {"WK000111"}
    assert await now(load.db, *east) == east


async def test_reports_that_an_import_did_not_come_to_are_moved_by_the_next(load: Importer) -> None:
    west = await submit(load.db, at=WEST)

    def cut(step: Step, done: int, total: int) -> None:
        if step is Step.REPLACING and done == total:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await load(RENAMED, progress=cut)
    assert await now(load.db, west) == [west]
    assert (await load(RENAMED)).reports_moved == 1
    assert (await now(load.db, west))[0].place.district == "WK000111"
    async with load.db.read() as conn:
        assert (await conn.execute(select(pending_recode))).all() == []


async def replacing(load: Importer) -> asyncio.Task[ImportSummary]:
    """An import under way that has put the new map in force."""
    replaced = asyncio.Event()

    def note(step: Step, done: int, total: int) -> None:
        if step is Step.REPLACING and done == total:
            replaced.set()

    importing = asyncio.create_task(load(RENAMED, progress=note))
    await replaced.wait()
    return importing


async def test_a_report_that_was_on_its_way_when_the_map_was_replaced_is_moved_too(load: Importer) -> None:
    async with load.db.engine.connect() as writer:
        place = await areas.locate(writer, WEST)
        assert place == Place(None, "WK000101", None, "GM0001")
        importing = await replacing(load)
        late = await reports.insert_new(
            writer,
            category="glas",
            urgency=Urgency.NORMAL,
            visibility=Visibility.PUBLIC,
            description="Glas",
            location=WEST,
            place=place,
            due_at=None,
        )
        waited, _ = await asyncio.wait({importing}, timeout=0.2)
        assert not waited
        await writer.commit()
    assert (await importing).reports_moved == 1
    assert (await now(load.db, late))[0].place.district == "WK000111"


async def test_a_report_changed_meanwhile_keeps_that_change(load: Importer) -> None:
    west = await submit(load.db, at=WEST)
    async with load.db.engine.connect() as writer:
        locked = await reports.lock(writer, ADMIN, west.id, ())
        importing = await replacing(load)
        changed = await reports.change(writer, locked, description="Ook op de stoep")
        await events.append(writer, EventKind.EVIDENCE_ADDED, ActorKind.RESIDENT, locked, changed, {})
        await writer.commit()
    await importing
    (after,) = await now(load.db, west)
    assert (after.description, after.place.district, after.version) == ("Ook op de stoep", "WK000111", 3)
    assert [told.version for told in await history(load.db, west)] == [1, 2, 3]
