"""Coming back: one client that has missed very much, and very many at once that have missed a little.

The many come back to a server that has run all the time, or to one that has just been started. `transactions` are all
those of the database while that server lived; each of its statements that only reads is one.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, islice

import psycopg
from sqlalchemy import text

from bench.crowd import Crowd
from bench.environment import Server, World, served
from bench.figures import Effort, Figure, Params
from bench.listening import listening, live_cursor, subscription
from bench.rivals import ANY_EVENT, OURS, ours, value
from geo import positions
from geo.db import Database, engine
from geo.demo.areas import MUNICIPALITY
from geo.models import Role

EVENTS = 100_000
CLIENTS = 5_000
MISSED = range(200, 300)  # events, of the clients that come back at once
AT_ONCE = 1_000  # sockets that are opened together: what the backlog of a server holds
PATIENCE = 300.0
AREA = {"code": MUNICIPALITY}
# The reports of the area, each as often as the next, and from each event on one version further.
_HAPPEN = """
WITH open AS (
    SELECT report.id, report.version, event.after, report.visibility,
        row_number() OVER (ORDER BY report.id) AS place, count(*) OVER () AS among
    FROM report JOIN event ON event.report_id = report.id AND event.version = report.version
    WHERE municipality = :municipality AND report.visibility = 'PUBLIC'
), happened AS (
    INSERT INTO event (id, report_id, version, kind, actor, at, visibility, before, after, detail)
    SELECT gen_random_uuid(), id, version + round, 'REPORT_CONFIRMED', 'RESIDENT', clock_timestamp(), visibility,
        after, after, '{"verdict": "STILL_THERE"}'
    FROM open CROSS JOIN LATERAL generate_series(1, (:events + among - place) / among) AS round
    ORDER BY round, place
    RETURNING report_id
)
UPDATE report SET version = version + rounds
FROM (SELECT report_id, count(*) AS rounds FROM happened GROUP BY report_id) AS told WHERE id = report_id
"""
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"


async def measure(world: World, effort: Effort) -> list[Figure]:
    headers = world.bearer(Role.RESIDENT)
    with serving(world) as server:
        old = live_cursor(server, headers, AREA)
    await happen(world, EVENTS)
    rates = []
    for _ in range(effort.runs):
        with serving(world) as server:
            rates.append(EVENTS / await _come_back(world, server, [old], EVENTS))
    clients = min(CLIENTS, max(effort.sockets))
    rounds = [await _round(world, headers, clients) for _ in range(effort.runs)]
    figures = [Figure.of("replay.one.rate", "events/s", {"missed": EVENTS}, rates)]
    for which, each in zip(("running", "restarted"), zip(*rounds, strict=True), strict=True):
        params: Params = {"clients": clients, "missed": f"{MISSED.start} to {MISSED.stop - 1}", "server": which}
        figures += [
            Figure.of("replay.many.seconds", "s", params, [back.seconds for back in each]),
            Figure.of("replay.many.rate", "events/s", params, [back.events / back.seconds for back in each]),
            Figure.of("replay.many.transactions", "transactions", params, [back.transactions for back in each]),
        ]
    return figures


@contextmanager
def serving(world: World) -> Iterator[Server]:
    """Without background work, which would have all these events to go through too."""
    with served(world, run_worker="false") as server:
        yield server


@dataclass(frozen=True, slots=True)
class Back:
    """What it took until all had come back and heard what they had missed."""

    events: int
    seconds: float
    transactions: int


async def _round(world: World, headers: Mapping[str, str], clients: int) -> tuple[Back, Back]:
    """The same clients at a server that was there when it happened, and at one that was not."""
    missed = list(islice(cycle(MISSED), clients))
    before = transactions(world)
    with serving(world) as server:
        old = live_cursor(server, headers, AREA)
        await happen(world, MISSED.stop)
        async with listening(server, headers, AREA, old) as events:
            seen = [value("cursor", await anext(events)) for _ in range(MISSED.stop)]
        cursors = [seen[-1 - events] for events in missed]
        stayed = await _come_back(world, server, cursors, sum(missed))
    between = transactions(world)
    with serving(world) as server:
        restarted = await _come_back(world, server, cursors, sum(missed))
    return (
        Back(sum(missed), stayed, between - before),
        Back(sum(missed), restarted, transactions(world) - between),
    )


async def _come_back(world: World, server: Server, cursors: Sequence[str], events: int) -> float:
    """Seconds from the first connection to the last event."""
    hello = ours("BART", world, server, lambda number: AREA).hello
    async with Crowd.gather() as crowd:
        start = await crowd.join(
            server.port,
            replace(OURS, event=ANY_EVENT),
            [hello(number) for number in range(len(cursors))],
            [subscription(AREA, cursor, f"w{number:05}") for number, cursor in enumerate(cursors)],
            at_once=AT_ONCE,
            expected=events,
        )
        heard = await crowd.heard(PATIENCE)
    if not heard.complete or heard.closed or heard.trouble:
        raise RuntimeError(f"Of {events} events to {len(cursors)}: {heard}")
    return heard.at - start


async def happen(world: World, events: int) -> None:
    """So many events of the reports in the area, with their places in the feed."""
    db = Database(engine(world.database_url, statement_timeout=600))
    async with db.write() as conn:
        await conn.execute(text(_HAPPEN), {"events": events, "municipality": MUNICIPALITY})
    async with db.write() as conn:
        await positions.place(conn)
    await db.engine.dispose()


def transactions(world: World) -> int:
    """How many the database has had, once those who asked have gone: only then all are counted."""
    with closing(psycopg.connect(world.database_url, autocommit=True)) as conn:
        while conn.execute(_OTHERS).fetchone() != (0,):
            time.sleep(0.05)
        ((count,),) = conn.execute(_TRANSACTIONS)
    return int(count)
