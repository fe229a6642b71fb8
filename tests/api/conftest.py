"""Fixtures of the tests of the process."""

from collections.abc import AsyncIterator

import pytest

from api.mail import Mailer
from api.mails import Mails
from geo.categories import Categories
from geo.db import Database
from geo.links import Links
from tests.api.office import Office
from tests.clients.postbox import postbox
from tests.conftest import SECRET


@pytest.fixture
async def office(world: Database, database_url: str) -> AsyncIterator[Office]:
    async with postbox() as box:
        links = Links(SECRET, "https://bart.example")
        mails = Mails(Mailer(box.url, "BART <noreply@bart.example>"), links, Categories(world))
        yield Office(world, box, mails, database_url)
