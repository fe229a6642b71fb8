"""How long `similarReports` takes to answer where there are a million reports."""

import random
import secrets
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
from sqlalchemy import make_url

from api import migrate
from bench.clients import Target, load
from bench.environment import World, served
from bench.figures import Effort, Figure
from geo.models import Role
from tests import million

REPORTS = 1_000_000
DRAFTS = 500
SIMILAR = """
query Similar($draft: ReportDraft!) {
  similarReports(draft: $draft) {
    score metres reasons
    report { number status category { slug } description location { lon lat } }
  }
}
"""
# Those of the last weeks become those of the last weeks before now: what was resolved of late is looked at as well.
_NOWADAYS = """
    UPDATE report SET submitted_at = submitted_at + %(since)s, updated_at = updated_at + %(since)s,
        resolved_at = CASE status WHEN 'RESOLVED' THEN updated_at + %(since)s END
    WHERE submitted_at > %(beginning)s
"""
# Where there is more to report, more is reported once more.
_AGAIN = """
    SELECT category, description, ST_X(location), ST_Y(location) FROM report
    WHERE public AND submitted_at > %(beginning)s ORDER BY id LIMIT %(drafts)s
"""


async def measure(world: World, effort: Effort) -> list[Figure]:
    url, drafts = _million(world)
    answers = []
    with served(replace(world, database_url=url)) as server:
        target = Target(
            f"{server.url}/graphql",
            world.bearer(Role.RESIDENT),
            lambda: orjson.dumps({"query": SIMILAR, "variables": {"draft": _near(random.choice(drafts))}}),
            b'"similarReports":[',
        )
        for _ in range(effort.runs):
            answers.append(await load(target, 1, effort.seconds))
    params = {"reports": REPORTS}
    return [
        Figure.of(f"similar_1m.answer.p{percent}", "ms", params, [run.percentile(percent) for run in answers])
        for percent in (50, 99)
    ]


def _million(world: World) -> tuple[str, Sequence[tuple[Any, ...]]]:
    """The URL of a new database with the reports, and some of the newest of them."""
    name = f"million_{secrets.token_hex(6)}"
    with closing(psycopg.connect(world.database_url, autocommit=True)) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
    url = make_url(world.database_url).set(database=name).render_as_string(hide_password=False)
    migrate.upgrade(url)
    million.fill(url, REPORTS)
    with closing(psycopg.connect(url, autocommit=True)) as conn:
        since, beginning = datetime.now(UTC) - million.END, million.END - million.NEWEST
        conn.execute(_NOWADAYS, {"since": since, "beginning": beginning})
        conn.execute("VACUUM (ANALYZE) report")
        return url, conn.execute(_AGAIN, {"beginning": beginning + since, "drafts": DRAFTS}).fetchall()


def _near(seen: tuple[Any, ...]) -> dict[str, Any]:
    """What somebody else would write of it, some steps away."""
    category, description, lon, lat = seen
    words = description.split()
    return {
        "category": category,
        "description": " ".join(random.sample(words, len(words) * 2 // 3)),
        "location": {"lon": lon + random.uniform(-3e-4, 3e-4), "lat": lat + random.uniform(-2e-4, 2e-4)},
    }
