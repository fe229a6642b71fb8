"""Fixtures of the tests of the process."""

from collections.abc import AsyncIterator

import pytest

from api.mail import Mailer
from api.mails import Mails
from geo.categories import Categories
from geo.db import Database
from geo.links import Links
from schema.hub import Hub
from tests.api.insides import remembered
from tests.api.office import Office
from tests.clients.postbox import postbox
from tests.conftest import SECRET


@pytest.fixture
async def office(world: Database, database_url: str) -> AsyncIterator[Office]:
    async with postbox() as box:
        links = Links(SECRET, "https://bart.example")
        mails = Mails(Mailer(box.url, "BART <noreply@bart.example>"), links, Categories(world))
        yield Office(world, box, mails, database_url)


@pytest.fixture
def hubs(monkeypatch: pytest.MonkeyPatch) -> list[Hub]:
    """The hubs of the servers, in the order they were started."""
    return remembered(monkeypatch, "api.app.Hub", Hub)
