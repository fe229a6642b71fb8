"""What a correction does to a report, by whom, and what it never does."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from geo import events, evidence, reports
from geo.categories import Categories
from geo.db import Database
from geo.errors import (
    InvalidCorrection,
    InvalidEvidence,
    InvalidMeasurement,
    NotPermitted,
    OutsideKnownArea,
    PersonalDataFound,
    UnknownCategory,
    UnknownEvidence,
)
from geo.evidence import Correction, Measurement
from geo.models import Decision, Event, EventKind, Evidence, EvidenceKind, Outcome, Point, Report, Visibility
from geo.tables import evidence as table
from geo.usecases.add_evidence import EvidenceDraft, add_evidence
from geo.usecases.decide_correction import decide_correction
from geo.viewer import ANONYMOUS, Viewer
from tests.world import ADMIN, ELSEWHERE, INSIDE, NEIGHBOUR, OFFICER, OUTSIDE, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

FAR = Viewer(OFFICER.role, "ver/desk", "ver", frozenset({"GM0363"}))


async def add(db: Database, viewer: Viewer, report: Report, **given: Any) -> Outcome:
    draft = EvidenceDraft(report.id, given.pop("remark", None), None, **given)
    return await add_evidence(db, Categories(db), viewer, draft, None)


async def propose(
    db: Database, viewer: Viewer, report: Report, *, location: Point | None = None, category: str | None = None
) -> Evidence:
    outcome = await add(db, viewer, report, correction=Correction(location, category))
    return await piece_of(db, outcome.event)


async def piece_of(db: Database, event: Event) -> Evidence:
    async with db.read() as conn:
        rows = (await conn.execute(select(table.c.id).where(table.c.report_id == event.report_id))).scalars().all()
        found = (await evidence.by_ids(conn, rows)).values()
    return next(piece for piece in found if str(piece.id) == event.detail["evidence"])


async def decide(db: Database, viewer: Viewer, piece: Evidence, *, accept: bool) -> Outcome:
    return await decide_correction(db, Categories(db), viewer, piece.id, None, accept=accept)


async def now(db: Database, report: Report) -> Report:
    async with db.read() as conn:
        return (await reports.by_ids(conn, ADMIN, [report.id]))[report.id]


async def told(db: Database, report: Report) -> list[tuple[int, EventKind, dict[str, Any]]]:
    async with db.read() as conn:
        history = (await events.timeline(conn, ADMIN, [report.id], None, 20))[report.id]
    return [(event.version, event.kind, event.detail) for event in history]


@pytest.mark.parametrize("viewer", [RESIDENT, OFFICER, POLICE, ADMIN], ids=lambda viewer: viewer.role)
async def test_the_reporter_and_authorities_correct_at_once(world: Database, viewer: Viewer) -> None:
    report = await submit(world)
    piece = await propose(world, viewer, report, location=ELSEWHERE, category="afval")
    assert (piece.kind, piece.decision) == (EvidenceKind.CORRECTION, Decision.ACCEPTED)
    assert (piece.location, piece.category) == (ELSEWHERE, "afval")
    after = await now(world, report)
    assert (after.location, after.place.codes, after.category) == (ELSEWHERE, ("WK051801", "GM0518"), "afval")
    assert after.version == 4
    assert await told(world, report) == [
        (1, EventKind.REPORT_SUBMITTED, {}),
        (2, EventKind.EVIDENCE_ADDED, {"evidence": str(piece.id), "kind": EvidenceKind.CORRECTION}),
        (3, EventKind.REPORT_MOVED, {}),
        (4, EventKind.CATEGORY_CHANGED, {"from": "glas", "to": "afval"}),
    ]


@pytest.mark.parametrize("viewer", [NEIGHBOUR, FAR], ids=["neighbour", "officer elsewhere"])
async def test_of_others_it_waits(world: Database, viewer: Viewer) -> None:
    report = await submit(world)
    piece = await propose(world, viewer, report, location=ELSEWHERE)
    assert piece.decision is Decision.PENDING
    after = await now(world, report)
    assert (after.location, after.place, after.version) == (INSIDE, report.place, 2)
    for other in (viewer, NEIGHBOUR, ANONYMOUS, FAR):
        with pytest.raises(NotPermitted):
            await decide(world, other, piece, accept=True)
    outcome = await decide(world, RESIDENT, piece, accept=True)
    assert (outcome.event.kind, outcome.event.version) == (EventKind.REPORT_MOVED, 3)
    assert outcome.report == await now(world, report)
    assert outcome.report is not None
    assert outcome.report.location == ELSEWHERE
    with pytest.raises(InvalidCorrection):
        await decide(world, RESIDENT, piece, accept=False)


async def test_a_declined_one_changes_nothing(world: Database) -> None:
    report = await submit(world)
    piece = await propose(world, NEIGHBOUR, report, category="afval")
    outcome = await decide(world, OFFICER, piece, accept=False)
    assert (outcome.event.kind, outcome.event.detail) == (EventKind.CORRECTION_DECLINED, {"evidence": str(piece.id)})
    assert (await now(world, report)).category == "glas"
    async with world.read() as conn:
        kept = await evidence.by_id(conn, piece.id)
    assert kept is not None
    assert kept.decision is Decision.DECLINED


async def test_an_accepted_one_ends_with_the_event_of_the_category(world: Database) -> None:
    report = await submit(world)
    piece = await propose(world, NEIGHBOUR, report, location=ELSEWHERE, category="afval")
    outcome = await decide(world, OFFICER, piece, accept=True)
    assert [kind for _, kind, _ in (await told(world, report))[2:]] == [
        EventKind.REPORT_MOVED,
        EventKind.CATEGORY_CHANGED,
    ]
    assert outcome.event.kind is EventKind.CATEGORY_CHANGED


@pytest.mark.parametrize(
    ("visibility", "category", "becomes"),
    [
        (Visibility.PUBLIC, "hulp", Visibility.INVOLVED),
        (Visibility.PUBLIC, "drugs", Visibility.POLICE),
        (Visibility.INVOLVED, "overlast", Visibility.AUTHORITIES),
        (Visibility.INVOLVED, "afval", Visibility.INVOLVED),
        (Visibility.AUTHORITIES, "hulp", Visibility.AUTHORITIES),
        (Visibility.POLICE, "afval", Visibility.POLICE),
    ],
)
async def test_a_category_never_opens_a_report(
    world: Database, visibility: Visibility, category: str, becomes: Visibility
) -> None:
    report = await submit(world, visibility=visibility)
    await propose(world, POLICE, report, category=category)
    assert ((await now(world, report)).category, (await now(world, report)).visibility) == (category, becomes)


async def test_who_may_not_see_it_any_more_is_not_shown_it(world: Database) -> None:
    report = await submit(world)
    draft = EvidenceDraft(report.id, None, None, correction=Correction(None, "drugs"))
    assert (await add_evidence(world, Categories(world), RESIDENT, draft, None)).report is None
    assert (await now(world, report)).visibility is Visibility.POLICE


async def test_a_correction_that_cannot_be(world: Database) -> None:
    report = await submit(world)
    for location, category, problem, path in (
        (INSIDE, None, InvalidCorrection, "location"),
        (None, "glas", InvalidCorrection, "category"),
        (INSIDE, "afval", InvalidCorrection, "location"),
        (OUTSIDE, None, OutsideKnownArea, "location"),
        (None, "niets", UnknownCategory, "category"),
    ):
        with pytest.raises(problem) as raised:
            await propose(world, NEIGHBOUR, report, location=location, category=category)
        assert raised.value.path == ("input", "correction", path)
    with pytest.raises(InvalidCorrection):
        await propose(world, NEIGHBOUR, report)
    assert await now(world, report) == report


async def test_what_it_was_by_now_is_not_accepted_again(world: Database) -> None:
    report = await submit(world)
    first, second = [await propose(world, NEIGHBOUR, report, category="afval") for _ in range(2)]
    await decide(world, OFFICER, first, accept=True)
    with pytest.raises(InvalidCorrection):
        await decide(world, OFFICER, second, accept=True)
    await decide(world, OFFICER, second, accept=False)


async def test_there_is_nothing_to_decide_on_a_remark_or_on_what_one_cannot_see(world: Database) -> None:
    report = await submit(world)
    remark = await piece_of(world, (await add(world, NEIGHBOUR, report, remark="Nog meer")).event)
    with pytest.raises(InvalidCorrection):
        await decide(world, OFFICER, remark, accept=True)
    secret = await submit(world, visibility=Visibility.POLICE)
    piece = await propose(world, POLICE, secret, category="afval")
    for viewer in (OFFICER, RESIDENT, ANONYMOUS):
        with pytest.raises(UnknownEvidence):
            await decide(world, viewer, piece, accept=True)
    with pytest.raises(UnknownEvidence):
        await decide_correction(world, Categories(world), ADMIN, uuid4(), None, accept=True)


async def test_one_key_decides_once(world: Database) -> None:
    report = await submit(world)
    piece = await propose(world, NEIGHBOUR, report, category="afval")
    made = [
        await decide_correction(world, Categories(world), OFFICER, piece.id, "0123456789abcdef", accept=True)
        for _ in range(2)
    ]
    assert made[0].event.id == made[1].event.id
    assert (await now(world, report)).version == 3


async def test_a_measurement_is_kept_as_it_was_given(world: Database) -> None:
    report = await submit(world)
    outcome = await add(
        world, NEIGHBOUR, report, measurement=Measurement(" sound level ", 71.25, "dB(A)"), remark="Luid"
    )
    piece = await piece_of(world, outcome.event)
    assert (piece.kind, piece.remark) == (EvidenceKind.MEASUREMENT, "Luid")
    assert (piece.quantity, piece.value, piece.unit) == ("sound level", 71.25, "dB(A)")


@pytest.mark.parametrize(
    ("measurement", "path"),
    [
        (Measurement("", 1, "m"), "quantity"),
        (Measurement("x" * 61, 1, "m"), "quantity"),
        (Measurement("a\u202eb", 1, "m"), "quantity"),
        (Measurement("bel 070 353 30 00", 1, "m"), "quantity"),
        (Measurement("depth", 1, " "), "unit"),
        (Measurement("depth", 1, "x" * 21), "unit"),
        (Measurement("depth", float("nan"), "m"), "value"),
        (Measurement("depth", float("inf"), "m"), "value"),
    ],
)
async def test_a_measurement_that_cannot_be(world: Database, measurement: Measurement, path: str) -> None:
    report = await submit(world)
    with pytest.raises(InvalidMeasurement) as raised:
        await add(world, NEIGHBOUR, report, measurement=measurement)
    assert raised.value.path == ("input", "measurement", path)
    with pytest.raises(InvalidEvidence):
        correction = Correction(ELSEWHERE, None)
        await add(world, NEIGHBOUR, report, measurement=Measurement("depth", 1, "m"), correction=correction)


async def test_personal_data_in_a_remark_are_asked_about_then_masked(world: Database) -> None:
    report = await submit(world)
    told = "Bel mij: anna@example.org"
    with pytest.raises(PersonalDataFound) as raised:
        await add(world, NEIGHBOUR, report, remark=f"  {told}")
    (finding,) = raised.value.findings
    assert f"  {told}"[finding.start : finding.end] == "anna@example.org"
    assert await now(world, report) == report
    outcome = await add(world, NEIGHBOUR, report, remark=told, mask_personal_data=True)
    piece = await piece_of(world, outcome.event)
    assert piece.remark is not None
    assert piece.remark.startswith("Bel mij: [")
    assert "anna" not in piece.remark
    assert piece.original == told
    plain = await piece_of(world, (await add(world, NEIGHBOUR, report, remark="Ja", mask_personal_data=True)).event)
    assert (plain.remark, plain.original) == ("Ja", None)
