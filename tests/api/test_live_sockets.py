"""A slow or dead socket costs only itself, and one that a server closes can be resumed."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from api.wire import Wire
from geo.db import Database
from tests.clients.caller import calling
from tests.clients.watchers import DISTRICT, PATIENCE, watch
from tests.conftest import Served, running
from tests.world import submit

pytestmark = pytest.mark.anyio

HIGH_WATER = 64 * 1024  # bytes that a transport takes before it says stop
DOCUMENT = """
subscription Watch($area: AreaInput!, $after: Cursor) {
  reportEvents(area: $area, after: $after) { ... on ReportEvent { version report { description } } }
}
"""
LONG = "ë" * 4000
CHANGE = """
INSERT INTO event (id, report_id, version, kind, actor, at, visibility, before, after, detail)
SELECT gen_random_uuid(), report_id, n, 'STATUS_CHANGED', 'MUNICIPALITY', clock_timestamp(), visibility, after, after,
       '{"from": "REPORTED", "to": "REPORTED", "remark": null}'
FROM event CROSS JOIN generate_series(2, :last) AS n
WHERE report_id = :report_id AND version = 1
"""


async def change_often(db: Database, last: int) -> None:
    """A report with a long text, changed up to version `last` in one go."""
    report = await submit(db, description=LONG)
    async with db.write() as conn:
        await conn.execute(text(CHANGE), {"report_id": report.id, "last": last})
        await conn.execute(text("UPDATE report SET version = :last"), {"last": last})


@pytest.fixture
def protocols(monkeypatch: pytest.MonkeyPatch) -> list[Wire]:
    """The server's ends of all WebSockets, in the order they were opened."""
    opened: list[Wire] = []
    connection_made = Wire.connection_made

    def remember(protocol: Wire, transport: asyncio.BaseTransport) -> None:
        opened.append(protocol)
        connection_made(protocol, transport)

    monkeypatch.setattr(Wire, "connection_made", remember)
    return opened


@asynccontextmanager
async def subscribed(served: Served) -> AsyncIterator[ClientConnection]:
    """A bare socket that watches the district, with little room for what it has not read yet."""
    async with calling(served) as caller:
        variables = {"area": DISTRICT, "after": await caller.now(DISTRICT)}
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((urlsplit(served.url).hostname, urlsplit(served.url).port))
    narrow.setblocking(False)
    protocol = Subprotocol("graphql-transport-ws")
    async with connect(
        served.sockets, sock=narrow, subprotocols=[protocol], compression=None, max_queue=1, ping_interval=None
    ) as client:
        await client.send('{"type": "connection_init"}')
        assert json.loads(await client.recv()) == {"type": "connection_ack"}
        payload = {"query": DOCUMENT, "variables": variables}
        await client.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        yield client
        client.transport.abort()


async def next_versions(client: ClientConnection) -> range:
    """The version of the next event, with those before it that it stands for."""
    async with asyncio.timeout(PATIENCE):
        payload = json.loads(await client.recv())["payload"]
    version: int = payload["data"]["reportEvents"]["version"]
    return range(version - payload.get("extensions", {"coalesced": 0})["coalesced"], version + 1)


async def test_a_slow_reader_holds_up_nobody_and_misses_nothing(
    database_url: str,
    world: Database,
    tmp_path: Path,
    protocols: list[Wire],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("geo.feed.WINDOW", 200)
    last = 1500
    async with (
        running(database_url, world, tmp_path, poll_interval=0.1) as served,
        subscribed(served) as slow,
        watch(served) as quick,
    ):
        await change_often(world, last)
        while (await quick.next())["version"] < last:
            pass
        assert [event["version"] for event in quick.told] == [*range(1, last + 1)]
        assert 0 < protocols[0].transport.get_write_buffer_size() < 2 * HIGH_WATER
        heard: list[int] = []
        while not heard or heard[-1] < last:
            heard += await next_versions(slow)
        assert heard == [*range(1, last + 1)]


async def open_sockets(served: Served) -> float:
    async with httpx.AsyncClient() as http:
        metrics = (await http.get(f"{served.url}/metrics")).text
    return float(next(line.split()[1] for line in metrics.splitlines() if line.startswith("bart_sockets ")))


async def test_a_dead_socket_is_dropped_with_all_that_it_did_not_read(
    database_url: str, world: Database, tmp_path: Path, protocols: list[Wire]
) -> None:
    async with running(database_url, world, tmp_path, poll_interval=0.1) as served, subscribed(served) as dead:
        dead.transport.pause_reading()
        await change_often(world, 1500)
        transport = protocols[0].transport
        async with asyncio.timeout(PATIENCE):
            while not transport.get_write_buffer_size():
                assert await open_sockets(served) == 1
            protocols[0].ping_timeout = 0.1
            protocols[0].send_keepalive_ping()  # as the clock does every 20 seconds
            while await open_sockets(served):
                pass
        assert transport.get_write_buffer_size() == 0


async def test_a_draining_server_closes_with_1012(database_url: str, world: Database, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with running(database_url, world, tmp_path) as served:
            client = await stack.enter_async_context(subscribed(served))
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
