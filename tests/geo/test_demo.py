from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select, text, update

from geo import areas, deliveries, events, positions, reports
from geo.categories import Categories, everything
from geo.db import Database
from geo.deliveries import Delivery
from geo.demo.areas import MUNICIPALITY
from geo.demo.load import load, load_categories
from geo.demo.reports import write
from geo.demo.stories import Step, Story, stories
from geo.models import (
    ActorKind,
    AreaKind,
    Borrow,
    Category,
    EventKind,
    Outcome,
    Point,
    Report,
    ReportStatus,
    Role,
    Urgency,
    Verdict,
    Visibility,
)
from geo.numbers import new_number, read_number
from geo.statuses import Statuses
from geo.tables import area, category, confirmation, event, evidence, involvement, report
from geo.usecases.add_evidence import EvidenceDraft, add_evidence
from geo.usecases.change_status import StatusChange, change_status
from geo.usecases.confirm_report import confirm_report
from geo.usecases.import_areas import import_areas
from geo.usecases.submit_report import Draft, submit_report
from geo.viewer import Viewer

pytestmark = pytest.mark.anyio
ADMIN = Viewer(Role.ADMIN, "demo/beheer", "demo")
SCHILDERSBUURT = Point(4.3007, 52.0705)


async def known(db: Database) -> dict[str, Category]:
    async with db.write() as conn:
        await load_categories(conn)
        return await everything(conn)


async def rows(db: Database, statement: Any) -> list[Any]:
    async with db.read() as conn:
        return [*(await conn.execute(statement)).all()]


async def test_categories_are_a_tree_of_two_levels(db: Database) -> None:
    categories = await known(db)
    mains = {slug for slug, of in categories.items() if of.parent_slug is None}
    assert len(mains) >= 12
    assert len(categories) - len(mains) >= 45
    assert all(of.parent_slug in mains for slug, of in categories.items() if slug not in mains)
    assert categories["glas"].parent_slug == "afval"
    assert categories["glas"].name_en == "Broken glass"
    assert {categories[slug].visibility for slug in ("drugs", "verdachte-personen")} == {Visibility.POLICE}
    assert categories["hangplek"].visibility is Visibility.AUTHORITIES
    assert categories["gaslucht"].urgency is Urgency.EMERGENCY
    assert all(of.handling_hours > 0 and of.active for of in categories.values())


async def test_categories_have_words_and_times(db: Database) -> None:
    categories = await known(db)
    for slug, of in categories.items():
        assert of.terms
        assert len({*of.terms}) == len(of.terms), slug
        assert {*of.related} <= {*categories} - {slug}
        assert of.round_the_clock or of.urgency is Urgency.NORMAL, slug
        assert of.contact_days == (365 if of.visibility is Visibility.POLICE else 90)
        assert of.feedback_days == 14
    assert categories["glas"].related == ("zwerfvuil", "kapotte-container")


async def test_what_is_harmless_says_how_to_do_it_and_what_to_borrow(db: Database) -> None:
    harmless = {slug: of for slug, of in (await known(db)).items() if of.guidance_nl}
    assert len(harmless) >= 10
    for slug, of in harmless.items():
        assert of.guidance_en, slug
        assert (of.urgency, of.visibility) == (Urgency.NORMAL, Visibility.PUBLIC)
    assert harmless["glas"].borrow == (
        Borrow("Bezem, blik en handschoenen", "Broom, dustpan and gloves", "Wijkcentrum"),
    )


async def test_categories_keep_the_rules_that_a_municipality_gave_them(db: Database) -> None:
    await known(db)
    async with db.write() as conn:
        changed = {"visibility": "AUTHORITIES", "active": False, "name_nl": "Oud"}
        await conn.execute(update(category).where(category.c.slug == "graffiti").values(changed))
    again = (await known(db))["graffiti"]
    assert (again.visibility, again.active, again.name_nl) == (Visibility.AUTHORITIES, False, "Graffiti")


@pytest.fixture
async def demo(db: Database) -> Database:
    await load(db)
    return db


async def test_loads_once(db: Database) -> None:
    async def counts() -> list[Any]:
        tables = (category, area, report, event, evidence, confirmation, involvement)
        return await rows(db, select(*(select(func.count()).select_from(t).scalar_subquery() for t in tables)))

    await load(db)
    loaded = await counts()
    assert all(count > 50 for count in loaded[0])
    await load(db)
    assert await counts() == loaded


async def test_areas_are_approximate_and_nest(demo: Database) -> None:
    async with demo.read() as conn:
        place = await areas.locate(conn, SCHILDERSBUURT)
        assert place
        assert place.codes == (place.neighbourhood, "WK051829", "SD-centrum", MUNICIPALITY)
        found = await areas.by_codes(conn, place.codes)
    assert [found[code].kind for code in place.codes] == [*AreaKind][::-1]
    assert (await rows(demo, select(func.bool_and(area.c.approximate))))[0][0] is True


async def test_anonymous_callers_may_report(demo: Database) -> None:
    draft = Draft("glas", "Glas rond de glasbak", *SCHILDERSBUURT)
    assert await submit_report(demo, Categories(demo), Viewer(Role.ANONYMOUS), draft, None)


@pytest.mark.parametrize("approximate", [False, True])
async def test_leaves_a_map_that_somebody_brought(db: Database, tmp_path: Path, approximate: bool) -> None:
    square = {"type": "Polygon", "coordinates": [[[4.2, 52.0], [4.4, 52.0], [4.4, 52.1], [4.2, 52.1], [4.2, 52.0]]]}
    feature = {"type": "Feature", "properties": {"code": "WK051829", "name": "Eigen"}, "geometry": square}
    (tmp_path / "own.geojson").write_bytes(orjson.dumps({"type": "FeatureCollection", "features": [feature]}))
    await import_areas(db, tmp_path / "own.geojson", approximate=approximate)
    await load(db)
    live = await rows(db, select(area.c.code, area.c.name).where(area.c.state == "LIVE", area.c.kind == "DISTRICT"))
    assert live == [("WK051829", "Eigen")]
    assert (await rows(db, select(func.count()).where(report.c.district == "WK051829")))[0][0] > 50


async def test_reports_are_labelled_recent_and_everywhere(demo: Database) -> None:
    now = datetime.now(UTC)
    found = await rows(demo, select(report))
    assert len(found) > 200
    assert len({row.district for row in found}) == 44
    assert len({row.category for row in found}) > 30
    assert {row.status for row in found} == {*ReportStatus} - {ReportStatus.ADOPTED, ReportStatus.MERGED}
    for row in found:
        assert row.description.endswith(" (demo)")
        assert now - timedelta(days=61) < row.submitted_at <= row.updated_at <= now
        assert read_number(row.number) == row.number
    parties = await rows(demo, select(involvement.c.party))
    assert all(party.startswith("demo/") for (party,) in parties)


async def test_state_equals_events(demo: Database) -> None:
    steps = {(row.from_status, row.to_status) for row in await rows(demo, text("SELECT * FROM status_transition"))}
    async with demo.read() as conn:
        placed = await conn.scalar(select(func.count(event.c.position)))
        assert (await positions.head(conn)).position == placed
        told = [each for each in await deliveries.read(conn, 0, 10_000) if isinstance(each, Delivery)]
    assert len(told) == placed
    assert [delivery.event.at for delivery in told] == sorted(delivery.event.at for delivery in told)

    histories = defaultdict(list)
    for delivery in told:
        histories[delivery.report.id].append(delivery.event)
    remarks = {str(row.id): row.report_id for row in await rows(demo, select(evidence))}
    async with demo.read() as conn:
        state = await reports.by_ids(conn, ADMIN, [*histories])
    assert len(state) == len(await rows(demo, select(report.c.id)))
    for report_id, history in histories.items():
        now = state[report_id]
        assert [happened.version for happened in history] == [*range(1, now.version + 1)]
        assert history[0].kind is EventKind.REPORT_SUBMITTED
        assert history[-1].after == events.facts_of(now)
        assert history[-1].at == now.updated_at
        for earlier, later in pairwise(history):
            assert later.before == earlier.after
            if later.kind is EventKind.STATUS_CHANGED:
                assert (earlier.after.status, later.after.status) in steps
            elif later.kind is EventKind.EVIDENCE_ADDED:
                assert remarks.pop(later.detail["evidence"]) == report_id
        verdicts = [happened.detail["verdict"] for happened in history if happened.kind is EventKind.REPORT_CONFIRMED]
        assert verdicts.count(Verdict.STILL_THERE) == now.confirmations
        solved = [happened.at for happened in history if happened.after.status is ReportStatus.RESOLVED]
        assert (now.resolved_at is not None) == (now.status is ReportStatus.RESOLVED)
        assert now.resolved_at is None or now.resolved_at in solved
    assert not remarks


async def test_the_same_present_gives_the_same_stories(db: Database) -> None:
    now, places, categories = datetime(2026, 1, 1, tzinfo=UTC), [Point(4.3, 52.07), Point(4.35, 52.05)], await known(db)
    assert stories(now, categories, places) == stories(now, categories, places)
    assert stories(now, categories, places) != stories(now, categories, places, seed=1)


async def traces(db: Database, of: Report) -> list[Any]:
    """All that is stored of a report, without ids and times."""
    nameless = {"id", "report_id", "number", "at", "since", "position", "added_at", "before", "after"}
    found: list[Any] = []
    for table in (event, evidence, confirmation, involvement):
        kept = [c for c in table.c if c.name not in nameless]
        key = table.c.report_id
        found += [sorted(map(str, await rows(db, select(*kept).where(key == of.id).order_by(*kept))))]
    done = of.resolved_at is not None, of.due_at is not None and of.due_at - of.submitted_at >= timedelta(hours=8)
    return [*found, of.place, of.status, of.urgency, of.visibility, of.confirmations, of.version, *done]


async def test_leaves_the_traces_that_the_use_cases_leave(demo: Database) -> None:
    anna, bram, carla = (Viewer(Role.RESIDENT, f"demo/{name}", "demo") for name in ("anna", "bram", "carla"))
    officer = Viewer(Role.OFFICER, "demo/gemeente", "demo", frozenset({MUNICIPALITY}))
    statuses, text_of = Statuses(demo), "Glas rond de glasbak (demo)"
    draft = Draft("glas", text_of, *SCHILDERSBUURT, confirm_new=True)
    outcome = await submit_report(demo, Categories(demo), anna, draft, None)
    assert isinstance(outcome, Outcome)
    key = outcome.event.report_id
    await add_evidence(demo, Categories(demo), bram, EvidenceDraft(key, "Ook gezien", None), None)
    await confirm_report(demo, carla, key, Verdict.STILL_THERE, None)
    await confirm_report(demo, bram, key, Verdict.GONE, None)
    await change_status(
        demo, Categories(demo), statuses, officer, StatusChange(key, ReportStatus.RESOLVED, "Opgeruimd"), None
    )

    start = datetime.now(UTC) - timedelta(hours=10)
    times = [start + timedelta(hours=hour) for hour in range(5)]
    resident = ActorKind.RESIDENT
    story = Story(
        (await known(demo))["glas"],
        SCHILDERSBUURT,
        Step(times[0], resident, "demo/anna", text_of),
        (
            Step(times[1], resident, "demo/bram", "Ook gezien"),
            Step(times[2], resident, "demo/carla", verdict=Verdict.STILL_THERE),
            Step(times[3], resident, "demo/bram", verdict=Verdict.GONE),
            Step(times[4], ActorKind.MUNICIPALITY, "demo/gemeente", "Opgeruimd", to=ReportStatus.RESOLVED),
        ),
    )
    number = new_number()
    async with demo.write() as conn:
        assert await write(conn, story, number)
    async with demo.read() as conn:
        lived = (await reports.by_ids(conn, ADMIN, [key]))[key]
        written = await reports.by_number(conn, ADMIN, number)
    assert written
    assert (written.submitted_at, written.updated_at, written.resolved_at) == (times[0], times[4], times[4])
    left, expected = await traces(demo, written), await traces(demo, lived)
    evidence_ids = [
        str(row.id) for row in await rows(demo, select(evidence.c.id).where(evidence.c.remark == "Ook gezien"))
    ]
    for trace in (left, expected):
        for evidence_id in evidence_ids:
            trace[0] = [line.replace(evidence_id, "…") for line in trace[0]]
    assert left == expected
