"""The clients that docs/maps.md shows keep a map right through lost connections. Its very lines are run."""

import asyncio
import json
import re
import shutil
from abc import ABC, abstractmethod
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from random import uniform  # noqa: F401 - for the lines of the document
from textwrap import indent
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportConnectionFailed  # noqa: F401
from gql.transport.websockets import WebsocketsTransport

from bootstrap import node_path
from geo import positions
from geo.cursor import Cursors, FeedCursor
from geo.db import Database
from tests.clients.cable import Cable
from tests.clients.caller import Caller, Json, calling
from tests.conftest import Served, running
from tests.test_docs import blocks
from tests.world import INSIDE, OFFICER, RESIDENT

pytestmark = pytest.mark.anyio

CLIENTS = Path(__file__).parent / "clients"
URL = "ws://127.0.0.1:8000/graphql"
PATIENCE = 20  # seconds
PAUSE = 4.0  # seconds: longer than it waits of its own accord
(QUERY,) = (block for _, block in blocks("graphql") if block.startswith("query InView"))
(SUBSCRIPTION,) = (block for _, block in blocks("graphql") if block.startswith("subscription Live"))
NODE = """
import { createInterface } from "node:readline";
import { createClient as create } from "graphql-ws";
import WebSocket from "ws";

const { http, query, inView, page: given } = JSON.parse(process.argv[1]);
const createClient = (options) => create({ ...options, webSocketImpl: WebSocket });
const tell = (reports) => console.log(JSON.stringify([...reports.values()]));
class Told extends Map {
  set(key, value) { super.set(key, value); tell(this); return this; }
  delete(key) { super.delete(key); tell(this); }
}
async function readPage() {
  const answer = await fetch(http, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: inView }),
  });
  const { nodes } = (await answer.json()).data.reports;
  tell(nodes);
  const reports = new Told();
  for (const report of nodes) reports.set(report.id, report);
  return reports;
}
let reports = new Told();
const page = given;
process.stdin.resume().on("end", () => process.exit());
"""


class Recipe(ABC):
    """A client made of the lines of a document, and the state that it keeps."""

    language: str

    def __init__(self, page: Json, http: str, sockets: str) -> None:
        self.page = page
        self.http = http
        (found,) = (block for _, block in blocks(self.language))
        self.lines = found.replace(URL, sockets)
        assert self.lines != found
        self.state: list[Json] = []
        self.changed = asyncio.Event()

    @abstractmethod
    async def run(self) -> None:
        """Follow until cancelled."""

    def tell(self, state: list[Json]) -> None:
        self.state = state
        self.changed.set()

    async def until(self, fresh: Callable[[list[Json]], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not fresh(self.state):
                self.changed.clear()
                await self.changed.wait()


class Python(Recipe):
    language = "python"

    async def run(self) -> None:
        tell = self.tell

        class Told(dict[str, Json]):
            def __setitem__(self, key: str, value: Json) -> None:
                super().__setitem__(key, value)
                tell([*self.values()])

            def pop(self, key: str, *other: Any) -> Any:
                found = super().pop(key, *other)
                tell([*self.values()])
                return found

        async def read_page() -> Told:
            async with Client(transport=WebsocketsTransport(self.http.replace("http", "ws"))) as session:
                nodes = (await session.execute(gql(QUERY)))["reports"]["nodes"]
            tell(nodes)
            return Told({report["id"]: report for report in nodes})

        given = {"QUERY": SUBSCRIPTION, "page": self.page, "reports": Told(), "read_page": read_page}
        scope: dict[str, Any] = globals() | given  # of the modules it imports, all are imported here
        exec(f"async def follow():\n    global reports\n{indent(self.lines, '    ')}", scope)
        await scope["follow"]()


class TypeScript(Recipe):
    language = "ts"

    async def run(self) -> None:
        node = shutil.which("node", path=node_path())
        assert node is not None
        given = {"http": self.http, "query": SUBSCRIPTION, "inView": QUERY, "page": self.page}
        code = NODE + re.sub(r": any\b", "", self.lines)
        client = await asyncio.create_subprocess_exec(
            *(node, "--input-type=module", "--eval", code, json.dumps(given)), cwd=CLIENTS, stdin=PIPE, stdout=PIPE
        )
        assert client.stdin
        assert client.stdout
        try:
            async for line in client.stdout:
                self.tell(json.loads(line))
        finally:
            client.stdin.close()
            await client.wait()


@asynccontextmanager
async def following(kind: type[Recipe], served: Served, url: str) -> AsyncIterator[Recipe]:
    """A recipe at work on a page of the demo's district, at a server that is reached by another URL."""
    async with calling(served) as caller:
        page = (await caller.run(QUERY, {}))["reports"]
    recipe = kind(page, served.graphql, url)
    work = asyncio.create_task(recipe.run())
    try:
        yield recipe
    finally:
        while not work.done():  # gql loses a cancellation that comes while it connects
            work.cancel()
            await asyncio.wait([work], timeout=2)


def same(fresh: list[Json], state: list[Json]) -> bool:
    return sorted(fresh, key=lambda one: one["id"]) == sorted(state, key=lambda one: one["id"])


async def fresh_state(caller: Caller) -> list[Json]:
    nodes: list[Json] = (await caller.run(QUERY, {}))["reports"]["nodes"]
    return nodes


@pytest.mark.parametrize("kind", [Python, TypeScript])
async def test_a_recipe_comes_back_when_it_is_told_to_and_misses_nothing(
    kind: type[Recipe], database_url: str, world: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.wire.uniform", lambda *_: PAUSE)
    open_feed, begun = Cursors.open_feed, list[FeedCursor]()

    def remember(cursors: Cursors, cursor: str) -> FeedCursor:
        begun.append(open_feed(cursors, cursor))
        return begun[-1]

    monkeypatch.setattr(Cursors, "open_feed", remember)
    clock = asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(running(database_url, world, tmp_path))
        anna = await stack.enter_async_context(calling(there, RESIDENT))
        officer = await stack.enter_async_context(calling(there, OFFICER))
        cable = await stack.enter_async_context(Cable(there.sockets))
        async with running(database_url, world, tmp_path) as here:
            cable.plug(here.sockets)
            recipe = await stack.enter_async_context(following(kind, there, cable.url))
            one, two = [await anna.submit(INSIDE) for _ in range(2)]
            await recipe.until(partial(same, await fresh_state(anna)))
            cable.plug(there.sockets)
            before, told_to_go = cable.connections, clock()
        await anna.mutate("addEvidence", reportId=one, remark="Het ligt er nog")
        await officer.mutate("changeVisibility", reportId=two, to="AUTHORITIES")
        await anna.submit(INSIDE)
        await recipe.until(partial(same, await fresh_state(anna)))
        assert clock() - told_to_go >= PAUSE
        assert cable.connections == before + 1, "it came when it was told to, and not before"
        assert [cursor.position for cursor in begun] == [0, 2], "it resumed behind the last event that it was told"
        cable.cut()  # without a word
        await anna.submit(INSIDE)
        cable.mend()
        await recipe.until(partial(same, await fresh_state(anna)))
        async with world.write() as conn:
            await positions.renew_epoch(conn, (await positions.head(conn)).epoch)
        await anna.submit(INSIDE)
        await recipe.until(partial(same, await fresh_state(anna)))
