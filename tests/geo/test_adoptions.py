"""Residents take reports on: which, until when, and what becomes of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from geo import adoptions, events, evidence, involvement, reports, uploads
from geo.categories import Categories
from geo.db import Database
from geo.errors import (
    InvalidPeriod,
    NotAdoptable,
    NotAdopted,
    NotPermitted,
    Problem,
    TransitionNotAllowed,
    UnknownReport,
    UnknownUpload,
    UploadNotReady,
)
from geo.models import (
    ActorKind,
    Adoption,
    AdoptionEnding,
    EventKind,
    Evidence,
    Involvement,
    Outcome,
    Report,
    ReportStatus,
    Role,
    Urgency,
    Verdict,
    Visibility,
)
from geo.statuses import Statuses
from geo.tables import adoption, category, report
from geo.usecases.adopt_report import adopt_report
from geo.usecases.change_status import StatusChange, change_status
from geo.usecases.complete_adoption import Completion, complete_adoption
from geo.usecases.confirm_report import confirm_report
from geo.usecases.release_report import release_report
from geo.usecases.thank_adopter import thank_adopter
from geo.viewer import ANONYMOUS, Viewer
from tests.world import ADMIN, NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

APP = Viewer(Role.APP, "app/cor", "app")
SOON = timedelta(hours=20)


@pytest.fixture
async def guided(world: Database) -> Database:
    """The small world, in which residents may sweep up glass, with what they borrow."""
    async with world.write() as conn:
        broom = {"nl": "Veger en blik", "en": "Dustpan and brush", "where": "Wijkcentrum"}
        swept = update(category).where(category.c.slug == "glas")
        await conn.execute(swept.values(guidance_nl="Veeg het op.", guidance_en="Sweep it up.", borrow=[broom]))
    return world


async def adopt(
    db: Database, viewer: Viewer, of: Report, until: datetime | None = None, key: str | None = None
) -> Outcome:
    by = until or datetime.now(UTC) + SOON
    return await adopt_report(db, Categories(db), Statuses(db), viewer, of.id, by, key)


async def release(db: Database, viewer: Viewer, of: Report) -> Outcome:
    return await release_report(db, Statuses(db), viewer, of.id, None)


async def photo(db: Database, viewer: Viewer, *, received: bool = True) -> UUID:
    async with db.write() as conn:
        made = await uploads.create(conn, viewer.known_party(), "image/jpeg", datetime.now(UTC) + SOON)
        if received:
            await uploads.stored(conn, made.id, 640, 480)
    return made.id


async def complete(
    db: Database, viewer: Viewer, of: Report, upload_id: UUID | None = None, remark: str | None = None
) -> Outcome:
    completion = Completion(of.id, upload_id or await photo(db, viewer), remark)
    return await complete_adoption(db, Categories(db), Statuses(db), viewer, completion, None)


async def take(db: Database, viewer: Viewer, of: Report, to: ReportStatus) -> Outcome:
    change = StatusChange(of.id, to, None)
    return await change_status(db, Categories(db), Statuses(db), viewer, change, None)


async def now(db: Database, of: Report) -> Report:
    async with db.read() as conn:
        return (await reports.by_ids(conn, ADMIN, [of.id]))[of.id]


async def latest(db: Database, of: Report) -> Adoption | None:
    async with db.read() as conn:
        return (await adoptions.latest(conn, [of.id])).get(of.id)


async def told(db: Database, of: Report) -> list[EventKind]:
    async with db.read() as conn:
        return [event.kind for event in (await events.timeline(conn, ADMIN, [of.id], None, 50))[of.id]]


async def test_a_resident_takes_a_report_on(guided: Database) -> None:
    one, until = await submit(guided), datetime.now(UTC) + timedelta(days=14)
    outcome = await adopt(guided, NEIGHBOUR, one, until)
    made = outcome.event
    assert (made.kind, made.actor, made.detail) == (
        EventKind.REPORT_ADOPTED,
        ActorKind.RESIDENT,
        {"until": until.isoformat()},
    )
    assert outcome.report == await now(guided, one)
    assert outcome.report is not None
    assert (outcome.report.status, outcome.report.version) == (ReportStatus.ADOPTED, 2)
    current = await latest(guided, one)
    assert current is not None
    assert (current.party, current.until, current.ended_at, current.ending) == (NEIGHBOUR.party, until, None, None)
    async with guided.read() as conn:
        assert await involvement.roles(conn, one.id, "residents/bram") == {Involvement.ADOPTER}


async def test_so_does_the_resident_of_an_app(guided: Database) -> None:
    one = await submit(guided)
    await adopt(guided, APP, one)
    assert (await now(guided, one)).status is ReportStatus.ADOPTED


@pytest.mark.parametrize(
    "other",
    [{"category": "verlichting"}, {"urgency": Urgency.EMERGENCY}, {"visibility": Visibility.INVOLVED}],
    ids=lambda other: next(iter(other)),
)
async def test_not_everything_is_for_residents_to_do(guided: Database, other: dict[str, str]) -> None:
    one = await submit(guided)
    async with guided.write() as conn:
        await conn.execute(update(report).where(report.c.id == one.id).values(**other))
    with pytest.raises(NotAdoptable) as refused:
        await adopt(guided, RESIDENT, one)
    assert refused.value.path == ("input", "reportId")
    assert "adoptable" in refused.value.hint
    assert (await now(guided, one)).status is ReportStatus.REPORTED
    assert await latest(guided, one) is None


async def test_what_somebody_may_not_see_is_not_there_to_be_adopted(guided: Database) -> None:
    one = await submit(guided, visibility=Visibility.POLICE)
    for attempt in (adopt, release, complete):
        with pytest.raises(UnknownReport):
            await attempt(guided, NEIGHBOUR, one)


async def test_authorities_do_not_adopt_and_nobody_does_anonymously(guided: Database) -> None:
    one = await submit(guided)
    for viewer in (OFFICER, POLICE, ADMIN):
        with pytest.raises(TransitionNotAllowed):
            await adopt(guided, viewer, one)
    with pytest.raises(NotPermitted):
        await adopt(guided, ANONYMOUS, one)
    assert await told(guided, one) == [EventKind.REPORT_SUBMITTED]


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=-1), timedelta(days=14, minutes=1)])
async def test_the_time_lies_within_two_weeks(guided: Database, ahead: timedelta) -> None:
    one = await submit(guided)
    with pytest.raises(InvalidPeriod) as refused:
        await adopt(guided, RESIDENT, one, datetime.now(UTC) + ahead)
    assert (refused.value.path, refused.value.hint[-25:]) == (("input", "until"), "at most 14 days from now.")


async def test_the_time_has_an_offset(guided: Database) -> None:
    one = await submit(guided)
    with pytest.raises(InvalidPeriod):
        await adopt(guided, RESIDENT, one, (datetime.now(UTC) + SOON).replace(tzinfo=None))


async def test_only_one_of_many_at_once_has_it(guided: Database) -> None:
    one = await submit(guided)
    people = [Viewer(Role.RESIDENT, f"residents/{number}", "residents") for number in range(8)]
    made = await asyncio.gather(*(adopt(guided, viewer, one) for viewer in people), return_exceptions=True)
    assert sorted(type(each).__name__ for each in made) == ["Outcome"] + ["TransitionNotAllowed"] * 7
    assert await told(guided, one) == [EventKind.REPORT_SUBMITTED, EventKind.REPORT_ADOPTED]


async def test_the_same_key_again_gets_the_first_answer(guided: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    one, until, key = await submit(guided), datetime.now(UTC) + SOON, "a key of sixteen or more"
    first = await adopt(guided, RESIDENT, one, until, key)
    monkeypatch.setattr("geo.usecases.adopt_report.LONGEST", timedelta(0))
    assert (await adopt(guided, RESIDENT, one, until, key)).event == first.event, "even when the time is none any more"


async def test_released_it_goes_the_usual_way_again(guided: Database) -> None:
    one = await submit(guided)
    await adopt(guided, NEIGHBOUR, one)
    outcome = await release(guided, NEIGHBOUR, one)
    assert (outcome.event.kind, outcome.event.detail) == (EventKind.ADOPTION_ENDED, {"ending": "RELEASED"})
    assert outcome.report == await now(guided, one)
    assert (await now(guided, one)).status is ReportStatus.REPORTED
    ended = await latest(guided, one)
    assert ended is not None
    assert (ended.ending, ended.ended_at is None) == (AdoptionEnding.RELEASED, False)
    await adopt(guided, RESIDENT, one)
    current = await latest(guided, one)
    assert current is not None
    assert (current.party, current.ending) == (RESIDENT.party, None)


async def test_nobody_but_its_adopter_releases_or_completes_it(guided: Database) -> None:
    one = await submit(guided)
    for attempt in (release, complete):
        with pytest.raises(NotAdopted):
            await attempt(guided, NEIGHBOUR, one)
    await adopt(guided, NEIGHBOUR, one)
    for attempt in (release, complete):
        with pytest.raises(NotAdopted):
            await attempt(guided, RESIDENT, one)
    await release(guided, NEIGHBOUR, one)
    for attempt in (release, complete):
        with pytest.raises(NotAdopted):
            await attempt(guided, NEIGHBOUR, one)
    assert await told(guided, one) == [
        EventKind.REPORT_SUBMITTED,
        EventKind.REPORT_ADOPTED,
        EventKind.ADOPTION_ENDED,
    ]


async def test_it_is_completed_with_a_photo(guided: Database) -> None:
    one = await submit(guided)
    await adopt(guided, NEIGHBOUR, one)
    shown = await photo(guided, NEIGHBOUR)
    outcome = await complete(guided, NEIGHBOUR, one, shown, "Opgeveegd")
    after = outcome.report
    assert after == await now(guided, one)
    assert after is not None
    assert after.resolved_at is not None
    assert (after.status, after.resolved_by, after.version) == (ReportStatus.RESOLVED, ActorKind.RESIDENT, 3)
    assert after.feedback_until == pytest.approx(after.resolved_at + timedelta(days=14), abs=timedelta(seconds=1))
    (piece,) = await pieces(guided, one)
    assert (piece.upload_id, piece.remark, piece.added_by) == (shown, "Opgeveegd", ActorKind.RESIDENT)
    assert outcome.event.detail == {"evidence": str(piece.id)}
    assert await told(guided, one) == [
        EventKind.REPORT_SUBMITTED,
        EventKind.REPORT_ADOPTED,
        EventKind.ADOPTION_COMPLETED,
    ]
    done = await latest(guided, one)
    assert done is not None
    assert done.ending is AdoptionEnding.COMPLETED


async def pieces(db: Database, of: Report) -> list[Evidence]:
    async with db.read() as conn:
        return (await evidence.of_reports(conn, [of.id], None, 10))[of.id]


async def test_not_with_a_photo_that_is_not_there_yet_or_anothers(guided: Database) -> None:
    one = await submit(guided)
    await adopt(guided, NEIGHBOUR, one)
    wrong: list[tuple[UUID, type[Problem]]] = [
        (await photo(guided, NEIGHBOUR, received=False), UploadNotReady),
        (await photo(guided, RESIDENT), UnknownUpload),
        (uuid4(), UnknownUpload),
    ]
    for upload_id, problem in wrong:
        with pytest.raises(problem):
            await complete(guided, NEIGHBOUR, one, upload_id)
    assert (await now(guided, one)).status is ReportStatus.ADOPTED
    assert await pieces(guided, one) == []


async def test_neighbours_confirm_or_dispute_what_was_completed(guided: Database) -> None:
    one = await submit(guided)
    await adopt(guided, NEIGHBOUR, one)
    await confirm_report(guided, RESIDENT, one.id, Verdict.STILL_THERE, None)
    await confirm_report(guided, APP, one.id, Verdict.GONE, None)
    before = await latest(guided, one)
    assert before is not None
    assert (before.confirmed, before.disputed) == (0, 0), "it was not completed yet"
    await complete(guided, NEIGHBOUR, one)
    for viewer, verdict, counted in (
        (RESIDENT, Verdict.GONE, (1, 0)),
        (OFFICER, Verdict.GONE, (2, 0)),
        (APP, Verdict.STILL_THERE, (2, 1)),
        (OFFICER, Verdict.STILL_THERE, (1, 2)),
    ):
        await confirm_report(guided, viewer, one.id, verdict, None)
        done = await latest(guided, one)
        assert done is not None
        assert (done.confirmed, done.disputed) == counted


async def test_everybody_thanks_an_adopter_once_and_not_themselves(guided: Database) -> None:
    one = await submit(guided)
    with pytest.raises(NotAdopted):
        await thank_adopter(guided, RESIDENT, one.id, None)
    await adopt(guided, NEIGHBOUR, one)
    await complete(guided, NEIGHBOUR, one)
    outcome = await thank_adopter(guided, RESIDENT, one.id, None)
    assert (outcome.event.kind, outcome.event.actor) == (EventKind.ADOPTER_THANKED, ActorKind.RESIDENT)
    await thank_adopter(guided, OFFICER, one.id, None)
    for viewer in (RESIDENT, NEIGHBOUR, ANONYMOUS):
        with pytest.raises(NotPermitted):
            await thank_adopter(guided, viewer, one.id, None)
    done = await latest(guided, one)
    assert done is not None
    assert done.thanks == 2
    assert (await told(guided, one))[-2:] == [EventKind.ADOPTER_THANKED] * 2


@pytest.mark.parametrize("to", [ReportStatus.REPORTED, ReportStatus.UNDER_WAY, ReportStatus.RESOLVED])
async def test_an_authority_takes_an_adopted_report_over(guided: Database, to: ReportStatus) -> None:
    one = await submit(guided)
    await adopt(guided, NEIGHBOUR, one)
    await take(guided, OFFICER, one, to)
    assert (await now(guided, one)).status is to
    ended = await latest(guided, one)
    assert ended is not None
    assert ended.ending is AdoptionEnding.TAKEN_OVER
    with pytest.raises(NotAdopted):
        await release(guided, NEIGHBOUR, one)


STEPS = ("adopt", "release", "complete", "take over", "resolve", "reopen")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from([RESIDENT, NEIGHBOUR])), max_size=8))
@example([("adopt", RESIDENT), ("complete", RESIDENT), ("reopen", RESIDENT), ("adopt", NEIGHBOUR)])
async def test_it_is_adopted_exactly_while_somebody_has_it(guided: Database, history: list[tuple[str, Viewer]]) -> None:
    one = await submit(guided)
    for step, viewer in history:
        before = len(await told(guided, one))
        try:
            match step:
                case "adopt":
                    await adopt(guided, viewer, one)
                case "release":
                    await release(guided, viewer, one)
                case "complete":
                    await complete(guided, viewer, one)
                case "take over":
                    await take(guided, OFFICER, one, ReportStatus.UNDER_WAY)
                case "resolve":
                    await take(guided, OFFICER, one, ReportStatus.RESOLVED)
                case _:
                    await take(guided, OFFICER, one, ReportStatus.REPORTED)
            made = 1
        except (TransitionNotAllowed, NotAdopted):
            made = 0
        after, current = await now(guided, one), await latest(guided, one)
        has = current is not None and current.ended_at is None
        assert (after.status is ReportStatus.ADOPTED) == has
        assert (after.status is ReportStatus.RESOLVED) == (after.resolved_by is not None)
        assert len(await told(guided, one)) == before + made == after.version
        async with guided.read() as conn:
            both = adoption.c.ended_at.is_(None) == adoption.c.ending.is_(None)
            wrong = select(func.count()).where(adoption.c.report_id == one.id, ~both)
            assert await conn.scalar(wrong) == 0
