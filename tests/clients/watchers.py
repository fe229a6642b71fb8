"""Watchers over WebSockets: one with gql, one with graphql-ws in Node. Both come back by themselves after a lost
connection, behind the last event they received."""

import asyncio
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.websockets import WebsocketsTransport

from bootstrap import node_path
from geo.viewer import ANONYMOUS, Viewer
from tests.clients.caller import calling
from tests.conftest import Served

Event = dict[str, Any]
HERE = Path(__file__).parent
PATIENCE = 20  # seconds
PAUSE = 0.05  # seconds between two attempts to connect

DISTRICT = {"code": "WK051829"}
WATCH = """
subscription Watch($area: AreaInput!, $filter: ReportFilter, $after: Cursor) {
  reportEvents(area: $area, filter: $filter, after: $after) {
    __typename
    ... on ReportEvent {
      cursor version actor reportId
      report { id number status urgency visibility description version confirmations location { lon lat } }
    }
    ... on Resync { reason cursor }
  }
}
"""


class Watcher(ABC):
    """What a client was told, in order."""

    def __init__(self, url: str, variables: Mapping[str, Any], headers: Mapping[str, str], document: str) -> None:
        self.url = url
        self.variables = dict(variables)
        self.headers = dict(headers)
        self.document = document
        self.told: list[Event] = []
        self._inbox: asyncio.Queue[Event | Exception] = asyncio.Queue()

    @abstractmethod
    async def receive(self) -> None:
        """Hear events until cancelled."""

    async def run(self) -> None:
        try:
            await self.receive()
        except Exception as error:  # for whoever waits for an event
            self._inbox.put_nowait(error)

    def hear(self, event: Event) -> None:
        self.told.append(event)
        self._inbox.put_nowait(event)

    async def next(self) -> Event:
        """The next event it was told."""
        async with asyncio.timeout(PATIENCE):
            event = await self._inbox.get()
        if isinstance(event, Exception):
            raise event
        return event

    async def until(self, report_id: str, version: int = 1) -> list[Event]:
        """All that it is told up to one version of a report."""
        events: list[Event] = []
        while not events or (events[-1].get("reportId"), events[-1].get("version")) != (report_id, version):
            events.append(await self.next())
        return events


class PythonWatcher(Watcher):
    async def receive(self) -> None:
        while True:
            transport = WebsocketsTransport(self.url, init_payload=self.headers)
            client = Client(transport=transport, fetch_schema_from_transport=False)
            try:
                async with client as session:
                    request = GraphQLRequest(self.document, variable_values=self.variables)
                    async for data in session.subscribe(request):
                        (event,) = data.values()
                        self.variables["after"] = event["cursor"]
                        self.hear(event)
            except TransportConnectionFailed:
                await asyncio.sleep(PAUSE)


class NodeWatcher(Watcher):
    async def receive(self) -> None:
        assert (HERE / "node_modules").is_dir(), (
            "Run `make test`, or `npm ci` in tests/clients: its packages are missing."
        )
        node = shutil.which("node", path=node_path())
        assert node is not None
        given = {
            "url": self.url,
            "query": self.document,
            "variables": self.variables,
            "connectionParams": self.headers,
        }
        pipe = asyncio.subprocess.PIPE
        client = await asyncio.create_subprocess_exec(
            node, "watch.mjs", json.dumps(given), cwd=HERE, stdin=pipe, stdout=pipe
        )
        assert client.stdin is not None
        assert client.stdout is not None
        try:
            async for line in client.stdout:
                self.hear(json.loads(line))
        finally:
            client.stdin.close()
            await client.wait()
        raise AssertionError("The Node client ended.")


@asynccontextmanager
async def watching(
    kind: type[Watcher],
    url: str,
    variables: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    document: str = WATCH,
) -> AsyncIterator[Watcher]:
    """A watcher at work until the block ends. Without an `after` among the variables it may miss the first events."""
    watcher = kind(url, variables, headers or {}, document)
    work = asyncio.create_task(watcher.run())
    try:
        yield watcher
    finally:
        while not work.done():  # gql loses a cancellation that comes while it connects, or when the connection broke
            work.cancel()
            await asyncio.wait([work], timeout=0.1)


@asynccontextmanager
async def watch(
    served: Served, viewer: Viewer = ANONYMOUS, *, document: str = WATCH, **variables: Any
) -> AsyncIterator[Watcher]:
    """A watcher of the district, from now on unless `after` says otherwise."""
    headers = {} if viewer is ANONYMOUS else served.headers(viewer)
    if "after" not in variables:
        async with calling(served) as caller:
            variables["after"] = await caller.now(DISTRICT)
    if document == WATCH:
        variables.setdefault("area", DISTRICT)
    async with watching(PythonWatcher, served.sockets, variables, headers, document) as watcher:
        yield watcher


def said(watcher: Watcher) -> list[tuple[str, int]]:
    return [(event["__typename"], event["version"]) for event in watcher.told]
