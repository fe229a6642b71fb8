"""How much one caller may ask for: requests a minute, and the time of a statement."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from limits import RateLimitItemPerSecond
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.db import Database
from geo.models import Role
from geo.tables import event, report
from geo.viewer import ANONYMOUS, Viewer
from tests.clients.caller import calling
from tests.clients.watchers import watch
from tests.conftest import Served, running
from tests.world import INSIDE, NEIGHBOUR, OFFICER, RESIDENT

pytestmark = pytest.mark.anyio

BUDGET = "{ viewer { rateLimit { limit remaining resetsIn } } }"


async def ask(served: Served, viewer: Viewer = ANONYMOUS, document: str = BUDGET, **headers: str) -> httpx.Response:
    async with calling(served, viewer) as caller:
        return await caller.http.post(served.graphql, json={"query": document}, headers=headers)


async def test_each_caller_has_a_budget_of_its_own(database_url: str, world: Database, tmp_path: Path) -> None:
    app = Viewer(Role.APP, "buurt/app", "buurt")
    callers: list[tuple[Viewer, dict[str, str]]] = [
        (ANONYMOUS, {}),
        (RESIDENT, {}),
        (NEIGHBOUR, {}),
        (OFFICER, {}),
        (app, {}),
        (app, {"Bart-Resident": "anna"}),
        (app, {"Bart-Resident": "bram"}),
    ]
    async with running(database_url, world, tmp_path, rate_limit=3) as served:
        for viewer, headers in callers:
            for left in (2, 1, 0):
                answer = await ask(served, viewer, **headers)
                budget = answer.json()["data"]["viewer"]["rateLimit"]
                assert (budget["limit"], budget["remaining"]) == (3, left)
                assert 1 <= budget["resetsIn"] <= 60
        for viewer, headers in callers:
            refused = await ask(served, viewer, **headers)
            assert refused.status_code == 429
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            (error,) = refused.json()["errors"]
            assert error["extensions"]["code"] == "RateLimited"
            assert refused.headers["retry-after"] in error["extensions"]["hint"]
            assert "data" not in refused.json()


async def test_what_is_no_request_counts_as_one(database_url: str, world: Database, tmp_path: Path) -> None:
    async with running(database_url, world, tmp_path, rate_limit=1) as served, httpx.AsyncClient() as http:
        assert (await http.post(served.graphql, content=b"nonsense")).status_code == 415
        assert (await ask(served)).status_code == 429


async def test_a_budget_is_whole_again_when_it_said(
    database_url: str, world: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.limits.RateLimitItemPerMinute", RateLimitItemPerSecond)
    async with running(database_url, world, tmp_path, rate_limit=1) as served, asyncio.timeout(10):
        while (await ask(served)).status_code == 200:
            pass
        while (answer := await ask(served)).status_code == 429:
            assert answer.headers["retry-after"] == "1"


async def test_sockets_draw_on_the_same_budget(database_url: str, world: Database, tmp_path: Path) -> None:
    async with running(database_url, world, tmp_path, rate_limit=1) as served:
        await ask(served, RESIDENT)
        async with watch(served, RESIDENT, after=None) as watcher:
            with pytest.raises(Exception, match="RateLimited"):
                await watcher.next()


async def hold(conn: AsyncConnection, table: str) -> None:
    """Keep everybody else away from a table until this transaction ends."""
    await conn.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))


def too_slow(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "TooSlow"
    assert error["extensions"]["hint"]
    found: dict[str, Any] = error
    return found


READ = '{ reports(area: {code: "WK051829"}) { nodes { id } } }'
WRITE = """mutation {
  submitReport(input: {
    category: "glas", description: "Glas", location: {lon: 4.295, lat: 52.065}, confirmNew: true
  }) { __typename }
}"""
RUNNING = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
)


async def test_a_statement_that_takes_too_long_is_cancelled(database_url: str, world: Database, tmp_path: Path) -> None:
    slow = {"statement_timeout": 0.3, "poll_interval": 60}
    async with running(database_url, world, tmp_path, **slow) as served, world.engine.connect() as holder:
        await hold(holder, "report")
        for document in (READ, WRITE):
            too_slow(await ask(served, RESIDENT, document))
        assert (await holder.execute(RUNNING)).scalar() == 0, "the database works on for nobody"
        for table in (report, event):
            assert (await holder.execute(select(func.count()).select_from(table))).scalar() == 0
        await holder.rollback()
        assert (await ask(served, RESIDENT, WRITE)).json() == {
            "data": {"submitReport": {"__typename": "ReportSubmitted"}}
        }


async def test_watchers_outlive_a_database_that_is_too_slow(database_url: str, world: Database, tmp_path: Path) -> None:
    slow = {"statement_timeout": 0.2, "poll_interval": 0.05}
    async with (
        running(database_url, world, tmp_path, **slow) as served,
        calling(served, RESIDENT) as anna,
        watch(served) as watcher,
        world.engine.connect() as holder,
    ):
        await hold(holder, "feed")
        for _ in range(4):  # each waits as long as a look at the feed does
            answer = await anna.http.get(f"{served.url}/metrics")
            assert (answer.status_code, answer.json()["title"]) == (503, "The database does not answer.")
        await holder.rollback()
        made = await anna.submit(INSIDE)
        assert [event["reportId"] for event in await watcher.until(made)] == [made]
