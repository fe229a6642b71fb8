"""Each benchmark runs to its end on a PostgreSQL that loses nothing, and its floor writes the rows that we write."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from bench import similar_1m
from bench.__main__ import BENCHES
from bench.clients import Connection
from bench.environment import World, served, world
from bench.figures import Effort
from bench.floors import FLOOR, floor
from bench.submissions import new_input, to_floor, to_ours
from geo.models import Role

pytestmark = pytest.mark.anyio

FIGURES = {
    "submit": ["answer.p50", "rate", "client_cpu"] * 2,
    "similar_1m": ["answer.p50", "answer.p99"],
    "write_visible": ["after_answer.p50", "after_request.p50", "after_answer.p99", "after_request.p99"],
}


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with world() as it:
        yield it


def rows(url: str, statement: str) -> list[dict[str, Any]]:
    with closing(psycopg.connect(url, row_factory=dict_row)) as conn:
        return conn.execute(statement.encode()).fetchall()


@pytest.mark.parametrize("name", BENCHES)
async def test_a_benchmark_runs_to_its_end(made: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar_1m, "REPORTS", 2_000)
    figures = await BENCHES[name](made, Effort(runs=1, seconds=0.2))
    assert [figure.name for figure in figures] == [f"{name}.{figure}" for figure in FIGURES[name]]
    for figure in figures:
        assert figure.runs == 1
        assert figure.min == figure.value == figure.max
        assert (figure.ratio is None) == (figure.peer is None)
        assert figure.ratio is None or figure.ratio > 0
    assert any(figure.peer == FLOOR for figure in figures) is (name != "similar_1m")


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
