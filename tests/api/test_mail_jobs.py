"""Mail that is made by jobs: each once, when it is not quiet, and again where it failed."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import aiosmtplib
import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.mail_jobs import MailQueue
from api.worker import work
from geo import mailings
from geo.models import Language, MailMode, ReportStatus
from geo.tables import notification
from geo.usecases.notify import notify
from tests.api.office import MARKER, NOON, Office, mailed, prefer
from tests.clients.postbox import text_of
from tests.geo.notices import change, place
from tests.world import submit

pytestmark = pytest.mark.anyio


async def test_jobs_hold_ids_only(office: Office) -> None:
    await prefer(office.db, email=f"{MARKER}@example.org")
    report = await submit(office.db, description=f"Glas {MARKER}")
    await change(office.db, report, ReportStatus.RESOLVED)
    (key,) = await office.notify()
    async with office.db.write() as conn:
        await MailQueue(office.worker()).question(conn, key)
    async with office.db.read() as conn:
        rows = (await conn.execute(text("SELECT task_name, args FROM procrastinate_jobs ORDER BY task_name"))).all()
    assert [tuple(row) for row in rows] == [("ask_address", {"key": str(key)}), ("mail_each", {"key": str(key)})]


async def test_the_jobs_of_a_cut_off_notifier_are_gone_with_it(office: Office) -> None:
    await prefer(office.db)
    await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    await place(office.db)
    queue = MailQueue(office.worker())

    async def ask_and_fail(conn: AsyncConnection, key: UUID) -> None:
        await queue.notification(conn, key)
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await notify(office.db, ask_and_fail)
    async with office.db.read() as conn:
        assert (await conn.scalar(text("SELECT count(*) FROM procrastinate_jobs"))) == 0
    await office.notify()
    await work(office.worker(), forever=False)
    assert [m["To"] for m in await office.box.receive()] == ["anna@example.org"]
    assert await mailed(office.db) == [True]


async def test_nothing_is_mailed_in_quiet_hours_and_all_of_it_behind_them(office: Office) -> None:
    await prefer(office.db, quiet_from=22, quiet_until=7)
    await change(office.db, await submit(office.db), ReportStatus.ROUTED)
    (key,) = await office.notify()
    night, later = NOON.replace(hour=23), NOON.replace(hour=7)
    await office.mail(key, now=night)
    assert office.box.mails == []
    async with office.db.write() as conn:
        await conn.execute(update(notification).values(at=night - timedelta(hours=1)))
        assert await mailings.due(conn, night) == []
        assert await mailings.due(conn, later + timedelta(days=1)) == [(key, MailMode.EACH)]
    await office.mail(key, now=later)
    await office.mail(key, now=later)
    assert len(office.box.mails) == 1


async def test_a_digest_tells_all_of_a_day_once(office: Office) -> None:
    await prefer(office.db, MailMode.DIGEST, language=Language.EN)
    report = await submit(office.db)
    for status in (ReportStatus.ROUTED, ReportStatus.UNDER_WAY, ReportStatus.RESOLVED):
        await change(office.db, report, status)
    keys = await office.notify()
    async with office.db.write() as conn:
        await conn.execute(update(notification).values(at=NOON))
        assert await mailings.due(conn, NOON.replace(hour=16, minute=59)) == []
        assert await mailings.due(conn, NOON.replace(hour=17)) == [(keys[-1], MailMode.DIGEST)]
    await office.mail(keys[-1], MailMode.DIGEST)
    await office.mail(keys[-1], MailMode.DIGEST)
    (digest,) = office.box.mails
    assert digest["Subject"] == "Your reports of today (3)"
    for part in ("plain", "html"):
        said = re.findall(rf"Your report {report.number} \(Glas op straat\) (.*?)\.", text_of(digest, part))
        assert said == ["was passed on to who will solve it", "is being worked on", "is resolved"]
    assert await mailed(office.db) == [True] * 3


async def test_a_mail_that_may_have_gone_is_sent_again_under_the_same_id(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prefer(office.db)
    await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    (key,) = await office.notify()

    async def cut_off(conn: AsyncConnection, ids: list[UUID]) -> None:
        raise RuntimeError("on purpose")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="on purpose"):
        patched.setattr(mailings, "mailed", cut_off)
        await office.mail(key)
    assert await mailed(office.db) == [False]
    await office.mail(key)
    first, second = office.box.mails
    assert first["Message-ID"] == second["Message-ID"] == f"<{key}@bart.example>"
    assert await mailed(office.db) == [True]


async def test_a_server_that_can_not_take_a_mail_now_is_asked_again(office: Office) -> None:
    await prefer(office.db)
    await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    (key,) = await office.notify()
    office.box.refused["anna@example.org"] = ["451 later"]
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await office.mail(key)
    await office.mail(key)
    assert len(office.box.mails) == 1


async def test_an_address_that_does_not_exist_is_given_up(office: Office) -> None:
    await prefer(office.db)
    await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    (key,) = await office.notify()
    office.box.refused["anna@example.org"] = ["550 no such user"]
    await office.mail(key)
    await office.mail(key)
    assert office.box.mails == []
    async with office.db.write() as conn:
        assert await mailings.due(conn, datetime.now(UTC) + timedelta(hours=1)) == []


async def test_what_could_not_be_mailed_is_found_again_and_in_the_end_given_up(office: Office) -> None:
    await prefer(office.db)
    await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    (key,) = await office.notify()
    now = datetime.now(UTC)
    async with office.db.write() as conn:
        assert await mailings.due(conn, now) == [], "its own job is under way"
        assert await mailings.due(conn, now + timedelta(hours=1)) == [(key, MailMode.EACH)]
        assert await mailings.due(conn, now + timedelta(days=4)) == []
        assert await mailings.due(conn, now + timedelta(hours=1)) == []


async def test_the_clock_mails_what_was_lost(office: Office) -> None:
    await prefer(office.db)
    await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    await office.notify()
    async with office.db.write() as conn:
        await conn.execute(text("DELETE FROM procrastinate_jobs"))  # as when a worker is killed
        await conn.execute(update(notification).values(at=datetime.now(UTC) - timedelta(minutes=10)))
    jobs = office.worker()
    async with jobs.open_async():
        await jobs.tasks["mail_due"].defer_async(timestamp=0)
    for _ in range(2):  # the job, and the one that it makes
        await work(office.worker(), forever=False)
    assert len(office.box.mails) == 1
    assert await mailed(office.db) == [True]
