"""What the clock does to reports, each once, however many processes keep the time."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.event import listens_for

from geo import events, reports
from geo.categories import Categories
from geo.db import Database
from geo.errors import TransitionNotAllowed
from geo.hours import due
from geo.models import ActorKind, AdoptionEnding, Event, EventKind, Report, ReportStatus, Standing
from geo.statuses import Statuses
from geo.tables import contact, event, report, status_transition
from geo.usecases import keep_time as clock
from geo.usecases.keep_time import keep_time
from geo.usecases.merge_reports import merge_reports
from tests.conftest import execute
from tests.geo import test_adoptions
from tests.geo.test_adoptions import SOON, adopt, complete, latest, now, take, told
from tests.world import ADMIN, NEIGHBOUR, OFFICER, RESIDENT, submit

pytestmark = pytest.mark.anyio

guided = test_adoptions.guided
AT_ONCE = 5
MINUTE = timedelta(minutes=1)
CLOSED = (EventKind.REPORT_ESCALATED, EventKind.REPORT_CLOSED, EventKind.ADOPTION_ENDED)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "AT_ONCE", AT_ONCE)


async def tick(db: Database, at: datetime) -> int:
    return await keep_time(db, Categories(db), Statuses(db), at)


async def last(db: Database, of: Report) -> Event:
    async with db.read() as conn:
        return (await events.timeline(conn, ADMIN, [of.id], None, 50))[of.id][-1]


async def change(db: Database, of: Report, **values: Any) -> None:
    async with db.write() as conn:
        await conn.execute(update(report).where(report.c.id == of.id).values(**values))


async def due_at(db: Database, at: datetime) -> Report:
    one = await submit(db)
    await change(db, one, due_at=at)
    return one


async def give_contact(db: Database, of: Report) -> None:
    async with db.write() as conn:
        await conn.execute(insert(contact).values(report_id=of.id, email="melder@example.org", language="NL"))


async def lapses(db: Database) -> list[datetime | None]:
    """When each contact does, the soonest first."""
    async with db.read() as conn:
        return list(await conn.scalars(select(contact.c.lapses_at).order_by(contact.c.lapses_at)))


async def test_an_adoption_lapses_at_its_time(guided: Database) -> None:
    one, until = await submit(guided), datetime.now(UTC) + SOON
    await adopt(guided, NEIGHBOUR, one, until)
    assert await tick(guided, until - MINUTE) == 0
    assert await tick(guided, until) == 1
    assert (await now(guided, one)).status is ReportStatus.REPORTED
    ended = await latest(guided, one)
    assert ended is not None
    assert ended.ending is AdoptionEnding.LAPSED
    told_last = await last(guided, one)
    assert (told_last.kind, told_last.actor, told_last.detail) == (
        EventKind.ADOPTION_ENDED,
        ActorKind.SYSTEM,
        {"ending": "LAPSED"},
    )
    assert await tick(guided, until + MINUTE) == 0
    await adopt(guided, RESIDENT, one)
    assert (await now(guided, one)).status is ReportStatus.ADOPTED, "it can be taken on again"


async def test_what_is_completed_in_time_does_not_lapse(guided: Database) -> None:
    one, until = await submit(guided), datetime.now(UTC) + SOON
    await adopt(guided, NEIGHBOUR, one, until)
    await complete(guided, NEIGHBOUR, one)
    assert await tick(guided, until + MINUTE) == 0
    assert (await now(guided, one)).status is ReportStatus.RESOLVED


async def test_the_clock_too_keeps_to_the_status_machine(guided: Database) -> None:
    one, until = await submit(guided), datetime.now(UTC) + SOON
    await adopt(guided, NEIGHBOUR, one, until)
    async with guided.write() as conn:
        await conn.execute(status_transition.delete().where(status_transition.c.role == Standing.SYSTEM))
    with pytest.raises(TransitionNotAllowed):
        await tick(guided, until)
    assert (await now(guided, one)).status is ReportStatus.ADOPTED


async def test_an_overdue_report_is_escalated_once(world: Database) -> None:
    at = datetime.now(UTC)
    one = await due_at(world, at)
    assert await tick(world, at - MINUTE) == 0
    assert await tick(world, at) == 1
    assert await tick(world, at + MINUTE) == 0
    after = await now(world, one)
    assert (after.escalated_at, after.status, after.version) == (at, ReportStatus.REPORTED, 2)
    told_last = await last(world, one)
    assert (told_last.kind, told_last.actor) == (EventKind.REPORT_ESCALATED, ActorKind.SYSTEM)


@pytest.mark.parametrize("to", [ReportStatus.RESOLVED, ReportStatus.REJECTED, ReportStatus.MERGED])
async def test_what_is_done_with_is_not_escalated(world: Database, to: ReportStatus) -> None:
    at = datetime.now(UTC)
    one = await due_at(world, at)
    if to is ReportStatus.MERGED:
        await merge_reports(world, OFFICER, one.id, (await submit(world)).id, None)
    else:
        await take(world, OFFICER, one, to)
    assert await tick(world, at + MINUTE) == 0
    assert (await now(world, one)).escalated_at is None


async def test_a_reopened_report_has_a_new_time_and_is_escalated_anew(world: Database) -> None:
    at = datetime.now(UTC)
    one = await due_at(world, at)
    await tick(world, at)
    await take(world, OFFICER, one, ReportStatus.RESOLVED)
    await take(world, OFFICER, one, ReportStatus.REPORTED)
    reopened = await now(world, one)
    assert (reopened.escalated_at, reopened.resolved_at, reopened.feedback_until) == (None, None, None)
    glass = (await Categories(world).all())["glas"]
    assert reopened.due_at == pytest.approx(due(datetime.now(UTC), glass), abs=MINUTE)
    assert reopened.due_at is not None
    assert await tick(world, reopened.due_at) == 1
    assert [kind for kind in await told(world, one) if kind in CLOSED] == [EventKind.REPORT_ESCALATED] * 2


async def test_a_resolution_is_final_when_the_time_for_feedback_has_passed(world: Database) -> None:
    one, other = await submit(world), await submit(world)
    await give_contact(world, one)
    await give_contact(world, other)
    await take(world, OFFICER, one, ReportStatus.RESOLVED)
    until = (await now(world, one)).feedback_until
    assert until is not None
    assert await tick(world, until - MINUTE) == 0
    assert await tick(world, until) == 1
    assert await tick(world, until + MINUTE) == 0
    after, told_last = await now(world, one), await last(world, one)
    assert (after.status, after.closed_at) == (ReportStatus.RESOLVED, until)
    assert (told_last.kind, told_last.actor) == (EventKind.REPORT_CLOSED, ActorKind.SYSTEM)
    forgotten = until + timedelta(days=90)
    assert await lapses(world) == [forgotten, None]
    await tick(world, forgotten - MINUTE)
    assert len(await lapses(world)) == 2
    await tick(world, forgotten)
    assert await lapses(world) == [None], "how to reach a reporter is kept no longer than it is needed"


async def test_contacts_of_what_was_merged_into_it_lapse_with_it(world: Database) -> None:
    one, into = await submit(world), await submit(world)
    await give_contact(world, one)
    await merge_reports(world, OFFICER, one.id, into.id, None)
    await take(world, OFFICER, into, ReportStatus.RESOLVED)
    until = (await now(world, into)).feedback_until
    assert until is not None
    await tick(world, until)
    assert await lapses(world) == [until + timedelta(days=90)]


async def test_contacts_of_a_rejected_report_lapse_unless_it_is_opened_again(world: Database) -> None:
    one = await submit(world)
    await give_contact(world, one)
    await take(world, OFFICER, one, ReportStatus.REJECTED)
    (at,) = await lapses(world)
    assert at == pytest.approx(datetime.now(UTC) + timedelta(days=90), abs=MINUTE)
    await take(world, OFFICER, one, ReportStatus.REPORTED)
    assert await lapses(world) == [None]


async def test_many_processes_do_each_once(guided: Database) -> None:
    at = datetime.now(UTC) + SOON
    stored = [await due_at(guided, at) for _ in range(3 * AT_ONCE + 1)]
    for one in stored[::3]:
        await adopt(guided, NEIGHBOUR, one, at)
    for one in stored[1::3]:
        await take(guided, OFFICER, one, ReportStatus.RESOLVED)
        await change(guided, one, feedback_until=at)
    made = await asyncio.gather(*(tick(guided, at) for _ in range(6)))
    while more := await tick(guided, at):  # what one left to another that left it too
        made.append(more)
    async with guided.read() as conn:
        kinds = event.c.kind.in_(CLOSED)
        written = (await conn.execute(select(event.c.report_id, event.c.kind).where(kinds))).all()
    expected = {
        *((one.id, EventKind.ADOPTION_ENDED) for one in stored[::3]),
        *((one.id, EventKind.REPORT_ESCALATED) for one in (*stored[::3], *stored[2::3])),
        *((one.id, EventKind.REPORT_CLOSED) for one in stored[1::3]),
    }
    assert sorted(map(tuple, written)) == sorted(expected)
    assert sum(made) == len(expected)


async def test_what_somebody_is_changing_is_left_for_the_next_time(guided: Database) -> None:
    at = datetime.now(UTC) + SOON
    held, free = [await due_at(guided, at) for _ in range(2)]
    await adopt(guided, NEIGHBOUR, held, at)
    async with guided.write() as conn, asyncio.timeout(10):
        await reports.lock(conn, OFFICER, held.id, ())
        assert await tick(guided, at) == 1
    assert (await now(guided, free)).escalated_at == at
    assert (await now(guided, held)).status is ReportStatus.ADOPTED
    assert await tick(guided, at) == 2


async def test_what_another_process_does_meanwhile_is_not_done_again(world: Database, database_url: str) -> None:
    at = datetime.now(UTC)
    one = await due_at(world, at)

    @listens_for(world.engine.sync_engine, "before_cursor_execute")
    def meanwhile(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "SKIP LOCKED" in statement and "adoption" not in statement:  # those are looked at first
            execute(database_url, "UPDATE report SET escalated_at = now()")

    assert await tick(world, at) == 0
    assert await told(world, one) == [EventKind.REPORT_SUBMITTED]
