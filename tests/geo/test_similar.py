"""Which reports are compared with a draft, and that nobody learns of one that it may not see."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from geo import similar
from geo.categories import Categories
from geo.db import Database
from geo.geometry import metres_between
from geo.matching import Match
from geo.models import Point, Report, ReportStatus, Visibility
from geo.similar import METRES, RECENT
from geo.tables import category, report
from geo.tiles import FINER, tile_of
from geo.usecases.find_similar import find_similar
from geo.viewer import ANONYMOUS, Viewer
from tests.world import ADMIN, INSIDE, NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

TEXT = "Gebroken glas rond de glasbak"
NOW = datetime.now(UTC)


def beside(metres: float, point: Point = INSIDE) -> Point:
    """A place so many metres to the east, or a little less."""
    return Point(point.lon + metres / 68_600, point.lat)


async def found(db: Database, viewer: Viewer, point: Point = INSIDE, at: datetime | None = None) -> list[Report]:
    async with db.read() as conn:
        return [report for report, _ in await similar.candidates(conn, viewer, point, at or datetime.now(UTC))]


async def matches(
    db: Database, viewer: Viewer = ANONYMOUS, kind: str = "glas", text: str = TEXT, first: int = 3
) -> list[Match]:
    async with db.read() as conn:
        return await find_similar(conn, Categories(db), viewer, kind, text, INSIDE, first)


async def change(db: Database, changed: Report, **values: object) -> None:
    async with db.write() as conn:
        await conn.execute(update(report).where(report.c.id == changed.id).values(values))


async def test_the_nearest_come_first_with_their_metres(world: Database) -> None:
    made = [await submit(world, at=beside(metres)) for metres in (60, 10, 90, 110, 40)]
    async with world.read() as conn:
        near = await similar.candidates(conn, ANONYMOUS, INSIDE, datetime.now(UTC))
    assert [each.id for each, _ in near] == [made[place].id for place in (1, 4, 0, 2)]
    for each, metres in near:
        assert metres == pytest.approx(metres_between(INSIDE, each.location), abs=1e-3)
        assert metres <= METRES


@pytest.mark.parametrize(
    ("status", "resolved_ago", "expected"),
    [
        (ReportStatus.REPORTED, None, True),
        (ReportStatus.ADOPTED, None, True),
        (ReportStatus.ON_HOLD, None, True),
        (ReportStatus.RESOLVED, RECENT - timedelta(hours=1), True),
        (ReportStatus.RESOLVED, RECENT + timedelta(hours=1), False),
        (ReportStatus.REJECTED, None, False),
        (ReportStatus.MERGED, None, False),
    ],
)
@pytest.mark.parametrize("viewer", [RESIDENT, OFFICER])
async def test_what_is_open_or_resolved_of_late_is_compared(
    world: Database, status: ReportStatus, resolved_ago: timedelta | None, expected: bool, viewer: Viewer
) -> None:
    for visibility in (Visibility.PUBLIC, Visibility.INVOLVED):
        made = await submit(world, visibility=visibility)
        resolved_at = None if resolved_ago is None else datetime.now(UTC) - resolved_ago
        await change(world, made, status=status, resolved_at=resolved_at)
    assert [report.status for report in await found(world, viewer)] == [status] * 2 * expected


@pytest.mark.parametrize(
    ("visibility", "seeing"),
    [
        (Visibility.PUBLIC, [ANONYMOUS, RESIDENT, NEIGHBOUR, OFFICER, POLICE, ADMIN]),
        (Visibility.INVOLVED, [RESIDENT, OFFICER, POLICE, ADMIN]),
        (Visibility.AUTHORITIES, [OFFICER, POLICE, ADMIN]),
        (Visibility.POLICE, [POLICE, ADMIN]),
    ],
)
async def test_only_what_a_viewer_may_see_is_compared(
    world: Database, visibility: Visibility, seeing: Sequence[Viewer]
) -> None:
    made = await submit(world, visibility=visibility, by=RESIDENT)
    elsewhere = Viewer(OFFICER.role, "utrecht/desk", "utrecht", frozenset({"GM0344"}))
    for viewer in (ANONYMOUS, RESIDENT, NEIGHBOUR, OFFICER, POLICE, ADMIN, elsewhere):
        expected = viewer in seeing or (viewer is elsewhere and visibility is Visibility.PUBLIC)
        assert [report.id for report in await found(world, viewer)] == [made.id] * expected


async def test_hidden_reports_change_nothing_for_those_who_may_not_see_them(
    world: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "NEAREST", 3)
    await submit(world, at=beside(30), description="Glasscherven bij de glasbak")
    before = await matches(world, NEIGHBOUR)
    for visibility in (Visibility.INVOLVED, Visibility.AUTHORITIES, Visibility.POLICE):
        for _ in range(5):
            await submit(world, description=TEXT, visibility=visibility, by=RESIDENT)
    after = await matches(world, NEIGHBOUR)
    assert [(match.report, match.reasons, match.metres) for match in after] == [
        (match.report, match.reasons, match.metres) for match in before
    ]
    assert [match.score for match in after] == pytest.approx([match.score for match in before], abs=1e-4)
    assert len(before) == 1


async def test_of_a_dense_tile_the_newest_are_compared(world: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [await submit(world, at=beside(metres)) for metres in (1, 2, 3)]
    walks = similar._nearest(*similar._walks(report.c.public, newest=2))
    monkeypatch.setattr(similar, "_FOR_ANYBODY", walks)
    assert [each.id for each in await found(world, ANONYMOUS)] == [made[1].id, made[2].id]


@given(east=st.floats(-1, 1), north=st.floats(-1, 1), angle=st.sampled_from([0, 1, 2, 3]))
def test_a_circle_lies_in_the_tiles_of_its_corners(east: float, north: float, angle: int) -> None:
    centre = Point(INSIDE.lon + east * 0.006, INSIDE.lat + north * 0.004)
    step = METRES / 111_400
    lon, lat = [(step / 0.6135, 0), (-step / 0.6135, 0), (0, step), (0, -step)][angle]
    edge = Point(centre.lon + lon * 0.99, centre.lat + lat * 0.99)
    assert tile_of(*edge, FINER[-1]).number in similar._tiles(centre)


async def test_it_looks_across_the_borders_of_tiles(world: Database) -> None:
    corner = tile_of(*INSIDE, FINER[-1]).box
    here, there = Point(corner.west + 1e-4, corner.south + 1e-4), Point(corner.west - 1e-4, corner.south - 1e-4)
    made = await submit(world, at=there)
    assert [each.id for each in await found(world, ANONYMOUS, here)] == [made.id]


async def test_matches_tell_why(world: Database) -> None:
    made = await submit(world, at=beside(42), description="Glasscherven bij de glasbak")
    await change(world, made, submitted_at=datetime.now(UTC) - timedelta(days=3, hours=1))
    (match,) = await matches(world)
    assert match.report.id == made.id
    assert match.metres == pytest.approx(42, abs=1)
    assert match.days == pytest.approx(3.04, abs=0.01)
    english = [reason.en for reason in match.reasons]
    assert english[1:3] == ["3 days ago", "same category"]
    assert english[0].endswith(" m away")
    assert english[3].startswith("similar words: ")
    assert {"glasscherven", "glasbak"} <= set(english[3].removeprefix("similar words: ").split(", "))
    assert [reason.nl for reason in match.reasons][1:3] == ["3 dagen geleden", "zelfde categorie"]


async def test_at_most_so_many_the_likeliest_first(world: Database) -> None:
    for metres in (60, 5, 40, 25):
        await submit(world, at=beside(metres), description=TEXT)
    best = await matches(world)
    assert len(best) == 3
    assert [match.score for match in best] == sorted((match.score for match in best), reverse=True)
    assert best[0].metres < best[-1].metres
    assert [match.report.id for match in await matches(world, first=1)] == [best[0].report.id]


async def test_what_is_about_something_else_is_no_match(world: Database) -> None:
    await submit(world, at=beside(30), category="verlichting", description="De lantaarnpaal brandt al dagen niet meer")
    assert await matches(world) == []


async def test_a_related_category_counts(world: Database) -> None:
    async with world.write() as conn:
        await conn.execute(update(category).where(category.c.slug == "verlichting").values(related=["glas"]))
    await submit(world, at=beside(20), category="verlichting", description=TEXT)
    (match,) = await matches(world)
    assert "related category" in [reason.en for reason in match.reasons]
