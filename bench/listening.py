"""One watcher of our server whose events are read, and the cursor from which one watches on."""

import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.environment import Server
from bench.rivals import ANY_EVENT, WATCH

CURSOR = "query Now($area: AreaInput!) { reports(area: $area, first: 1) { liveCursor } }"
PROTOCOL = Subprotocol("graphql-transport-ws")


def live_cursor(server: Server, headers: Mapping[str, str], area: object) -> str:
    """Behind all that has happened until now."""
    body = orjson.dumps({"query": CURSOR, "variables": {"area": area}})
    request = urllib.request.Request(f"{server.url}/graphql", body, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request) as response:
        cursor: str = orjson.loads(response.read())["data"]["reports"]["liveCursor"]
    return cursor


def subscription(area: object, after: str, operation: str = "1") -> str:
    payload = {"query": WATCH, "variables": {"area": area, "after": after}}
    return orjson.dumps({"id": operation, "type": "subscribe", "payload": payload}).decode()


@asynccontextmanager
async def listening(
    server: Server, headers: Mapping[str, str], area: object, after: str
) -> AsyncIterator[AsyncIterator[str]]:
    """The events from behind a cursor on, as they come."""
    async with connect(f"ws://127.0.0.1:{server.port}/graphql", subprotocols=[PROTOCOL], max_queue=None) as socket:
        await socket.send(orjson.dumps({"type": "connection_init", "payload": headers}).decode())
        await socket.recv()  # that we are welcome
        await socket.send(subscription(area, after))
        yield _events(socket)


async def _events(socket: ClientConnection) -> AsyncIterator[str]:
    """Raises RuntimeError when there will be no more."""
    async for message in socket:
        assert isinstance(message, str)
        if ANY_EVENT in message:
            yield message
        elif '"ping"' in message:
            await socket.send('{"type":"pong"}')
        else:
            raise RuntimeError(message)
    raise RuntimeError("The server closed the socket of the watcher.")
