"""Mail, read from a real SMTP server: in its reader's language, only what may be told, only to who wants it."""

import re
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select, update

from api.mail_jobs import mail
from geo import mailings
from geo.db import Database
from geo.emails import check_email
from geo.errors import InvalidContact
from geo.links import Links
from geo.models import HiddenReason, Language, MailMode, ReportStatus, Visibility
from geo.tables import category, contact, notification
from tests.api.office import MARKER, NOON, Office, hide, link_in, mailed, prefer
from tests.clients.caller import calling
from tests.clients.postbox import postbox, text_of
from tests.conftest import SECRET, running
from tests.geo.notices import change
from tests.world import INSIDE, OFFICER, RESIDENT, submit

pytestmark = pytest.mark.anyio
PREFERENCES = "... on Preferences { mail email emailConfirmed }"


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


async def test_long_headers_arrive_as_they_were_written(office: Office) -> None:
    await prefer(office.db)
    await change(office.db, await submit(office.db), ReportStatus.RESOLVED)
    (key,) = await office.notify()
    domain = "neighbourhood." * 8 + "example"
    await mail(office.db, office.mails_by(office.box.url, f"BART <noreply@{domain}>"), key, MailMode.EACH, NOON)
    (told,) = office.box.mails
    raw = dict(told.raw_items())
    assert raw["List-Unsubscribe"] == f"<https://bart.example{link_in(told)}>"
    assert raw["Message-ID"] == f"<{key}@{domain}>"


@pytest.mark.parametrize(
    "given",
    ["anna", "anna@example.org\r\nBcc: mallory@example.org", "a@b.nl, c@example.org", "Anna <anna@example.org>"],
)
def test_only_one_plain_address_is_taken(given: str) -> None:
    with pytest.raises(InvalidContact):
        check_email(given, ("input", "email"))
