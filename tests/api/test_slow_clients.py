"""Clients that do not keep up: they get the latest of each report, or are let go and resume."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets import ConnectionClosed

from api.outbox import Outbox
from api.wire import Wire
from schema.hub import Hub
from tests.api.insides import is_empty, remembered, until
from tests.clients.caller import Caller, calling
from tests.clients.line import ANSWER, COME_BACK, INIT, ROLE, WATCH, Line, ask, event_of, greeted, line
from tests.conftest import Served
from tests.world import INSIDE, RESIDENT, submit

pytestmark = pytest.mark.anyio

LONG = "ë" * 4_000
BUFFER = 4_096  # bytes, of either end of a narrow line


@pytest.fixture
def outboxes(monkeypatch: pytest.MonkeyPatch) -> list[Outbox]:
    """The server's ends of all sockets, in the order they were opened, each with little room for what is not read."""
    connection_made = Wire.connection_made

    def narrow(wire: Wire, transport: Any) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        connection_made(wire, transport)

    monkeypatch.setattr(Wire, "connection_made", narrow)
    return remembered(monkeypatch, "api.sockets.Outbox", Outbox)


@pytest.fixture
async def anna(server: Served) -> AsyncIterator[Caller]:
    async with calling(server, RESIDENT) as caller:
        yield caller


@asynccontextmanager
async def narrow_line(served: Served) -> AsyncIterator[Line]:
    """A greeted line whose client takes in little that it has not read yet."""
    end = socket.socket()
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    end.connect((urlsplit(served.url).hostname, urlsplit(served.url).port))
    end.setblocking(False)
    async with line(served, sock=end, compression=None, max_queue=1, ping_interval=None) as caller:
        await caller.say(INIT)
        await caller.hear()
        yield caller
        caller.socket.transport.abort()


def unread(outbox: Outbox) -> int:
    """Bytes that the transport keeps."""
    return int(outbox._wire.transport.get_write_buffer_size())


async def test_a_replay_ends_where_it_is_completed(
    hubs: list[Hub], outboxes: list[Outbox], server: Served, anna: Caller
) -> None:
    after = await anna.now({"code": "WK051829"})
    for _ in range(60):
        await submit(server.db, description=LONG)
    async with narrow_line(server) as caller:
        await caller.say(ask(WATCH, variables={"after": after}))
        assert event_of(await caller.hear())["version"] == 1
        await until(lambda: unread(outboxes[0]))
        await caller.say({"type": "complete", "id": "1"}, ask(ROLE))
        heard = 1
        while (payload := (await caller.hear())["payload"]) != ANSWER:
            assert payload["data"]["reportEvents"]
            heard += 1
        assert heard < 30
        assert await caller.hear() == {"id": "1", "type": "complete"}
        assert is_empty(hubs[0])


async def test_of_what_a_client_did_not_read_it_gets_the_latest_of_each_report(
    outboxes: list[Outbox], server: Served, anna: Caller
) -> None:
    async with narrow_line(server) as caller:
        await caller.say(ask(WATCH), ask(ROLE, "2"))
        assert (await caller.hear())["id"] == (await caller.hear())["id"] == "2"
        made: list[str] = []
        caller.socket.transport.pause_reading()
        while not outboxes[0]._waiting:
            made.append(await anna.submit(INSIDE, LONG))
            await asyncio.sleep(0)
        often = await anna.submit(INSIDE, LONG)
        for _ in range(4):
            await anna.mutate("addEvidence", reportId=often, remark="Het ligt er nog")
        made.append(await anna.submit(INSIDE, LONG))
        await until(lambda: len(outboxes[0]._waiting or ()) >= 3)
        caller.socket.transport.resume_reading()
        told: dict[str, list[int]] = {}
        coalesced = 0
        while made[-1] not in told:
            message = await caller.hear()
            event, stands_for = event_of(message), message["payload"].get("extensions", {"coalesced": 0})["coalesced"]
            told.setdefault(event["reportId"], []).extend(range(event["version"] - stands_for, event["version"] + 1))
            coalesced += stands_for
    assert list(told) == [*made[:-1], often, made[-1]]
    assert told == {key: [1] for key in made} | {often: [1, 2, 3, 4, 5]}
    assert coalesced


async def test_a_client_that_reads_too_slowly_is_let_go_and_resumes(
    outboxes: list[Outbox], server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.outbox.MAX_WAITING", 64 * 1024)
    heard: list[dict[str, Any]] = []

    async def hear(caller: Line) -> None:
        while len(heard) < len(made):
            heard.append(event_of(await caller.hear()))

    async with narrow_line(server) as caller:
        await caller.say(ask(WATCH), ask(ROLE, "2"))
        assert (await caller.hear())["id"] == (await caller.hear())["id"] == "2"
        made = [await submit(server.db, description=LONG) for _ in range(40)]
        await until(lambda: outboxes[0]._wire.ended)
        with pytest.raises(ConnectionClosed) as end:
            await hear(caller)
    closed = end.value.rcvd
    assert closed
    assert closed.code == 1013
    assert re.search(COME_BACK, closed.reason)
    assert 0 < len(heard) < len(made)
    async with greeted(server) as caller:
        await caller.say(ask(WATCH, variables={"after": heard[-1]["cursor"]}))
        await hear(caller)
    assert [event["report"]["description"] for event in heard] == [LONG] * len(made)
    assert len({event["reportId"] for event in heard}) == len(made)


async def test_answers_wait_until_they_are_read(outboxes: list[Outbox], server: Served, anna: Caller) -> None:
    for _ in range(10):
        await submit(server.db, description=LONG)
    document = '{ reports(area: {code: "WK051829"}) { nodes { description } } }'
    async with narrow_line(server) as caller:
        await caller.say(*(ask(document, str(number)) for number in range(50)))
        await until(lambda: unread(outboxes[0]))
        await anna.now({"code": "WK051829"})  # by then others would have been answered too
        for _ in range(2):
            outboxes[0].send(b'{"type":"ping"', b"", "ping")
        assert len(outboxes[0]._waiting or ()) <= 2
        kinds = [(await caller.hear())["type"] for _ in range(101)]
    assert sorted(kinds) == ["complete"] * 50 + ["next"] * 50 + ["ping"]
