"""Each benchmark runs to its end on a PostgreSQL that loses nothing, and its floor writes the rows that we write."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from bench import live, live_latency, replay, similar_1m, sockets
from bench.__main__ import BENCHES
from bench.clients import Connection
from bench.environment import World, served, world
from bench.figures import Effort
from bench.floors import FLOOR, floor
from bench.submissions import new_input, to_floor, to_ours
from geo.models import Role

pytestmark = pytest.mark.anyio

_LAST = ["last.p50", "last.p99", "cpu", "cpu_of_telling"]
_AFTER = ["after_commit.p50", "after_commit.p99", "after_arrival.p50", "after_arrival.p99"]
_BACK = ["many.seconds", "many.rate", "many.transactions"]
FIGURES = {
    "submit": ["answer.p50", "rate", "client_cpu"] * 2,
    "similar_1m": ["answer.p50", "answer.p99"],
    "write_visible": ["after_answer.p50", "after_request.p50", "after_answer.p99", "after_request.p99"],
    "fanout": [*_LAST * 2, *["answer"] * 2] * 2 + ["watcher"],
    "live_areas": [*_LAST, *["answer"] * 2],
    "sockets": ["memory", "memory_beyond_bare", "dropped", "told", "cpu", "pause.p99", "pause.longest"],
    "live_latency": _AFTER * (3 if shutil.which("redis-server") else 2) + ["held.p50", "held.p99"] * 2,
    "replay": ["one.rate", *_BACK * 2],
}
OF_THE_FLOOR = ("submit", "write_visible")
FEWER = [
    (similar_1m, "REPORTS", 2_000),
    (live, "ALONE", 2),
    (live, "REST", 0.1),
    (live_latency, "RATE", 20),
    (live_latency, "WARM_UP", 0.1),
    (live_latency, "HELD", 0.2),
    (sockets, "FIRST", 10),
    (replay, "EVENTS", 1_000),
    (replay, "MISSED", range(5, 10)),
    (replay, "CLIENTS", 20),
]


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with world() as it:
        yield it


def rows(url: str, statement: str) -> list[dict[str, Any]]:
    with closing(psycopg.connect(url, row_factory=dict_row)) as conn:
        return conn.execute(statement.encode()).fetchall()


@pytest.mark.parametrize("name", BENCHES)
async def test_a_benchmark_runs_to_its_end(made: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, constant, fewer in FEWER:
        monkeypatch.setattr(module, constant, fewer)
    figures = await BENCHES[name](made, Effort(runs=1, seconds=0.2, sockets=(50, 200) if name == "fanout" else (200,)))
    assert [figure.name for figure in figures] == [f"{name}.{figure}" for figure in FIGURES[name]]
    for figure in figures:
        assert figure.runs == 1
        assert figure.min == figure.value == figure.max
        assert (figure.ratio is None) == (figure.peer is None)
        assert figure.ratio is None or figure.ratio > 0 or ".cpu" in figure.name  # of so little, noise
    assert any(figure.peer == FLOOR for figure in figures) is (name in OF_THE_FLOOR)


def test_nothing_is_lost_in_a_crash(made: World) -> None:
    shown = rows(
        made.database_url,
        "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')",
    )
    assert {row["name"]: row["setting"] for row in shown} == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
    }


WRITTEN = """
SELECT
    to_jsonb(report) - '{id,number,submitted_at,updated_at,due_at}'::text[] AS report,
    to_jsonb(involvement) - '{report_id,since}'::text[] AS involvement,
    to_jsonb(event) - '{id,report_id,position,at}'::text[] #- '{after,submitted_at}' AS event
FROM report JOIN involvement ON involvement.report_id = report.id JOIN event ON event.report_id = report.id
ORDER BY report.id DESC LIMIT 2
"""


async def test_the_floor_writes_the_rows_that_we_write(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    given = new_input()
    monkeypatch.setattr("bench.submissions.new_input", lambda: given)
    url = made.copy()
    with floor(made, url) as bare, served(made, database_url=url) as server:
        for target in to_ours(server.url, made.bearer(Role.RESIDENT)), to_floor(bare.url, "submit"):
            connection = await Connection.open(target)
            await connection.post()
            connection.close()
    ours, theirs = rows(url, WRITTEN)
    assert ours == theirs
    assert ours["report"]["district"], "the place was looked up"
