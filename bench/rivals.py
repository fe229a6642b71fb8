"""Servers that tell those who watch of what is written to them: how one writes to each, and how one watches."""

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

import orjson
import psycopg

from bench.crowd import Crowd
from bench.environment import Server, World
from bench.submissions import SUBMIT, new_input
from bench.watchers import Manner
from bench.writer import Post, Written
from geo.models import Role

# Only what is submitted counts: the server's own background work makes events of the demo's reports meanwhile.
OURS = Manner("/graphql", "graphql-transport-ws", '"connection_ack"', '"ReportSubmitted"')
ANY_EVENT = '"next"'
WATCH = """
subscription Watch($area: AreaInput!, $after: Cursor) {
  reportEvents(area: $area, after: $after) {
    __typename
    ... on ReportEvent {
      cursor version report { id number status urgency description location { lon lat } }
    }
  }
}
"""
_COMMITTED = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(involvement.xmin))::float8
FROM involvement JOIN report ON report.id = report_id WHERE number = %s
"""


@dataclass(frozen=True, slots=True)
class Rival:
    """A server to write to and to watch, whoever made it.

    `committed` is the moment of the commit of what was written, in seconds of `time.time`.
    """

    name: str
    server: Server
    manner: Manner
    hello: Callable[[int], str]
    subscribe: Callable[[int], str]
    post: Callable[[], Post]
    committed: Callable[[Written], float]
    answers: bool = True  # as soon as it has what was written, and not when all have been told

    async def watched_by(self, crowd: Crowd, numbers: Sequence[int]) -> None:
        """Let a crowd join, each as the watcher of that number."""
        hellos, subscriptions = [*map(self.hello, numbers)], [*map(self.subscribe, numbers)]
        await crowd.join(self.server.port, self.manner, hellos, subscriptions)


def ours(
    name: str, world: World, server: Server, area: Callable[[int], object], point: tuple[float, float] | None = None
) -> Rival:
    """Our server: each watcher is a resident of its own, the n-th watches the n-th area. The reports are at the point,
    or where `new_input` puts them."""
    app = world.bearer(Role.APP)

    def hello(number: int) -> str:
        headers = {**app, "Bart-Resident": f"resident-{number}"}
        return orjson.dumps({"type": "connection_init", "payload": headers}).decode()

    def subscribe(number: int) -> str:
        payload = {"query": WATCH, "variables": {"area": area(number)}}
        return orjson.dumps({"id": f"w{number:05}", "type": "subscribe", "payload": payload}).decode()

    def post() -> Post:
        place = {"location": {"lon": point[0], "lat": point[1]}} if point else {}
        body = orjson.dumps({"query": SUBMIT, "variables": {"input": new_input() | place}}).decode()
        return Post(f"{server.url}/graphql", world.bearer(Role.RESIDENT), body)

    def committed(written: Written) -> float:
        return commit_time(world.database_url, _COMMITTED, value("number", written.answer))

    return Rival(name, server, OURS, hello, subscribe, post, committed)


def value(name: str, json: bytes | str) -> str:
    """The first text of that name, at any depth."""
    text = json if isinstance(json, str) else json.decode()
    found = re.search(rf'"{name}":"([^"]+)"', text)
    if found is None:
        raise RuntimeError(f"There is no {name} in {text}")
    return found[1]


def commit_time(database_url: str, statement: str, key: str) -> float:
    """What the database itself noted; the answer to whoever wrote may have had to wait for watchers."""
    with closing(psycopg.connect(database_url, autocommit=True)) as conn:
        row = conn.execute(statement.encode(), [key]).fetchone()
    assert row
    moment: float = row[0]
    return moment
