"""Who is told of what, once, and never what is not for them."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon, Polygon, box
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo import categories, deliveries, events, follows, involvement, mailings, notifications, positions, reports
from geo.db import Database
from geo.deliveries import NoticeDelivery
from geo.models import (
    ActorKind,
    Alert,
    AlertEventKind,
    EventKind,
    Involvement,
    Language,
    MailMode,
    Report,
    ReportStatus,
    Severity,
    Verdict,
    Visibility,
)
from geo.notifications import Notification
from geo.preferences import AMSTERDAM, Preferences, quiet, save
from geo.recipients import UNTOLD
from geo.sentences import sentence
from geo.tables import alert, area_follow, contact, notification, preference, rating
from geo.usecases.confirm_report import confirm_report
from geo.usecases.notify import notify
from geo.viewer import Viewer
from tests.geo.maps import DISTRICTS, TOWN, Importer, area, square
from tests.world import ADMIN, ELSEWHERE, NEIGHBOUR, OFFICER, RESIDENT, submit

pytestmark = pytest.mark.anyio
FOLLOWER = Viewer(RESIDENT.role, "residents/carla", "residents")
SOMEBODY = datetime(2026, 1, 1, tzinfo=UTC)


async def told(db: Database) -> list[tuple[str, str]]:
    """Notify of all that happened; returns who has been told what, from the beginning on, in order."""
    await place(db)
    while await notify(db, None):
        pass
    async with db.read() as conn:
        rows = await conn.execute(notifications.READING.order_by(notification.c.id))
        found = [notifications.to_notification(row) for row in rows]
    return [(one.party.rpartition("/")[2], one.event.kind.value) for one in found]


async def place(db: Database) -> None:
    async with db.engine.begin() as conn:
        await positions.place(conn)


async def of(db: Database, viewer: Viewer) -> list[Notification]:
    async with db.read() as conn:
        return await notifications.page(conn, viewer, None, 100)


async def follow_area(db: Database, viewer: Viewer, code: str) -> None:
    async with db.write() as conn:
        await follows.follow_area(conn, viewer.known_party(), code)


async def change(db: Database, report: Report, status: ReportStatus, by: Viewer = OFFICER) -> Report:
    async with db.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        after = await reports.set_status(conn, before, status, by.actor, 14)
        detail = {"from": before.status, "to": status, "remark": None}
        await events.append(conn, EventKind.STATUS_CHANGED, by.actor, before, after, detail, party=by.party)
    return after


async def record(db: Database, report: Report, kind: EventKind, actor: ActorKind = ActorKind.SYSTEM) -> None:
    """An event of nobody in particular, without what makes it."""
    async with db.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        await events.append(conn, kind, actor, before, await reports.change(conn, before), {})


async def test_everybody_involved_is_told_but_whoever_did_it(world: Database) -> None:
    report = await submit(world)
    await confirm_report(world, NEIGHBOUR, report.id, Verdict.STILL_THERE, None)
    await change(world, report, ReportStatus.RESOLVED)
    assert await told(world) == [
        ("anna", "REPORT_CONFIRMED"),
        ("anna", "STATUS_CHANGED"),
        ("bram", "STATUS_CHANGED"),
    ]


async def test_nobody_is_told_of_what_happened_before_they_were_involved(world: Database) -> None:
    report = await submit(world)
    await change(world, report, ReportStatus.ROUTED)
    async with world.write() as conn:
        await involvement.involve(conn, report.id, FOLLOWER.party, Involvement.FOLLOWER)
    await change(world, report, ReportStatus.UNDER_WAY)
    assert [party for party, _ in await told(world)] == ["anna", "anna", "carla"]


async def test_who_follows_an_area_is_told_of_new_reports_and_of_solutions(world: Database) -> None:
    for viewer, code in ((FOLLOWER, "SD-zuid"), (NEIGHBOUR, "WK051801"), (RESIDENT, "BU05182902")):
        await follow_area(world, viewer, code)
    report = await submit(world)
    await change(world, report, ReportStatus.ROUTED)
    await change(world, report, ReportStatus.RESOLVED)
    await submit(world, at=ELSEWHERE)
    assert [one for one in await told(world) if one[0] != "anna"] == [
        ("carla", "REPORT_SUBMITTED"),
        ("carla", "STATUS_CHANGED"),
        ("bram", "REPORT_SUBMITTED"),
    ]


async def test_who_follows_a_code_that_ended_follows_what_took_its_place(load: Importer) -> None:
    await load(TOWN)
    await load(DISTRICTS)
    for party in ("residents/carla", "residents/bram"):
        async with load.db.write() as conn:
            await follows.follow_area(conn, party, "WK000101")
    async with load.db.write() as conn:
        await follows.follow_area(conn, "residents/bram", "WK000109")
    renamed = [area("WK000109", square(5, 52), "Zuidwest"), *DISTRICTS[1:]]
    await load(renamed)
    async with load.db.read() as conn:
        rows = await conn.execute(select(area_follow.c.party, area_follow.c.code))
        assert sorted(map(tuple, rows)) == [("residents/bram", "WK000109"), ("residents/carla", "WK000109")]


@pytest.mark.parametrize("visibility", list(Visibility))
async def test_nobody_is_told_of_what_is_hidden_from_them(world: Database, visibility: Visibility) -> None:
    await follow_area(world, FOLLOWER, "GM0518")
    report = await submit(world, visibility=visibility)
    async with world.write() as conn:
        await involvement.involve(conn, report.id, NEIGHBOUR.party, Involvement.CONFIRMER)
    await change(world, report, ReportStatus.RESOLVED)
    parties = {party for party, _ in await told(world)}
    expected = {Visibility.PUBLIC: {"anna", "bram", "carla"}, Visibility.INVOLVED: {"anna", "bram"}}
    assert parties == expected.get(visibility, set())


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


async def test_some_things_are_told_to_nobody(world: Database) -> None:
    report = await submit(world)
    for kind in (EventKind.VISIBILITY_CHANGED, EventKind.ERASED, EventKind.REPORT_MOVED):
        await record(world, report, kind)
    assert await told(world) == []
    await record(world, report, EventKind.REPORT_MOVED, ActorKind.MUNICIPALITY)
    assert await told(world) == [("anna", "REPORT_MOVED")]


async def test_what_is_cut_off_is_done_again_and_nobody_is_told_twice(world: Database) -> None:
    async with world.write() as conn:
        wanted = Preferences(mail=MailMode.EACH, email="anna@example.org", address_id=uuid7(), confirmed_at=SOMEBODY)
        await save(conn, RESIDENT.known_party(), wanted)
    report = await submit(world)
    await change(world, report, ReportStatus.ROUTED)
    await place(world)

    async def fail(conn: AsyncConnection, notification_id: UUID) -> None:
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await notify(world, fail)
    assert await of(world, RESIDENT) == []
    asked: list[UUID] = []

    async def ask(conn: AsyncConnection, notification_id: UUID) -> None:
        asked.append(notification_id)
        await asyncio.sleep(0)

    await asyncio.gather(*(notify(world, ask) for _ in range(5)))
    while await notify(world, ask):
        pass
    (once,) = await of(world, RESIDENT)
    assert asked == [once.id]
    await place(world)
    assert await told(world) == [("anna", "STATUS_CHANGED")]


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


async def publish(db: Database, shape: Polygon, by: Viewer = OFFICER) -> Alert:
    now = datetime.now(UTC)
    made = Alert(
        id=uuid7(),
        organisation="municipality",
        actor=ActorKind.MUNICIPALITY,
        severity=Severity.WARNING,
        text="Veel auto-inbraken",
        advice=None,
        code=None,
        area=MultiPolygon([shape]),
        published_at=now,
        updated_at=now,
        valid_until=now + timedelta(hours=1),
        withdrawn_at=None,
        version=1,
    )
    async with db.write() as conn:
        values = {name: getattr(made, name) for name in Alert.__dataclass_fields__ if name != "area"}
        await conn.execute(insert(alert).values(**values, geom=from_shape(made.area, srid=4326)))
        await events.append_alert(conn, AlertEventKind.ALERT_PUBLISHED, made, party=by.party)
    return made


async def test_an_alert_is_told_to_who_follows_its_ground_and_not_to_neighbours_or_its_publisher(
    world: Database,
) -> None:
    await follow_area(world, FOLLOWER, "BU05182901")  # the western half of the area of the alert
    await follow_area(world, RESIDENT, "GM0518")
    await follow_area(world, OFFICER, "GM0518")
    await follow_area(world, NEIGHBOUR, "WK051803")  # has a border in common with it
    made = await publish(world, box(4.28, 52.06, 4.30, 52.07))
    assert sorted(await told(world)) == [("anna", "ALERT_PUBLISHED"), ("carla", "ALERT_PUBLISHED")]
    (one,) = await of(world, FOLLOWER)
    assert one.report is None
    assert one.alert is not None
    assert one.alert.id == made.id
    assert sentence(one, {}, Language.NL) == "Waarschuwing van de gemeente: Veel auto-inbraken"


async def give_contact(db: Database, report: Report, **more: object) -> None:
    async with db.write() as conn:
        values = {"report_id": report.id, "email": "melder@example.org", "language": Language.NL}
        await conn.execute(insert(contact).values(**values | more))


async def test_the_contact_of_a_report_is_mailed_what_becomes_of_it(world: Database) -> None:
    called = await submit(world, by=OFFICER)
    own = await submit(world)
    lapsed, ended = await submit(world), await submit(world)
    await give_contact(world, called)
    await give_contact(world, own)
    await give_contact(world, lapsed, lapses_at=SOMEBODY)
    await give_contact(world, ended, unsubscribed_at=SOMEBODY)
    await confirm_report(world, RESIDENT, own.id, Verdict.GONE, None)  # by the reporter
    for report in (called, own, lapsed, ended):
        await change(world, report, ReportStatus.RESOLVED, by=Viewer(OFFICER.role, "municipality/other"))
    await told(world)
    async with world.read() as conn:
        statement = notifications.READING.where(notification.c.party.startswith("contact:"))
        rows = (await conn.execute(statement.order_by(notification.c.id))).all()
    assert [(row.id, row.event_kind, row.notification_mail) for row in rows] == [
        (called.id, "STATUS_CHANGED", "EACH"),
        (own.id, "STATUS_CHANGED", "EACH"),
    ]


async def test_a_reporter_who_is_mailed_as_a_party_is_not_mailed_as_a_contact_too(world: Database) -> None:
    report = await submit(world)
    await give_contact(world, report)
    async with world.write() as conn:
        wanted = Preferences(mail=MailMode.DIGEST, email="melder@example.org", address_id=uuid7())
        await save(conn, RESIDENT.known_party(), wanted)
    await change(world, report, ReportStatus.ROUTED)
    assert [party for party, _ in await told(world)] == [f"contact:{report.id}", "anna"], "not confirmed yet"
    async with world.write() as conn:
        await conn.execute(update(preference).values(confirmed_at=SOMEBODY))
    await change(world, report, ReportStatus.RESOLVED)
    assert [party for party, _ in await told(world)][2:] == ["anna"]


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
        await conn.execute(insert(rating).values(**key, solved=True, at=SOMEBODY))
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
