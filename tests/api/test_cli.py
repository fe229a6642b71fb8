"""The command line, as an operator uses it: a process of its own on a database by its URL."""

import asyncio
from pathlib import Path

import pytest

from api.auth import Tokens
from geo import areas, positions
from geo.db import Database
from geo.models import Role
from tests.conftest import SECRET
from tests.geo.maps import geojson, square
from tests.process import bart


def test_a_token_says_who_its_bearer_is(database_url: str) -> None:
    made = bart(
        database_url,
        "token",
        "--role",
        "officer",
        "--organisation",
        "gemeente",
        "--subject",
        "desk",
        "--areas",
        "GM1, GM2",
    )
    viewer = Tokens(SECRET).viewer({"authorization": f"Bearer {made.stdout.strip()}"})
    assert (viewer.role, viewer.party, viewer.areas) == (
        Role.OFFICER,
        "gemeente/desk",
        frozenset({"GM1", "GM2"}),
    )


def test_a_short_key_is_refused(database_url: str) -> None:
    done = bart(database_url, "token", "--role", "officer", SECRET_KEY="short")
    assert done.returncode == 1
    assert "32 characters" in done.stderr


@pytest.mark.anyio
async def test_areas_are_imported_and_the_second_time_nothing_changes(
    database_url: str, db: Database, tmp_path: Path
) -> None:
    file = geojson(
        tmp_path / "wijken.geojson",
        [
            ({"statcode": "GM0001", "statnaam": "Testdam"}, square(4.0, 52.0, 0.02)),
            ({"statcode": "WK000101", "statnaam": "Eerste wijk"}, square(4.0, 52.0)),
        ],
    )
    first = await asyncio.to_thread(bart, database_url, "areas", "import", str(file))
    assert (first.returncode, "2 added" in first.stderr) == (0, True), first.stderr
    async with db.read() as conn:
        found = await areas.by_code(conn, "WK000101")
    assert found is not None
    assert (found.name, found.parent_code) == ("Eerste wijk", "GM0001")
    second = await asyncio.to_thread(bart, database_url, "areas", "import", str(file))
    assert "0 added, 0 replaced, 2 unchanged" in second.stderr


@pytest.mark.anyio
async def test_a_new_epoch_is_begun(database_url: str, world: Database) -> None:
    async with world.read() as conn:
        before = await positions.head(conn)
    done = await asyncio.to_thread(bart, database_url, "epoch")
    assert done.returncode == 0, done.stderr
    async with world.read() as conn:
        assert (await positions.head(conn)).epoch != before.epoch
