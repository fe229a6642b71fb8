"""Watchers: over a WebSocket to one server after another, each behind the last event that it was told."""

import asyncio
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import count
from random import Random
from socket import SO_RCVBUF, SOL_SOCKET
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from geo.demo.areas import MUNICIPALITY
from tests.chaos import history
from tests.chaos.history import Key
from tests.chaos.people import calling, read_id
from tests.chaos.records import Interest, Read, Record, Shown, Told
from tests.chaos.servers import Fleet

PROTOCOL = Subprotocol("graphql-transport-ws")
PATIENCE = 60.0  # seconds
PAUSE = 0.3  # seconds before connecting again, at most
SHOWN = "id version status visibility confirmations"
NARROW, ROOMY = 8_192, 262_144  # bytes that the system keeps unread for a socket
WIDE = " ".join(f"d{n}: description" for n in range(28))
CITY = {"code": MUNICIPALITY}

PAGE = f"""query Page($area: AreaInput!, $filter: ReportFilter, $after: String) {{
  reports(area: $area, filter: $filter, first: 100, after: $after) {{
    liveCursor nodes {{ {SHOWN} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
ONE = f"query One($id: ID!) {{ report(id: $id) {{ {SHOWN} }} }}"
TOLD = """{{ __typename
  ... on ReportEvent {{ cursor reportId version report {{ {shown} }} }}
  ... on Resync {{ cursor }}
}}"""
AREA = """subscription($area: AreaInput!, $filter: ReportFilter, $after: Cursor) {{
  reportEvents(area: $area, filter: $filter, after: $after) {told}
}}"""
REPORT = "subscription($id: ID!, $after: Cursor) {{ report(id: $id, after: $after) {told} }}"


class Closed(Exception):
    """The server ended the operation, and not the socket."""


class Reader:
    """Reads the state of what somebody is interested in, at whichever server answers."""

    def __init__(self, fleet: Fleet, database_url: str) -> None:
        self._fleet = fleet
        self._database_url = database_url
        self._turns = count()

    async def read_all(self, interests: Iterable[Interest]) -> Mapping[Interest, Read]:
        each = list(dict.fromkeys(interests))
        return dict(zip(each, await asyncio.gather(*map(self.read, each)), strict=True))

    async def read(self, interest: Interest) -> Read:
        async with calling(interest.person) as http, asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await self._read(http, self._fleet[next(self._turns) % len(self._fleet)].url, interest)
                except (OSError, httpx.TransportError, orjson.JSONDecodeError, LookupError, history.Unreachable):
                    await asyncio.sleep(PAUSE)

    async def _read(self, http: httpx.AsyncClient, url: str, interest: Interest) -> Read:
        """Raises LookupError where the answer has errors in the place of data."""

        async def ask(query: str, variables: Mapping[str, Any]) -> Any:
            answer = await http.post(url, json={"query": query, "variables": variables})
            body = orjson.loads(answer.content)
            if "errors" in body:
                raise LookupError
            return body["data"]

        variables = {"area": interest.area or CITY, "filter": interest.filter}
        page = (await ask(PAGE, variables))["reports"]
        cursor, nodes = page["liveCursor"], page["nodes"]
        if interest.report is not None:
            nodes = [(await ask(ONE, {"id": node_id(interest.report)}))["report"]]
        else:
            while page["pageInfo"]["hasNextPage"]:
                page = (await ask(PAGE, variables | {"after": page["pageInfo"]["endCursor"]}))["reports"]
                nodes += page["nodes"]
        reports = {read_id(node["id"]): shown(node) for node in nodes if node}
        return Read(reports, await history.position(self._database_url), cursor)


def _code(message: Mapping[str, Any]) -> str:
    """Why an operation ended, by the code of its first error."""
    payload = message.get("payload") or {}
    errors = payload if isinstance(payload, list) else payload.get("errors", [])
    return str(errors[0].get("extensions", {}).get("code", "")) if errors else ""


def node_id(report: str) -> str:
    return b64encode(f"Report:{report}".encode()).decode()


def shown(report: Mapping[str, Any]) -> Shown:
    return Shown(*(report[name] for name in Shown._fields))


class Watcher:
    """One client. `record` is what it wrote down; `closings` counts why its sockets ended."""

    def __init__(self, reader: Reader, fleet: Fleet, interest: Interest, first: Read, number: int) -> None:
        self._reader = reader
        self._fleet = fleet
        self._random = Random(number)
        self._turn = number
        self._after = first.cursor
        self._socket: ClientConnection | None = None
        self._reading = asyncio.Event()
        self._reading.set()
        self.connected = asyncio.Event()
        self.record = Record(f"{interest.name} #{number}", interest, [first])
        self._heard: set[Key] = set()
        self._read_until = first.until
        self.closings: Counter[str] = Counter()

    def knows(self, event: history.Event) -> bool:
        """Whether it has been told, or has read the state since."""
        return event.key in self._heard or event.position <= self._read_until

    @property
    def coalesced(self) -> int:
        """How many events it was told of by later ones."""
        return sum(entry.coalesced for entry in self.record.entries if isinstance(entry, Told))

    def stall(self) -> None:
        """Stop reading: what the server sends piles up on the way, where there is little room."""
        self._reading.clear()
        self._make_room(NARROW)

    def go_on(self) -> None:
        self._make_room(ROOMY)
        self._reading.set()

    def _make_room(self, size: int) -> None:
        if self._socket:
            self._socket.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, size)

    def cut(self) -> None:
        """Lose the connection."""
        if self._socket:
            self._socket.transport.abort()

    async def run(self) -> None:
        """Be told, until cancelled."""
        while True:
            try:
                await self._follow(self._fleet[self._turn % len(self._fleet)].sockets)
            except Closed as end:
                self.closings[str(end)] += 1
            except (OSError, WebSocketException) as error:
                code = self._socket and self._socket.close_code
                self.closings[str(code or type(error).__name__)] += 1
            self._socket = None
            self.connected.clear()
            self._turn += 1
            await asyncio.sleep(self._random.uniform(0, PAUSE))

    async def _follow(self, url: str) -> None:
        plain = {"compression": None, "max_size": None, "ping_interval": None, "proxy": None}
        patient = {"open_timeout": PATIENCE, "close_timeout": 1}
        async with connect(url, subprotocols=[PROTOCOL], **plain, **patient) as socket:  # type: ignore[arg-type]
            self._socket = socket
            await self._send({"type": "connection_init", "payload": self.record.interest.person.headers})
            async for text in socket:
                message = orjson.loads(text)
                match message["type"]:
                    case "connection_ack":
                        await self._send({"type": "subscribe", "id": "1", "payload": self._operation()})
                        self.connected.set()
                    case "ping":
                        await self._send({"type": "pong"})
                    case "next" if "errors" not in message["payload"]:
                        await self._take(message["payload"])
                        await self._reading.wait()
                    case "pong":
                        pass
                    case kind:
                        raise Closed(f"{kind} {_code(message)}".rstrip())
            raise Closed("without an error")

    async def _send(self, message: Mapping[str, Any]) -> None:
        assert self._socket
        await self._socket.send(orjson.dumps(message), text=True)

    def _operation(self) -> dict[str, Any]:
        of = self.record.interest
        told = TOLD.format(shown=f"{SHOWN} {WIDE}" if of.wide else SHOWN)
        if of.report is not None:
            return {"query": REPORT.format(told=told), "variables": {"id": node_id(of.report), "after": self._after}}
        return {
            "query": AREA.format(told=told),
            "variables": {"area": of.area, "filter": of.filter, "after": self._after},
        }

    async def _take(self, payload: Mapping[str, Any]) -> None:
        (event,) = payload["data"].values()
        if event["__typename"] == "Resync":
            again = await self._reader.read(self.record.interest)
            self.record.entries.append(again)
            self._read_until = again.until
            self._after = again.cursor
            raise Closed("Resync")
        key = Key(read_id(event["reportId"]), event["version"])
        seen = event["report"] and shown(event["report"])
        coalesced = payload.get("extensions", {}).get("coalesced", 0)
        self.record.entries.append(Told(time.time(), event["__typename"], key, coalesced, seen))
        self._heard.add(key)
        self._after = event["cursor"]
