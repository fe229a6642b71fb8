"""How an adoption ends: released, completed, thanked for, taken over; and never twice."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from geo import evidence
from geo.db import Database
from geo.errors import NotAdopted, NotPermitted, Problem, TransitionNotAllowed, UnknownUpload, UploadNotReady
from geo.models import ActorKind, AdoptionEnding, EventKind, Evidence, Report, ReportStatus, Verdict
from geo.tables import adoption
from geo.usecases.confirm_report import confirm_report
from geo.usecases.thank_adopter import thank_adopter
from geo.viewer import ANONYMOUS, Viewer
from tests.geo import test_adoptions
from tests.geo.test_adoptions import APP, adopt, complete, latest, now, photo, release, take, told
from tests.world import NEIGHBOUR, OFFICER, RESIDENT, submit

pytestmark = pytest.mark.anyio

guided = test_adoptions.guided


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
