"""A bare socket that speaks graphql-transport-ws word by word."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from websockets import ClientConnection, ConnectionClosed, Subprotocol, connect

from tests.conftest import Served

INIT = {"type": "connection_init"}
ROLE = "{ viewer { role } }"
WATCH = """subscription($area: AreaInput = {code: "WK051829"}, $after: Cursor) {
  reportEvents(area: $area, after: $after) {
    ... on ReportEvent { cursor reportId version report { description } }
  }
}"""
ANSWER = {"data": {"viewer": {"role": "ANONYMOUS"}}}
COME_BACK = r"Come back after (\d\.\d) s\.$"  # at the end of a reason to close


@dataclass(frozen=True)
class Line:
    """One end of a socket."""

    socket: ClientConnection

    async def say(self, *messages: object) -> None:
        for message in messages:
            await self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(20):
            found: dict[str, Any] = json.loads(await self.socket.recv())
        return found

    async def closed(self) -> tuple[int, str]:
        """The code and the reason with which the server closes it, whatever it says before."""
        with pytest.raises(ConnectionClosed) as end:
            while True:
                await self.hear()
        assert end.value.rcvd, "closed without a word"
        return end.value.rcvd.code, end.value.rcvd.reason


@asynccontextmanager
async def line(served: Served, protocol: str | None = "graphql-transport-ws", **options: Any) -> AsyncIterator[Line]:
    protocols = [Subprotocol(protocol)] if protocol else None
    async with connect(served.sockets, subprotocols=protocols, proxy=None, **options) as socket:
        yield Line(socket)


@asynccontextmanager
async def greeted(served: Served, payload: dict[str, Any] | None = None) -> AsyncIterator[Line]:
    """A line to a server that knows who is calling."""
    async with line(served) as caller:
        await caller.say({**INIT, "payload": payload})
        assert await caller.hear() == {"type": "connection_ack"}
        yield caller


def ask(document: str, id: str = "1", **payload: Any) -> dict[str, Any]:
    return {"type": "subscribe", "id": id, "payload": {"query": document, **payload}}


def event_of(message: dict[str, Any]) -> dict[str, Any]:
    """What a `next` message tells of reports."""
    found: dict[str, Any] = message["payload"]["data"]["reportEvents"]
    return found
