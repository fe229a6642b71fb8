"""Other live servers, installed in a folder of the measurer's: PostGraphile 5 in `pgl`, Parse Server in `parse`.

`npm install postgraphile@5.1.5 node@22` in the one and `npm install parse-server@9.10 node@22` in the other do that.
Each has a database of its own with tables as it likes them, in the same PostgreSQL as ours, and the same to tell. One
that is not installed is left out.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import orjson
import psycopg

from bench.environment import Server, World, free_port, process
from bench.rivals import Rival, commit_time, value
from bench.submissions import new_input
from bench.watchers import Manner
from bench.writer import Post, Written
from geo.geometry import Box
from geo.numbers import new_number

PROGRAMS = Path(__file__).parent / "peer_servers"
POSTGRAPHILE = Manner("/graphql", "graphql-transport-ws", '"connection_ack"', '"next"')
PARSE = Manner("/parse", "", '"connected"', '"op":"create"')

_TABLE = """
CREATE TABLE report (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), version integer NOT NULL, number text NOT NULL,
    status text NOT NULL, urgency text NOT NULL, description text NOT NULL, area text NOT NULL,
    lon float8 NOT NULL, lat float8 NOT NULL
);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('area_' || lower(new.area), to_jsonb(new)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON report FOR EACH ROW EXECUTE FUNCTION tell();
"""
_CREATE = """
mutation Create($report: ReportInput!) {
  createReport(input: {report: $report}) { report { rowId number status } }
}
"""
_WATCH = """
subscription Watch($area: String!) {
  reportChanged(area: $area) { version id number status urgency description lon lat }
}
"""


def _report() -> dict[str, object]:
    """What both store, apart from where it is."""
    return {
        "version": 1,
        "number": new_number(),
        "status": "REPORTED",
        "urgency": "NORMAL",
        "description": new_input()["description"],
    }


@contextmanager
def postgraphile(world: World, peers: Path | None, area: str, point: tuple[float, float]) -> Iterator[list[Rival]]:
    """Watchers of an area by its name: it has no other areas that one could watch."""
    url = world.empty()
    with closing(psycopg.connect(url, autocommit=True)) as conn:
        conn.execute(_TABLE.encode())
    with _running(world, peers, "pgl", "postgraphile", url) as servers:
        yield [_postgraphile(server, url, area, point) for server in servers]


def _postgraphile(server: Server, url: str, area: str, point: tuple[float, float]) -> Rival:
    subscription = {"id": "1", "type": "subscribe", "payload": {"query": _WATCH, "variables": {"area": area}}}

    def post() -> Post:
        report = {**_report(), "area": area, "lon": point[0], "lat": point[1]}
        body = orjson.dumps({"query": _CREATE, "variables": {"report": report}}).decode()
        return Post(f"{server.url}/graphql", {"Accept": "application/json"}, body)

    def committed(written: Written) -> float:
        statement = "SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM report WHERE id = %s"
        return commit_time(url, statement, value("rowId", written.answer))

    return Rival(
        "PostGraphile",
        server,
        POSTGRAPHILE,
        lambda number: '{"type":"connection_init"}',
        lambda number: orjson.dumps(subscription).decode(),
        post,
        committed,
    )


@contextmanager
def parse(
    world: World, peers: Path | None, box: Callable[[int], Box], point: tuple[float, float]
) -> Iterator[list[Rival]]:
    """Watchers of boxes, each of its own: `$within`, since LiveQuery passes over `$geoWithin` with `$box`."""
    url = world.empty()
    with closing(psycopg.connect(url, autocommit=True)) as conn:
        conn.execute("CREATE EXTENSION postgis")
    with _running(world, peers, "parse", "parse", url) as servers:
        yield [_parse(server, url, box, point) for server in servers]


def _parse(server: Server, url: str, box: Callable[[int], Box], point: tuple[float, float]) -> Rival:
    def subscribe(number: int) -> str:
        here = box(number)
        corners = [_geo_point(here.west, here.south), _geo_point(here.east, here.north)]
        where = {"location": {"$within": {"$box": corners}}}
        query = {"className": "Report", "where": where}
        return orjson.dumps({"op": "subscribe", "requestId": 1, "query": query}).decode()

    def post() -> Post:
        body = orjson.dumps({**_report(), "location": _geo_point(*point)}).decode()
        return Post(f"{server.url}/parse/classes/Report", {"X-Parse-Application-Id": "bench"}, body)

    def committed(written: Written) -> float:
        statement = (
            'SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM "Report" WHERE "objectId" = %s'
        )
        return commit_time(url, statement, value("objectId", written.answer))

    hello = orjson.dumps({"op": "connect", "applicationId": "bench"}).decode()
    return Rival("Parse Server", server, PARSE, lambda number: hello, subscribe, post, committed)


def _geo_point(lon: float, lat: float) -> Mapping[str, object]:
    return {"__type": "GeoPoint", "longitude": lon, "latitude": lat}


@contextmanager
def _running(world: World, peers: Path | None, folder: str, program: str, url: str) -> Iterator[list[Server]]:
    """The program in a process of its own, where its packages are; none where they are not."""
    if peers is None or not (peers / folder / "node_modules").is_dir():
        print(f"{program} is left out: it is not installed in {folder} of the folder that --peers names.")
        yield []
        return
    home, port = peers / folder, free_port()
    shutil.copy(PROGRAMS / f"{program}.mjs", home)
    environment = {
        "PATH": os.defpath,
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
        "URL": url,
        "PORT": str(port),
        "KEY": secrets.token_urlsafe(),
    }
    node = home / "node_modules" / "node" / "bin" / "node"
    with process([str(node), f"{program}.mjs"], world.folder / f"{program}.log", environment, folder=home) as pid:
        yield [Server(port, pid)]
