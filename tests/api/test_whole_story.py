"""The whole story, as `python -m api story` plays it, with the mails read from a real SMTP server."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from api import story
from api.story_cast import StoryError
from geo.db import Database
from geo.demo.load import load_areas, load_categories
from geo.models import Role
from geo.viewer import Viewer
from tests.clients.postbox import Postbox, postbox, text_of
from tests.conftest import Served, running

pytestmark = pytest.mark.anyio

CITY = frozenset({"GM0518"})
KOPPELVLAKKEN = (
    "Monitoren",
    "Registratie",
    "Publiceren",
    "Duiding",
    "Valideren",
    "Verrijken",
    "Notificeren",
    "Muteren",
    "Behandeling",
    "Terugkoppeling",
    "Zelfredzaamheid",
    "Waarschuwing",
    "Spoed",
    "Click, Call, Face",
    "Toestemming",
)


@dataclass
class Mailbox:
    """Reads what the server mailed."""

    box: Postbox
    read_mails: list[EmailMessage] = field(default_factory=list)

    async def _next(self, address: str, about: str) -> EmailMessage:
        count = 0
        while True:
            mails = await self.box.receive(count + 1)
            mail = mails[count]
            count += 1
            if mail["To"] == address and about in text_of(mail, "plain"):
                self.read_mails.append(mail)
                return mail

    async def confirm(self, address: str) -> None:
        mail = await self._next(address, "http")
        (link,) = re.findall(r"https?://\S+", text_of(mail, "plain"))
        async with httpx.AsyncClient() as http:
            assert (await http.post(link)).status_code == 200

    async def read(self, address: str, about: str) -> str:
        return text_of(await self._next(address, about), "plain")


def tokens(served: Served) -> story.Tokens:
    def token(role: Role, party: str, areas: frozenset[str] = frozenset()) -> str:
        viewer = Viewer(role, party, party.partition("/")[0], areas)
        return served.headers(viewer)["Authorization"].removeprefix("Bearer ")

    return story.Tokens(
        app=token(Role.APP, "buurtapp/app"),
        neighbour=token(Role.RESIDENT, "buurt/bram"),
        officer=token(Role.OFFICER, "gemeente/balie", CITY),
        police=token(Role.POLICE, "politie/meldkamer", CITY),
    )


@pytest.fixture
async def city(db: Database) -> Database:
    await load_areas(db)
    async with db.write() as conn:
        await load_categories(conn)
    return db


@pytest.fixture
async def box() -> AsyncIterator[Postbox]:
    async with postbox() as it:
        yield it


async def test_the_whole_story_with_its_mails(city: Database, database_url: str, box: Postbox, tmp_path: Path) -> None:
    mail = {"smtp_url": box.url, "mail_from": "BART <noreply@bart.example>"}
    said: list[tuple[str, str]] = []
    mailbox = Mailbox(box)
    async with running(database_url, city, tmp_path, run_worker=True, **mail) as served:
        made = await story.play(served.url, tokens(served), lambda what, that: said.append((what, that)), mailbox)
    assert list(dict.fromkeys(what for what, _ in said)) == [*KOPPELVLAKKEN]
    assert made.keys() == {"glass", "alert", "call"}
    asked, resolved, called = mailbox.read_mails
    for written in (asked, resolved, called):
        assert written["From"] == "BART <noreply@bart.example>"
        assert '<html lang="nl">' in text_of(written, "html")
    assert "opgelost" in resolved["Subject"]
    assert resolved["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


async def test_a_story_that_goes_wrong_says_where(city: Database, database_url: str, tmp_path: Path) -> None:
    async with running(database_url, city, tmp_path) as served:
        right = tokens(served)
        wrong = story.Tokens(app=right.neighbour, neighbour=right.neighbour, officer=right.officer, police=right.police)
        with pytest.raises(StoryError):
            await story.play(served.url, wrong, lambda *_: None)
