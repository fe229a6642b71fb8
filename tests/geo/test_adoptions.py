"""Residents take reports on: which, who, and until when."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from geo import adoptions, events, involvement, reports, uploads
from geo.categories import Categories
from geo.db import Database
from geo.errors import InvalidPeriod, NotAdoptable, NotPermitted, TransitionNotAllowed, UnknownReport
from geo.models import (
    ActorKind,
    Adoption,
    EventKind,
    Involvement,
    Outcome,
    Report,
    ReportStatus,
    Role,
    Urgency,
    Visibility,
)
from geo.statuses import Statuses
from geo.tables import category, report
from geo.usecases.adopt_report import adopt_report
from geo.usecases.change_status import StatusChange, change_status
from geo.usecases.complete_adoption import Completion, complete_adoption
from geo.usecases.release_report import release_report
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
