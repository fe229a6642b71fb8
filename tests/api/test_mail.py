"""Mail, read from a real SMTP server: in Dutch, once, only what may be told, and only to who wants it."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import aiosmtplib
import httpx
import procrastinate
import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from api.mail import Mailer
from api.mail_jobs import MailQueue, mail
from api.mails import Mails
from api.worker import make_worker, work
from geo import mailings, reports
from geo.categories import Categories
from geo.db import Database
from geo.emails import check_email
from geo.errors import InvalidContact
from geo.links import Links
from geo.models import HiddenReason, Language, MailMode, Report, ReportStatus, Visibility
from geo.photos import PhotoStore
from geo.preferences import AMSTERDAM, Preferences, save
from geo.tables import category, contact, notification
from geo.usecases.notify import notify
from tests.clients.caller import calling
from tests.clients.postbox import Postbox, postbox, text_of
from tests.conftest import SECRET, running
from tests.geo.test_notifications import SOMEBODY, change, place
from tests.world import ADMIN, INSIDE, OFFICER, RESIDENT, submit

pytestmark = pytest.mark.anyio
MARKER = "Xylofoon-7431"
NOON = datetime(2026, 7, 1, 12, tzinfo=AMSTERDAM)
PREFERENCES = "... on Preferences { mail email emailConfirmed }"


@dataclass
class Office:
    """A database whose notifications are mailed to a postbox, below the server."""

    db: Database
    box: Postbox
    mails: Mails
    url: str  # of the database

    async def notify(self) -> list[UUID]:
        """Notify of all that happened; returns the notifications, in order."""
        await place(self.db)
        while await notify(self.db, MailQueue(self.worker()).notification):
            pass
        async with self.db.read() as conn:
            return list((await conn.scalars(select(notification.c.id).order_by(notification.c.id))).all())

    def worker(self) -> procrastinate.App:
        return make_worker(self.url, self.db, PhotoStore("memory:///"), self.mails)

    async def mail(self, key: UUID, mode: MailMode = MailMode.EACH, now: datetime = NOON) -> None:
        await mail(self.db, self.mails, key, mode, now)


@pytest.fixture
async def office(world: Database, database_url: str) -> AsyncIterator[Office]:
    async with postbox() as box:
        links = Links(SECRET, "https://bart.example")
        mails = Mails(Mailer(box.url, "BART <noreply@bart.example>"), links, Categories(world))
        yield Office(world, box, mails, database_url)


async def prefer(db: Database, mode: MailMode = MailMode.EACH, **more: object) -> None:
    """Mail for the resident, to a confirmed address."""
    known = {"mail": mode, "email": "anna@example.org", "address_id": uuid7(), "confirmed_at": SOMEBODY}
    async with db.write() as conn:
        await save(conn, RESIDENT.known_party(), Preferences(**known | more))  # type: ignore[arg-type]


async def mailed(db: Database) -> list[bool]:
    async with db.read() as conn:
        rows = await conn.scalars(select(notification.c.mailed_at).order_by(notification.c.id))
        return [at is not None for at in rows]


async def hide(db: Database, report: Report, **changes: object) -> None:
    async with db.write() as conn:
        before = await reports.lock(conn, ADMIN, report.id, ())
        await reports.change(conn, before, **changes)


def link_in(mail: EmailMessage) -> str:
    """The path of the one link in a mail."""
    (found,) = set(re.findall(r"https?://[^/]+(/mail/\S+?)[\s>\"]", text_of(mail, "plain") + "\n"))
    return str(found)


async def test_a_dutch_mail_comes_to_a_confirmed_address_until_one_click_ends_it(
    database_url: str, world: Database, tmp_path: Path
) -> None:
    async with (
        postbox() as box,
        running(
            database_url,
            world,
            tmp_path,
            run_worker=True,
            smtp_url=SecretStr(box.url),
            mail_from="BART <noreply@bart.example>",
        ) as served,
        calling(served, RESIDENT) as anna,
        calling(served, OFFICER) as officer,
        httpx.AsyncClient(base_url=served.url) as browser,
    ):
        report_id = await anna.submit(INSIDE, f"Glas <b>rond</b> de glasbak {MARKER}")
        answer = await anna.mutate("setPreferences", PREFERENCES, mail="EACH", email="anna@Example.org")
        assert answer["emailConfirmed"] is False
        (question,) = await box.receive()
        assert question["To"] == "anna@example.org"
        assert question["Subject"] == "Bevestig uw e-mailadres"
        opened = await browser.get(link_in(question))
        assert opened.status_code == 200
        assert "<button>" in opened.text
        assert (await anna.run("{ preferences { emailConfirmed } }", {}))["preferences"] == {"emailConfirmed": False}
        await browser.post(link_in(question))
        assert (await anna.run("{ preferences { emailConfirmed } }", {}))["preferences"] == {"emailConfirmed": True}

        await officer.mutate("changeStatus", reportId=report_id, to="RESOLVED", remark="Geveegd & weg")
        told = (await box.receive(2))[1]
        assert re.fullmatch(r"Uw melding [\d-]+ \(Glas op straat\) is opgelost\.", told["Subject"])
        assert told["From"] == "BART <noreply@bart.example>"
        assert told["Content-Language"] == "nl"
        plain, html = text_of(told, "plain"), text_of(told, "html")
        assert "Toelichting: Geveegd & weg" in plain
        assert f"Wat er gemeld is: Glas <b>rond</b> de glasbak {MARKER}" in plain
        assert "Is het echt opgelost?" in plain
        assert f"Glas &lt;b&gt;rond&lt;/b&gt; de glasbak {MARKER}" in html
        assert "Geveegd &amp; weg" in html
        assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        (link,) = re.fullmatch(r"<https?://[^/]+(/mail/unsubscribe/.*)>", told["List-Unsubscribe"]).groups()  # type: ignore[union-attr]
        assert link == link_in(told)
        assert "<button>" in (await browser.get(link)).text
        assert (await anna.run("{ preferences { mail } }", {}))["preferences"] == {"mail": "EACH"}
        ended = await browser.post(link, data={"List-Unsubscribe": "One-Click"})
        assert ended.status_code == 200
        assert (await anna.run("{ preferences { mail } }", {}))["preferences"] == {"mail": "OFF"}
        assert (await browser.post(link[:-1])).status_code == 403
        async with served.db.read() as conn:
            rows = (await conn.execute(select(notification.c.party, notification.c.mailed_at))).all()
        assert [(row.party, row.mailed_at is not None) for row in rows] == [("residents/anna", True)]


async def test_a_server_without_mail_says_so(database_url: str, world: Database, tmp_path: Path) -> None:
    async with running(database_url, world, tmp_path) as served, calling(served, RESIDENT) as anna:
        problem = await anna.attempt("setPreferences", PREFERENCES, mail="EACH", email="anna@example.org")
        assert (problem["code"], problem["message"]) == ("InvalidPreferences", "This server sends no mail.")


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


async def test_what_is_hidden_or_erased_by_now_does_not_go_out(office: Office) -> None:
    await prefer(office.db)
    hidden = await submit(office.db, description=f"Glas {MARKER}")
    erased = await submit(office.db, description=f"Glas {MARKER}")
    reworded = await submit(office.db, description=f"Glas {MARKER}")
    for report in (hidden, erased, reworded):
        await change(office.db, report, ReportStatus.RESOLVED)
    keys = await office.notify()
    await hide(office.db, hidden, visibility=Visibility.AUTHORITIES)
    await hide(office.db, erased, description="", hidden_reason=HiddenReason.ERASED)
    await hide(office.db, reworded, description="Glas", original=f"Glas {MARKER}")
    for key in keys:
        await office.mail(key)
    assert len(office.box.mails) == 2
    assert MARKER not in "".join(text_of(m, part) for m in office.box.mails for part in ("plain", "html"))
    assert await mailed(office.db) == [False, True, True]
    await hide(office.db, hidden, visibility=Visibility.PUBLIC)
    await office.mail(keys[0])
    assert len(office.box.mails) == 2, "what was dropped does not come back"


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


async def test_a_reporter_who_phoned_is_mailed_in_their_language_and_can_end_it(office: Office) -> None:
    report = await submit(office.db, by=OFFICER)
    async with office.db.write() as conn:
        given = {"report_id": report.id, "email": "caller@example.org", "language": Language.EN}
        await conn.execute(insert(contact).values(given))
    await change(office.db, report, ReportStatus.UNDER_WAY)
    await change(office.db, report, ReportStatus.RESOLVED)
    under_way, resolved = await office.notify()
    await office.mail(under_way)
    (told,) = office.box.mails
    assert told["To"] == "caller@example.org"
    assert told["Subject"] == f"Your report {report.number} (Glas op straat) is being worked on."
    async with office.db.write() as conn:
        await mailings.unsubscribe(conn, Links(SECRET, "").open_unsubscription(link_in(told).rpartition("/")[2]))
    await office.mail(resolved)
    assert len(office.box.mails) == 1


async def test_no_name_of_a_category_becomes_a_header(office: Office) -> None:
    async with office.db.write() as conn:
        await conn.execute(update(category).values(name_nl="Glas\r\nBcc: mallory@example.org\r\n\r\n<script>"))
    await prefer(office.db)
    await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    (key,) = await office.notify()
    await office.mail(key)
    (told,) = office.box.mails
    assert "Bcc" not in told
    assert "<script>" not in text_of(told, "html")


@pytest.mark.parametrize(
    "given",
    ["anna", "anna@example.org\r\nBcc: mallory@example.org", "a@b.nl, c@example.org", "Anna <anna@example.org>"],
)
def test_only_one_plain_address_is_taken(given: str) -> None:
    with pytest.raises(InvalidContact):
        check_email(given, ("input", "email"))
