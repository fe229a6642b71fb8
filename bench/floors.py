"""The floor: what a handler costs that does only the least, by hand. `python -m bench.floors DATABASE_URL PORT`.

It writes the same rows as `submitReport`, in one transaction on the same tables. It knows no GraphQL, no rights, no
tokens, no problems and no feed: who was not connected when it happened never hears of it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import orjson
import psycopg
import typer
import uvicorn
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from uuid_utils.compat import uuid7

from api import serve
from bench.environment import Server, World, free_port, process
from bench.helpers import python
from geo.numbers import new_number

FLOOR = "floor"
PARTY = "bench/bench"

REPORT = """
INSERT INTO report (
    id, number, category, status, urgency, visibility, description, location,
    neighbourhood, district, borough, municipality, submitted_at, updated_at, due_at, version
)
SELECT
    %(id)s, %(number)s, slug, 'REPORTED', urgency, visibility, %(description)s, point,
    place.*, at, at, at + make_interval(hours => handling_hours), 1
FROM (SELECT ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326) AS point, clock_timestamp() AS at) AS given
JOIN category ON slug = %(category)s
CROSS JOIN LATERAL (
    SELECT
        max(code) FILTER (WHERE kind = 'NEIGHBOURHOOD'), max(code) FILTER (WHERE kind = 'DISTRICT'),
        max(code) FILTER (WHERE kind = 'BOROUGH'), max(code) FILTER (WHERE kind = 'MUNICIPALITY')
    FROM area WHERE state = 'LIVE' AND ST_Intersects(geom, point)
) AS place
ON CONFLICT (number) DO NOTHING
"""
INVOLVEMENT = "INSERT INTO involvement (report_id, party, role, since) VALUES (%(id)s, %(party)s, 'REPORTER', now())"
EVENT = """
INSERT INTO event (id, report_id, version, kind, actor, party, at, visibility, after, detail)
SELECT
    %(event_id)s, id, version, 'REPORT_SUBMITTED', 'RESIDENT', %(party)s, submitted_at, visibility,
    jsonb_build_object(
        'category', category, 'status', status, 'urgency', urgency, 'visibility', visibility,
        'location', jsonb_build_array(ST_X(location), ST_Y(location)),
        'codes', array_remove(ARRAY[neighbourhood, district, borough, municipality], NULL),
        'submitted_at', submitted_at
    ), '{}'
FROM report WHERE id = %(id)s
RETURNING version, (SELECT number FROM report WHERE id = report_id), after ->> 'status' AS status
"""
NOTIFY = "SELECT pg_notify('floor', %s)"


class Floor:
    """POST /submit writes. POST /publish also notifies, and sends what it is notified of to every socket at /events."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._pool = AsyncConnectionPool(
            database_url,
            connection_class=psycopg.AsyncConnection[dict[str, Any]],
            min_size=10,
            open=False,
            kwargs={"row_factory": dict_row},
        )
        self._sockets: set[WebSocket] = set()

    def app(self) -> Starlette:
        routes = [
            Route("/submit", self._submit, methods=["POST"]),
            Route("/publish", self._publish, methods=["POST"]),
            WebSocketRoute("/events", self._watch),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self._pool, await psycopg.AsyncConnection.connect(self._url, autocommit=True) as listener:
            await listener.execute("LISTEN floor")
            sending = asyncio.create_task(self._send(listener))
            yield
            sending.cancel()

    async def _submit(self, request: Request) -> Response:
        async with self._pool.connection() as conn:
            return Response(await self._write(conn, request), media_type="application/json")

    async def _publish(self, request: Request) -> Response:
        async with self._pool.connection() as conn:
            written = await self._write(conn, request)
            await conn.execute(NOTIFY, [written.decode()])
        return Response(written, media_type="application/json")

    async def _write(self, conn: psycopg.AsyncConnection[dict[str, Any]], request: Request) -> bytes:
        given = orjson.loads(await request.body())
        report: dict[str, Any] = {
            "id": uuid7(),
            "event_id": uuid7(),
            "category": given["category"],
            "description": given["description"],
            "party": PARTY,
            **given["location"],
        }
        while not (await conn.execute(REPORT, report | {"number": new_number()})).rowcount:
            pass  # the number was drawn before
        await conn.execute(INVOLVEMENT, report)
        event = await (await conn.execute(EVENT, report)).fetchone()
        assert event is not None
        return orjson.dumps(
            {
                "__typename": "ReportSubmitted",
                "reportId": report["id"],
                "version": event["version"],
                "report": {"number": event["number"], "status": event["status"]},
            }
        )

    async def _watch(self, socket: WebSocket) -> None:
        self._sockets.add(socket)
        await socket.accept()
        async for _ in socket.iter_text():
            pass
        self._sockets.remove(socket)

    async def _send(self, listener: psycopg.AsyncConnection[Any]) -> None:
        async for notification in listener.notifies():
            for socket in list(self._sockets):
                await socket.send_text(notification.payload)


@contextmanager
def floor(world: World, database_url: str) -> Iterator[Server]:
    """The floor on a migrated database, in a process of its own, until the block ends."""
    port = free_port()
    with process(python("bench.floors", database_url, str(port)), world.folder / "floor.log", {}) as pid:
        yield Server(port, pid)


def main(database_url: str, port: int) -> None:
    config = uvicorn.Config(
        Floor(database_url).app(),
        port=port,
        http="httptools",
        ws="websockets-sansio",
        access_log=False,
        log_config=None,
    )
    serve.Announced(config, lambda: print("Serving", flush=True)).run()


if __name__ == "__main__":
    typer.run(main)
