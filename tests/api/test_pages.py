"""Health, metrics, and who may read them."""

import asyncio
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import make_url, text

from api.metrics import MAX_LENGTH, MAX_NAMES
from geo.db import Database
from tests.clients.caller import calling
from tests.clients.watchers import watch
from tests.conftest import Served, execute, running
from tests.world import ADMIN, INSIDE, OFFICER, RESIDENT

pytestmark = pytest.mark.anyio

AWAY = "The database does not answer."


def operations(metrics: str) -> dict[tuple[str, str], float]:
    """How often each operation was carried out, by its name and outcome."""
    return {
        (sample.labels["operation"], sample.labels["outcome"]): sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == "bart_operations_total"
    }


async def test_says_when_the_database_is_away_and_when_it_is_back(
    server_url: str, database_url: str, world: Database, tmp_path: Path
) -> None:
    name = make_url(database_url).database
    async with running(database_url, world, tmp_path) as served, calling(served, RESIDENT) as anna:

        async def look(page: str) -> tuple[int, str]:
            answer = await anna.http.get(f"{served.url}/{page}")
            return answer.status_code, answer.text

        assert [await look(page) for page in ("healthz", "readyz")] == [(200, "ok\n")] * 2
        async with watch(served) as watcher:
            execute(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            try:
                others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                execute(server_url, others)
                assert await look("readyz") == (503, f"{AWAY}\n")
                assert (await look("metrics"))[0] == 503
                assert await look("healthz") == (200, "ok\n")
                answer = await anna.http.post(served.graphql, json={"query": "{ categories { slug } }"})
                assert answer.status_code == 200
                assert answer.json()["errors"][0]["extensions"]["code"] == "InternalError"
            finally:
                execute(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            async with asyncio.timeout(10):
                while await look("readyz") != (200, "ok\n"):
                    pass
            made = await anna.submit(INSIDE)
            assert [event["reportId"] for event in await watcher.until(made)] == [made]
        await world.engine.dispose()  # its connections were ended too


async def test_metrics_are_for_this_machine_and_for_admins(shared: Served) -> None:
    page = f"{shared.url}/metrics"
    elsewhere = {"X-Forwarded-For": "203.0.113.7"}  # as a proxy on this machine says
    async with httpx.AsyncClient() as http:
        assert (await http.get(page)).status_code == 200
        for headers, status in (
            (elsewhere, 403),
            (elsewhere | shared.headers(OFFICER), 403),
            (elsewhere | shared.headers(ADMIN), 200),
            (elsewhere | {"Authorization": "Bearer nonsense"}, 401),
        ):
            answer = await http.get(page, headers=headers)
            assert answer.status_code == status
            if status != 200:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["title"]


async def test_operations_are_counted_by_name_and_outcome(server: Served) -> None:
    async with calling(server, RESIDENT) as anna:
        for document in (
            "query Good { viewer { role } }",
            "query Good { viewer { role } }",
            'query Bad { area(code: "NOPE") { code } }',
            "query Bad { nope }",
            "{ viewer { role } }",
            f"query {'x' * (MAX_LENGTH + 1)} {{ viewer {{ role }} }}",
        ):
            await anna.http.post(server.graphql, json={"query": document})
        await anna.submit(INSIDE, "Een merkwaardige tekst")
        metrics = (await anna.http.get(f"{server.url}/metrics")).text
    assert operations(metrics) == {
        ("Good", "ok"): 2,
        ("Bad", "error"): 2,
        ("anonymous", "ok"): 1,
        ("other", "ok"): 1,
        ("Mutate", "ok"): 1,
    }
    assert "anna" not in metrics
    assert "merkwaardig" not in metrics


async def test_callers_can_not_fill_the_metrics_with_names(server: Served) -> None:
    async with httpx.AsyncClient() as http:
        for number in range(MAX_NAMES + 10):
            await http.post(server.graphql, json={"query": f"query Name{number} {{ viewer {{ role }} }}"})
        counted = operations((await http.get(f"{server.url}/metrics")).text)
    assert counted["other", "ok"] == 10
    assert len(counted) == MAX_NAMES + 1


async def test_the_outbox_is_measured(server: Served) -> None:
    async with calling(server, RESIDENT) as anna, server.db.engine.connect() as holder:

        async def value(name: str) -> float:
            metrics = (await anna.http.get(f"{server.url}/metrics")).text
            return next(float(row.split()[1]) for row in metrics.splitlines() if row.startswith(f"{name} "))

        await holder.execute(text("LOCK TABLE feed IN SHARE MODE"))  # no event gets its place
        await anna.submit(INSIDE)
        assert await value("bart_outbox_unplaced") == 1
        assert await value("bart_outbox_lag_seconds") > 0
        await holder.rollback()
        async with asyncio.timeout(10):
            while await value("bart_outbox_unplaced"):
                pass
        assert await value("bart_outbox_lag_seconds") == 0


async def test_the_first_page_leads_to_the_api(shared: Served) -> None:
    async with httpx.AsyncClient() as http:
        assert (await http.get(shared.url)).headers["location"] == "/graphql"
        missing = await http.get(f"{shared.url}/nope")
        assert (missing.status_code, missing.json()["title"]) == (404, "Not Found")
        assert missing.headers["content-type"] == "application/problem+json"
