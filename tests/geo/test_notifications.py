"""What was told, once, and as long as it may be known."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs
from uuid_utils.compat import uuid7

from geo import categories, deliveries, events, mailings, notifications, reports
from geo.db import Database
from geo.deliveries import NoticeDelivery
from geo.errors import InvalidPreferences
from geo.models import (
    ActorKind,
    EventKind,
    Language,
    MailMode,
    ReportStatus,
    Verdict,
    Visibility,
)
from geo.preferences import AMSTERDAM, Preferences, of_party, quiet, save
from geo.recipients import UNTOLD
from geo.sentences import sentence
from geo.tables import event, notification, rating
from geo.tables.people import address_question
from geo.usecases import notify as usecase
from geo.usecases.confirm_report import confirm_report
from geo.usecases.notify import notify
from geo.usecases.set_preferences import Wishes, set_preferences
from tests.geo.notices import FOLLOWER, LONG_AGO, change, follow_area, of, place, told
from tests.world import ADMIN, NEIGHBOUR, RESIDENT, submit

pytestmark = pytest.mark.anyio


async def test_what_was_told_is_gone_when_its_report_is_hidden(world: Database) -> None:
    await follow_area(world, FOLLOWER, "GM0518")
    report = await submit(world)
    await told(world)
    (shown,) = await of(world, FOLLOWER)
    async with world.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        await reports.change(conn, before, visibility=Visibility.AUTHORITIES)
    assert await of(world, FOLLOWER) == []
    async with world.read() as conn:
        assert await notifications.unread(conn, FOLLOWER) == 0
        assert await notifications.by_id(conn, FOLLOWER, shown.id) is None
        assert await notifications.of_notices(conn, FOLLOWER, [shown.notice_id]) == {}


async def test_what_is_cut_off_is_done_again_and_nobody_is_told_twice(world: Database) -> None:
    async with world.write() as conn:
        wanted = Preferences(mail=MailMode.EACH, email="anna@example.org", address_id=uuid7(), confirmed_at=LONG_AGO)
        await save(conn, RESIDENT.known_party(), wanted)
    report = await submit(world)
    await change(world, report, ReportStatus.ROUTED)
    await place(world)

    async def fail(conn: AsyncConnection, ids: Sequence[UUID]) -> None:
        raise RuntimeError("on purpose")

    with capture_logs() as logged, pytest.raises(RuntimeError, match="on purpose"):
        await notify(world, fail)
    assert await of(world, RESIDENT) == []
    async with world.read() as conn:
        ids = await conn.scalars(select(event.c.id).where(event.c.position > 0).order_by(event.c.position))
    failed = {"event": "events_not_told", "log_level": "error", "error": "RuntimeError"}
    assert logged == [failed | {"among": [str(key) for key in ids]}], "and nothing of the text"
    asked: list[UUID] = []

    async def ask(conn: AsyncConnection, ids: Sequence[UUID]) -> None:
        asked.extend(ids)
        await asyncio.sleep(0)

    await asyncio.gather(*(notify(world, ask) for _ in range(5)))
    while await notify(world, ask):
        pass
    (once,) = await of(world, RESIDENT)
    assert asked == [once.id]
    await place(world)
    assert await told(world) == [("anna", "STATUS_CHANGED")]


@pytest.mark.parametrize(("enough", "pieces"), [(3, [4] * 9), (12, [12, 12, 12]), (100, [36])])
async def test_no_transaction_has_many_recipients_but_those_of_one_event(
    world: Database, monkeypatch: pytest.MonkeyPatch, enough: int, pieces: list[int]
) -> None:
    monkeypatch.setattr(usecase, "ENOUGH", enough)
    for name in ("carla", "dirk", "els", "fatima"):
        await follow_area(world, replace(FOLLOWER, party=f"residents/{name}"), "GM0518")
    made = [await submit(world) for _ in range(9)]
    await place(world)
    counts = [0]
    while await notify(world, None):
        async with world.read() as conn:
            counts.append(await conn.scalar(select(func.count()).select_from(notification)) or 0)
    assert [after - before for before, after in pairwise(counts)] == pieces
    seen = [one.report and one.report.id for one in await of(world, FOLLOWER)]
    assert seen[::-1] == [one.id for one in made]


async def test_one_event_of_the_feed_tells_all_who_were_told_of_one_thing(world: Database) -> None:
    report = await submit(world)
    await confirm_report(world, NEIGHBOUR, report.id, Verdict.STILL_THERE, None)
    await change(world, report, ReportStatus.RESOLVED)
    await told(world)
    await place(world)
    async with world.read() as conn:
        read = await deliveries.read(conn, 0, 100)
        notices = [one for one in read if isinstance(one, NoticeDelivery)]
        assert [sorted(one.parties) for one in notices] == [[RESIDENT.party], [RESIDENT.party, NEIGHBOUR.party]]
        found = await notifications.of_notices(conn, NEIGHBOUR, [one.event.id for one in notices])
    assert [one.event.kind for one in found.values()] == [EventKind.STATUS_CHANGED]


async def test_the_involved_are_asked_for_a_judgement_until_they_gave_it(world: Database) -> None:
    await follow_area(world, FOLLOWER, "GM0518")
    report = await submit(world)
    await change(world, report, ReportStatus.ROUTED)
    resolved = await change(world, report, ReportStatus.RESOLVED)
    await told(world)
    assert [one.asks_for_rating for one in await of(world, RESIDENT)] == [True, False]
    assert [one.asks_for_rating for one in await of(world, FOLLOWER)] == [False, False]
    async with world.write() as conn:
        key = {"report_id": report.id, "party": RESIDENT.party, "resolved_at": resolved.resolved_at}
        await conn.execute(insert(rating).values(**key, solved=True, at=LONG_AGO))
    assert not any(one.asks_for_rating for one in await of(world, RESIDENT))


async def test_pages_come_newest_first_and_reading_is_remembered(world: Database) -> None:
    report = await submit(world)
    for status in (ReportStatus.ROUTED, ReportStatus.SCHEDULED, ReportStatus.UNDER_WAY):
        await change(world, report, status)
    await told(world)
    async with world.write() as conn:
        first = await notifications.page(conn, RESIDENT, None, 2)
        rest = await notifications.page(conn, RESIDENT, first[-1].id, 2)
        assert [one.report and one.event.version for one in first + rest] == [4, 3, 2]
        assert await notifications.unread(conn, RESIDENT) == 3
        await notifications.mark_read(conn, NEIGHBOUR.known_party(), None)
        await notifications.mark_read(conn, RESIDENT.known_party(), [first[0].id])
        assert await notifications.unread(conn, RESIDENT) == 2
        await notifications.mark_read(conn, RESIDENT.known_party(), None)
        assert await notifications.unread(conn, RESIDENT) == 0
        assert all(one.read_at for one in await notifications.page(conn, RESIDENT, None, 9))


def sayings() -> Iterator[tuple[EventKind, dict[str, object], ReportStatus]]:
    """Each event that is told, in all its variants."""
    for kind in EventKind:
        if kind in UNTOLD:
            continue
        details: list[dict[str, object]] = [{"verdict": verdict, "solved": True} for verdict in Verdict]
        details.append({"verdict": Verdict.GONE, "solved": False})
        for detail in details:
            for status in ReportStatus if kind is EventKind.STATUS_CHANGED else (ReportStatus.REPORTED,):
                yield kind, detail, status


async def test_everything_that_is_told_can_be_said_in_dutch_and_in_english(world: Database) -> None:
    report = await submit(world)
    async with world.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        for kind, detail, status in sayings():
            after = await reports.change(conn, before, status=status)
            await events.append(conn, kind, ActorKind.MUNICIPALITY, before, after, detail)
            before = after
        known = await categories.everything(conn)
    await told(world)
    found = await of(world, RESIDENT)
    assert {one.event.kind for one in found} == set(EventKind) - set(UNTOLD)
    subject = f"Uw melding {report.number} (Glas op straat) "
    said = {(language, sentence(one, known, language)) for one in found for language in Language}
    assert all(text.startswith(subject) for language, text in said if language is Language.NL)
    assert f"{subject}is opgelost." in {text for _, text in said}
    assert f"Your report {report.number} (Glas op straat) is resolved." in {text for _, text in said}


@pytest.mark.parametrize(
    ("begin", "end", "quiet_hours"),
    [(None, None, ()), (22, 7, (22, 23, 0, 5, 6)), (0, 6, (0, 5)), (13, 14, (13,))],
)
async def test_quiet_hours_may_go_past_midnight(
    world: Database, begin: int | None, end: int | None, quiet_hours: tuple[int, ...]
) -> None:
    async with world.write() as conn:
        await save(conn, "residents/anna", Preferences(quiet_from=begin, quiet_until=end))
        for hour in (0, 5, 6, 7, 12, 13, 14, 21, 22, 23):
            now = datetime(2026, 7, 1, hour, 30, tzinfo=AMSTERDAM)
            assert (await conn.execute(select(quiet(now)))).scalar() is (hour in quiet_hours), hour


def test_a_digest_is_due_at_five_in_the_afternoon_in_summer_and_in_winter() -> None:
    for now, due in (
        (datetime(2026, 7, 1, 14, 59, tzinfo=UTC), datetime(2026, 6, 30, 15, tzinfo=UTC)),
        (datetime(2026, 7, 1, 15, 0, tzinfo=UTC), datetime(2026, 7, 1, 15, tzinfo=UTC)),
        (datetime(2026, 10, 25, 15, 59, tzinfo=UTC), datetime(2026, 10, 24, 15, tzinfo=UTC)),
        (datetime(2026, 10, 25, 16, 0, tzinfo=UTC), datetime(2026, 10, 25, 16, tzinfo=UTC)),
    ):
        assert mailings.digest_time(now) == due


async def test_an_address_is_asked_once_an_hour_by_a_party_and_three_times_a_day_by_all(world: Database) -> None:
    asked: list[UUID] = []

    async def ask(conn: AsyncConnection, address_id: UUID) -> None:
        asked.append(address_id)

    async def give(name: str, email: str = "buur@example.org") -> UUID | None:
        viewer = replace(RESIDENT, party=f"residents/{name}")
        return (await set_preferences(world, viewer, Wishes(email=email), ask, None)).address_id

    async def go_back(by: timedelta) -> None:
        async with world.write() as conn:
            await conn.execute(update(address_question).values(asked_at=address_question.c.asked_at - by))

    first = await give("anna")
    assert await give("anna") == first
    assert asked == [first]
    await go_back(timedelta(hours=1))
    second = await give("anna")
    assert asked == [first, second]
    await give("anna", "anna@example.org")
    given = await asyncio.gather(*(give(name, "Buur@example.org") for name in "abcd"), return_exceptions=True)
    (third,) = [one for one in given if isinstance(one, UUID)]
    assert [type(one) for one in given].count(InvalidPreferences) == 3
    assert (asked[:2], len(asked), asked[-1]) == ([first, second], 4, third)
    with pytest.raises(InvalidPreferences):
        await give("anna")
    async with world.read() as conn:
        kept = await of_party(conn, RESIDENT.known_party())
    assert kept.email == "anna@example.org", "what was refused changes nothing"
    await go_back(timedelta(days=1))
    assert await give("anna") == asked[-1]
    async with world.read() as conn:
        assert list(await conn.scalars(select(address_question.c.address_id))) == [asked[-1]], (
            "older ones are forgotten"
        )
