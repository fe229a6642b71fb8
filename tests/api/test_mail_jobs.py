"""Mail that is made by jobs: each once, when it is not quiet, and again where it failed."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import aiosmtplib
import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs
from uuid_utils.compat import uuid7

from api.mail_jobs import MailQueue, mail
from api.notifier import keep_notifying
from api.worker import work
from geo import mailings, notifications, reports
from geo.feed import Feed
from geo.models import Language, MailMode, ReportStatus, Visibility
from geo.tables import notification, report
from geo.usecases.notify import notify
from tests.api.office import MARKER, NOON, PATIENCE, Office, during, hide, mailed, prefer, silence, until
from tests.clients.postbox import text_of
from tests.geo.notices import change, place
from tests.world import ADMIN, RESIDENT, submit

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

    async def ask_and_fail(conn: AsyncConnection, ids: Sequence[UUID]) -> None:
        await queue.notifications(conn, ids)
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
        await mailings.give_up(conn, now + timedelta(days=2))
        assert await mailings.due(conn, now + timedelta(hours=1)) == [(key, MailMode.EACH)]
        await mailings.give_up(conn, now + timedelta(days=4))
        assert await mailings.due(conn, now + timedelta(hours=1)) == []


async def test_the_clock_mails_what_was_lost(office: Office) -> None:
    await prefer(office.db)
    await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    await office.notify()
    async with office.db.write() as conn:
        await conn.execute(text("DELETE FROM procrastinate_jobs"))  # as when a worker is killed
        await conn.execute(update(notification).values(at=datetime.now(UTC) - timedelta(minutes=10)))
    await office.do("mail_due", timestamp=0)
    assert len(office.box.mails) == 1
    assert await mailed(office.db) == [True]


async def test_all_that_is_due_is_mailed_however_much_it_is(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await prefer(office.db)
    for _ in range(5):
        await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    await office.notify()
    async with office.db.write() as conn:
        await conn.execute(text("DELETE FROM procrastinate_jobs"))
        await conn.execute(update(notification).values(at=datetime.now(UTC) - timedelta(minutes=10)))
    monkeypatch.setattr(mailings, "DUE_AT_ONCE", 2)
    await office.do("mail_due", timestamp=0)
    assert await mailed(office.db) == [True] * 5


async def test_a_digest_is_on_one_page_only_of_what_is_due(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await prefer(office.db, MailMode.DIGEST)
    report = await submit(office.db)
    for status in (ReportStatus.ROUTED, ReportStatus.UNDER_WAY, ReportStatus.RESOLVED):
        await change(office.db, report, status)
    keys = await office.notify()
    monkeypatch.setattr(mailings, "DUE_AT_ONCE", 1)
    async with office.db.write() as conn:
        await conn.execute(update(notification).values(at=NOON))
        evening = NOON.replace(hour=18)
        assert await mailings.due(conn, evening) == [(keys[-1], MailMode.DIGEST)]
        assert await mailings.due(conn, evening, keys[0]) == [(keys[-1], MailMode.DIGEST)]
        assert await mailings.due(conn, evening, keys[-1]) == []


@pytest.mark.parametrize("mode", [MailMode.EACH, MailMode.DIGEST])
async def test_nobody_but_another_mailer_waits_for_the_mail_server(office: Office, mode: MailMode) -> None:
    await prefer(office.db, mode)
    hidden, told = await submit(office.db), await submit(office.db)
    for one in (hidden, told):
        await change(office.db, one, ReportStatus.RESOLVED)
    keys = await office.notify()
    await hide(office.db, hidden, visibility=Visibility.AUTHORITIES)
    async with silence() as server:
        slow = asyncio.create_task(mail(office.db, office.mails_by(server.url), keys[-1], mode, NOON))
        await server.asked.wait()
        async with asyncio.timeout(5):
            await office.mail(keys[-1], mode)
            async with office.db.write() as conn:
                await notifications.mark_read(conn, RESIDENT.known_party(), None)
                await conn.execute(delete(notification).where(notification.c.id == keys[0]))
        assert office.box.mails == [], "another one is mailing it"
    with pytest.raises(aiosmtplib.SMTPException):
        await slow
    await office.mail(keys[-1], mode)
    assert len(office.box.mails) == 1


async def test_a_silent_mail_server_holds_up_nothing_else(office: Office) -> None:
    await prefer(office.db)
    late = await submit(office.db)
    for _ in range(6):  # more than are mailed at once
        await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    await office.notify()
    async with office.db.write() as conn:
        await conn.execute(update(report).values(due_at=datetime.now(UTC) - timedelta(minutes=1)))

    async def escalated() -> bool:
        async with office.db.read() as conn:
            return (await reports.by_ids(conn, ADMIN, [late.id]))[late.id].escalated_at is not None

    async with silence() as server:
        async with asyncio.timeout(PATIENCE), during(work(office.worker(office.mails_by(server.url)))):
            await server.asked.wait()
            await office.defer("keep_time", timestamp=0)
            await until(escalated)
        async with office.db.read() as conn:
            rows = await conn.scalars(text("SELECT status FROM procrastinate_jobs WHERE task_name = 'mail_each'"))
        assert rows.all() == ["todo"] * 6, "they are cut off when the process ends, and tried again"


@pytest.mark.parametrize("waits_already", [False, True])
async def test_a_question_is_asked_again_when_its_worker_was_killed(office: Office, waits_already: bool) -> None:
    key = uuid7()
    await prefer(office.db, address_id=key, confirmed_at=None)
    jobs = office.worker()
    async with jobs.open_async():
        ask = jobs.tasks["ask_address"]
        await ask.configure(queueing_lock="anna").defer_async(key=str(key))
        await jobs.job_manager.fetch_job(None, await jobs.job_manager.register_worker())
        await office.do("put_back", timestamp=0)
        assert office.box.mails == [], "a worker that tells it lives is not interfered with"
        async with office.db.write() as conn:
            silent = text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '5 minutes'")
            await conn.execute(silent)
        if waits_already:
            later = ask.configure(queueing_lock="anna", schedule_in={"hours": 1})
            await later.defer_async(key=str(key))
    await office.do("put_back", timestamp=0)
    assert [m["To"] for m in office.box.mails] == ([] if waits_already else ["anna@example.org"])
    async with office.db.read() as conn:
        left = await conn.scalars(text("SELECT status FROM procrastinate_jobs WHERE task_name = 'ask_address'"))
        assert left.all() == (["todo"] if waits_already else [])


async def test_notifying_goes_on_when_no_mail_could_be_asked_for(office: Office) -> None:
    await prefer(office.db)
    await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    await place(office.db)
    feed = Feed(office.db)
    await feed.start()

    async def failed() -> bool:
        return any(line["event"] == "notifying_failed" for line in logs)

    async def notified() -> bool:
        return await mailed(office.db) == [False]

    async with office.db.write() as conn:
        await conn.execute(text("ALTER TABLE procrastinate_jobs RENAME TO away"))
    with capture_logs() as logs:
        async with during(keep_notifying(office.db, feed, MailQueue(office.worker()).notifications, interval=0.02)):
            await until(failed)
            assert await mailed(office.db) == [], "nobody is notified without the mail"
            async with office.db.write() as conn:
                await conn.execute(text("ALTER TABLE away RENAME TO procrastinate_jobs"))
            await until(notified)
    await work(office.worker(), forever=False)
    assert len(office.box.mails) == 1
