"""Two servers on one database: one that serves subscriptions together, and one that gives each a generator of its own.
What both send is kept byte for byte."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from geo.alert_deliveries import Watchers
from geo.cursor import Cursors, FeedCursor
from geo.db import Database
from geo.deliveries import AnyDelivery
from geo.feed import Feed
from geo.viewer import Viewer
from schema.groups import Member
from schema.hub import Hub
from tests.conftest import SECRET, Served, running

PATIENCE = 20  # seconds
Frames = dict[str, list[str]]  # of each operation, in order


class WatchedFeed(Feed):
    """Knows how many of its readers have read all there is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at: Counter[FeedCursor] = Counter()

    @property
    def at_the_end(self) -> int:
        return self._at[self.now]

    async def after(self, cursor: FeedCursor) -> list[AnyDelivery] | None:
        self._at[cursor] += 1
        try:
            return await super().after(cursor)
        finally:
            self._at[cursor] -= 1


class WatchedHub(Hub):
    """Knows who joined."""

    joined = 0

    async def join(self, *args: Any) -> Member | None:
        member = await super().join(*args)
        self.joined += member is not None
        return member

    async def done(self) -> None:
        """Wait until nothing is being made any more."""
        while working := [group.cohort._working for group in self.groups if group.cohort._working]:
            await asyncio.wait(working)


@dataclass
class Socket:
    """A WebSocket of one caller."""

    wire: ClientConnection
    frames: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    ended: set[str] = field(default_factory=set)
    _pongs: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    async def listen(self) -> None:
        async for text in self.wire:
            assert isinstance(text, str)
            message = json.loads(text)
            if message["type"] == "pong":
                self._pongs.put_nowait(None)
            elif "id" in message:
                self.frames[message["id"]].append(text)
                if message["type"] != "next":
                    self.ended.add(message["id"])

    async def send(self, kind: str, key: str, payload: Mapping[str, Any] | None = None) -> None:
        await self.wire.send(json.dumps({"type": kind, "id": key, **({"payload": payload} if payload else {})}))

    async def received(self) -> None:
        """Wait for all that was sent before."""
        await self.wire.send('{"type": "ping"}')
        await self._pongs.get()


@dataclass
class Side:
    """One of the servers, with a socket for each caller."""

    served: Served
    feed: WatchedFeed
    hub: WatchedHub | None
    sockets: dict[Viewer, Socket]
    asked: dict[str, Viewer] = field(default_factory=dict)  # who asked for each operation that goes on

    async def subscribe(self, viewer: Viewer, key: str, payload: Mapping[str, Any]) -> None:
        self.asked[key] = viewer
        await self.sockets[viewer].send("subscribe", key, payload)

    @property
    def refused(self) -> set[str]:
        return {key for key, viewer in self.asked.items() if key in self.sockets[viewer].ended}

    async def settle(self) -> None:
        """Wait until every subscription has begun, or was refused, and has sent all that was committed before."""
        await self.feed.catch_up(self.feed.now)
        await until(lambda: self._all_there)
        if self.hub:
            await self.hub.done()

    @property
    def _all_there(self) -> bool:
        joined = self.hub.joined if self.hub else 0
        reading = len(self.asked) - len(self.refused) - joined + (self.hub is not None)
        return self.feed.at_the_end == reading

    async def end(self) -> Frames:
        """Give up all subscriptions; returns what they were sent."""
        await self.settle()
        for key, viewer in self.asked.items():
            await self.sockets[viewer].send("complete", key)
        for socket in self.sockets.values():
            await socket.received()
        sent = {key: self.sockets[viewer].frames.pop(key, []) for key, viewer in self.asked.items()}
        self.asked.clear()
        await until(lambda: self.feed.at_the_end == (self.hub is not None))
        if self.hub:
            self.hub.joined = 0
        return sent


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - it happens in several tasks
            await asyncio.sleep(0.001)


Callers = Mapping[Viewer, Mapping[str, str]]  # with their headers


@dataclass
class Paths:
    fast: Side
    plain: Side

    @property
    def both(self) -> tuple[Side, Side]:
        return self.fast, self.plain

    async def subscribe(self, viewer: Viewer, key: str, payload: Mapping[str, Any]) -> None:
        for side in self.both:
            await side.subscribe(viewer, key, payload)

    async def settle(self) -> None:
        await asyncio.gather(*(side.settle() for side in self.both))

    async def end(self) -> tuple[Frames, Frames]:
        fast, plain = await asyncio.gather(*(side.end() for side in self.both))
        return fast, plain

    def cursor(self, back: int = 0) -> str:
        """The place behind which there are so many events."""
        now = self.plain.feed.now
        assert now == self.fast.feed.now
        return Cursors(SECRET).seal_feed(now._replace(position=now.position - back))


@asynccontextmanager
async def two_paths(database_url: str, db: Database, folder: Path, callers: Callers) -> AsyncIterator[Paths]:
    async with AsyncExitStack() as stack:
        side = partial(_side, database_url, db, folder, callers)
        fast = await stack.enter_async_context(side(fan_out=True))
        plain = await stack.enter_async_context(side(fan_out=False, public_url=fast.served.url))
        yield Paths(fast, plain)


@asynccontextmanager
async def _side(
    database_url: str, db: Database, folder: Path, callers: Callers, **settings: Any
) -> AsyncIterator[Side]:
    made: dict[type, Any] = {}

    def remember(kind: type, *args: Any, **kwargs: Any) -> Any:
        made[kind] = kind(*args, **kwargs)
        return made[kind]

    async with AsyncExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("api.app.Feed", partial(remember, WatchedFeed))
            patch.setattr("api.app.Hub", partial(remember, WatchedHub))
            patch.setattr("api.app.Watchers", partial(Watchers, interval=3600))  # both would write down how many
            served = await stack.enter_async_context(running(database_url, db, folder, **settings))
        sockets = {viewer: await stack.enter_async_context(_socket(served, of)) for viewer, of in callers.items()}
        yield Side(served, made[WatchedFeed], made.get(WatchedHub), sockets)


@asynccontextmanager
async def _socket(served: Served, headers: Mapping[str, str]) -> AsyncIterator[Socket]:
    async with connect(
        served.sockets, subprotocols=[Subprotocol("graphql-transport-ws")], compression=None, max_size=None
    ) as wire:
        await wire.send(json.dumps({"type": "connection_init", "payload": headers}))
        assert json.loads(await wire.recv()) == {"type": "connection_ack"}
        socket = Socket(wire)
        listening = asyncio.create_task(socket.listen())
        yield socket
        listening.cancel()
