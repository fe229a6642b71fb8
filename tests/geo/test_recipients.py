"""Who is told of what, and who never is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon, Polygon, box
from sqlalchemy import Text, cast, func, insert, select, update
from uuid_utils.compat import uuid7

from geo import events, follows, involvement, mailings, notifications, reports
from geo.db import Database
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
from geo.preferences import Preferences, save
from geo.sentences import sentence
from geo.tables import alert, area_follow, contact, notification, preference
from geo.usecases.confirm_report import confirm_report
from geo.usecases.merge_reports import merge_reports
from geo.usecases.undo_merge import undo_merge
from geo.viewer import Viewer
from tests.geo.maps import DISTRICTS, TOWN, Importer, area, square
from tests.geo.notices import FOLLOWER, LONG_AGO, change, follow_area, of, told
from tests.world import ADMIN, ELSEWHERE, NEIGHBOUR, OFFICER, RESIDENT, submit

pytestmark = pytest.mark.anyio


async def record(db: Database, report: Report, kind: EventKind, actor: ActorKind = ActorKind.SYSTEM) -> None:
    """An event of nobody in particular, without what makes it."""
    async with db.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        await events.append(conn, kind, actor, before, await reports.change(conn, before), {})


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


async def give_contact(db: Database, report: Report, **more: object) -> None:
    async with db.write() as conn:
        values = {"report_id": report.id, "email": "melder@example.org", "language": Language.NL}
        await conn.execute(insert(contact).values(**values | more))


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


async def test_some_things_are_told_to_nobody(world: Database) -> None:
    report = await submit(world)
    for kind in (EventKind.VISIBILITY_CHANGED, EventKind.ERASED, EventKind.REPORT_MOVED):
        await record(world, report, kind)
    assert await told(world) == []
    await record(world, report, EventKind.REPORT_MOVED, ActorKind.MUNICIPALITY)
    assert await told(world) == [("anna", "REPORT_MOVED")]


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


async def test_the_contact_of_a_report_is_mailed_what_becomes_of_it(world: Database) -> None:
    called = await submit(world, by=OFFICER)
    own = await submit(world)
    lapsed, ended = await submit(world), await submit(world)
    await give_contact(world, called)
    await give_contact(world, own)
    await give_contact(world, lapsed, lapses_at=LONG_AGO)
    await give_contact(world, ended, unsubscribed_at=LONG_AGO)
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
        await conn.execute(update(preference).values(confirmed_at=LONG_AGO))
    await change(world, report, ReportStatus.RESOLVED)
    assert [party for party, _ in await told(world)][2:] == ["anna"]


OTHER_DESK = replace(OFFICER, party="municipality/other")


async def told_contacts(db: Database) -> list[tuple[str, str]]:
    return [one for one in await told(db) if one[0].startswith("contact:")]


async def test_the_contact_of_a_merged_report_hears_the_outcome_of_the_other(world: Database) -> None:
    called, second, goes_on = [await submit(world, by=OFFICER, visibility=Visibility.INVOLVED) for _ in range(3)]
    await give_contact(world, called)
    for report in (second, goes_on):
        await change(world, report, ReportStatus.ROUTED)
    for duplicate, into in ((called, second), (second, goes_on)):
        await merge_reports(world, OTHER_DESK, duplicate.id, into.id, None)
    await change(world, goes_on, ReportStatus.RESOLVED)
    party = f"contact:{called.id}"
    kinds = ["REPORT_MERGED", "DUPLICATE_JOINED", "STATUS_CHANGED"]
    assert await told_contacts(world) == [(party, kind) for kind in kinds], "nothing from before, and no merge twice"
    async with world.write() as conn:
        last = await conn.scalar(select(func.max(cast(notification.c.id, Text))).where(notification.c.party == party))
        waiting = await mailings.waiting(conn, UUID(last), MailMode.EACH)
        assert [one.report and one.report.id for one in waiting.told] == [goes_on.id]
        to = await mailings.addressee(conn, party, datetime.now(UTC))
        assert to is not None
        assert (to.id, to.email) == (called.id, "melder@example.org")
    await undo_merge(world, OTHER_DESK, second.id, None)
    async with world.read() as conn:
        assert (await mailings.waiting(conn, UUID(last), MailMode.EACH)).untold == [UUID(last)]


async def test_nobody_is_told_twice_at_one_address(world: Database) -> None:
    goes_on, *duplicates = [await submit(world, by=OFFICER) for _ in range(4)]
    for report in (goes_on, *duplicates[:2]):
        await give_contact(world, report)
    await give_contact(world, duplicates[2], email="buur@example.org")
    for duplicate in duplicates:
        await merge_reports(world, OTHER_DESK, duplicate.id, goes_on.id, None)
    await told(world)
    await change(world, goes_on, ReportStatus.ROUTED, by=OTHER_DESK)
    once = {(f"contact:{report.id}", "STATUS_CHANGED") for report in (goes_on, duplicates[2])}
    assert {one for one in await told_contacts(world) if one[1] == "STATUS_CHANGED"} == once
    async with world.write() as conn:
        wanted = Preferences(mail=MailMode.EACH, email="buur@example.org", address_id=uuid7(), confirmed_at=LONG_AGO)
        await save(conn, FOLLOWER.known_party(), wanted)
    await follow_area(world, FOLLOWER, "GM0518")
    await change(world, goes_on, ReportStatus.RESOLVED, by=OTHER_DESK)
    await told(world)
    (by_area,) = await of(world, FOLLOWER)
    async with world.read() as conn:
        same = notification.c.event_id == by_area.event.id
        parties = set(await conn.scalars(select(notification.c.party).where(same)))
    assert parties == {FOLLOWER.party, OFFICER.party, f"contact:{goes_on.id}"}
