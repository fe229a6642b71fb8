"""graphql-transport-ws while the hub serves subscriptions together: ids, endings, and clients that do not keep up."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from sqlalchemy.pool import QueuePool

from api.outbox import Outbox
from api.wire import Wire
from geo.db import Database
from schema.hub import Hub
from tests.clients.caller import Caller, calling
from tests.clients.line import INIT, Line, ask, greeted, line
from tests.conftest import Served, running
from tests.world import INSIDE, RESIDENT, submit

pytestmark = pytest.mark.anyio

ROLE = "{ viewer { role } }"
WATCH = """subscription($area: AreaInput = {code: "WK051829"}, $after: Cursor) {
  reportEvents(area: $area, after: $after) {
    ... on ReportEvent { cursor reportId version report { description } }
  }
}"""
LONG = "ë" * 4_000
BUFFER = 4_096  # bytes, of either end of a narrow line
COME_BACK = r"Come back after (\d\.\d) s\.$"
ANSWER = {"data": {"viewer": {"role": "ANONYMOUS"}}}


@pytest.fixture
def hubs(monkeypatch: pytest.MonkeyPatch) -> list[Hub]:
    """The hubs of the servers, in the order they were started."""
    return remembered(monkeypatch, "api.app.Hub", Hub)


@pytest.fixture
def outboxes(monkeypatch: pytest.MonkeyPatch) -> list[Outbox]:
    """The server's ends of all sockets, in the order they were opened, each with little room for what is not read."""
    connection_made = Wire.connection_made

    def narrow(wire: Wire, transport: Any) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        connection_made(wire, transport)

    monkeypatch.setattr(Wire, "connection_made", narrow)
    return remembered(monkeypatch, "api.sockets.Outbox", Outbox)


def remembered(monkeypatch: pytest.MonkeyPatch, path: str, kind: type[Any]) -> list[Any]:
    made: list[Any] = []

    class Remembered(kind):  # type: ignore[misc]
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(path, Remembered)
    return made


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


async def until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)


def event_of(message: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = message["payload"]["data"]["reportEvents"]
    return found


def is_empty(hub: Hub) -> bool:
    groups = hub.groups
    kept = groups._by_key, groups._areas, groups._topics, groups._of_cohort, groups._cohorts
    return not any(len(part) for part in kept)


def joined(hub: Hub) -> int:
    return sum(len(group.members) for group in hub.groups)


async def test_an_id_that_the_hub_serves_is_in_use(hubs: list[Hub], server: Served) -> None:
    async with greeted(server) as caller:
        await caller.say(ask(WATCH))
        await until(lambda: joined(hubs[0]))
        await caller.say(ask(ROLE))
        assert await caller.closed() == (4409, "Subscriber for 1 already exists")
    await until(lambda: is_empty(hubs[0]))


async def test_an_id_is_free_as_soon_as_its_operation_is_completed(
    hubs: list[Hub], server: Served, anna: Caller
) -> None:
    complete = {"type": "complete", "id": "1"}
    async with greeted(server) as caller:
        await caller.say(*[ask(WATCH), complete] * 20, ask(WATCH))
        await until(lambda: joined(hubs[0]) == 1)
        await caller.say(complete, ask(WATCH), complete, ask(WATCH), {"type": "ping"})
        assert await caller.hear() == {"type": "pong"}
        await until(lambda: joined(hubs[0]) == 1)
        made = await anna.submit(INSIDE)
        assert event_of(await caller.hear())["reportId"] == made
        await caller.say(complete, complete, ask(ROLE))
        assert (await caller.hear())["payload"] == ANSWER
        await anna.submit(INSIDE)
        await caller.say({"type": "ping"})
        assert [(await caller.hear())["type"] for _ in range(2)] == ["complete", "pong"]
        assert is_empty(hubs[0])


async def test_a_replay_ends_where_it_is_completed(
    hubs: list[Hub], outboxes: list[Outbox], server: Served, anna: Caller
) -> None:
    after = await anna.now({"code": "WK051829"})
    for _ in range(60):
        await submit(server.db, description=LONG)
    async with narrow_line(server) as caller:
        await caller.say(ask(WATCH, variables={"after": after}))
        assert event_of(await caller.hear())["version"] == 1
        assert not hubs[0]._replays.locked()
        assert outboxes[0]._wire.congested
        await caller.say({"type": "complete", "id": "1"}, ask(ROLE))
        heard = 1
        while (payload := (await caller.hear())["payload"]) != ANSWER:
            assert payload["data"]["reportEvents"]
            heard += 1
        assert heard < 30
        assert await caller.hear() == {"id": "1", "type": "complete"}
        assert is_empty(hubs[0])


async def test_a_thousand_subscriptions_that_come_and_go_leave_nothing_behind(
    hubs: list[Hub], server: Served, anna: Caller
) -> None:
    done = asyncio.Event()

    async def keep_submitting() -> None:
        while not done.is_set():
            await anna.submit(INSIDE)

    async def come_and_go(number: int) -> None:
        async with greeted(server, server.headers(RESIDENT) if number % 2 else None) as caller:
            for turn in range(100):
                around = {"around": {"point": INSIDE._asdict(), "metres": 100 + turn}}
                await caller.say(ask(WATCH, str(turn), variables={"area": around if turn % 3 else {"code": "GM0518"}}))
                if turn % 4:
                    await caller.say({"type": "ping"})
                    while (await caller.hear())["type"] != "pong":
                        pass
                if turn % 5:
                    await caller.say({"type": "complete", "id": str(turn)})
            if number % 3:
                caller.socket.transport.abort()

    writing = asyncio.create_task(keep_submitting())
    await asyncio.gather(*map(come_and_go, range(10)))
    done.set()
    await writing
    await until(lambda: is_empty(hubs[0]))


async def test_what_is_remembered_is_read_anew_without_harm(hubs: list[Hub], server: Served) -> None:
    """Payloads are made of what is at hand; to find that something is not must not break off a read of the database."""
    document = WATCH.replace("{ description }", "{ category { name } }")
    async with greeted(server) as caller:
        await caller.say(ask(document))
        await until(lambda: joined(hubs[0]))
        services = hubs[0]._services
        for _ in range(3):
            services.categories._kept.clear()
            await submit(server.db)
            assert event_of(await caller.hear())["report"] == {"category": {"name": "Glas op straat"}}
    await until(lambda: cast("QueuePool", services.db.engine.pool).checkedout() == 0)


@pytest.mark.parametrize(
    ("broken", "document"),
    [
        ("schema.hub.Hub.join", WATCH),
        ("schema.live.ReportListener.look", WATCH),
        ("schema.live.ReportListener.tell", WATCH),
        ("schema.cohorts.Cohort.at_once", WATCH),
        ("strawberry.Schema.stream", ROLE),
    ],
)
async def test_what_breaks_on_our_side_closes_with_a_number(
    server: Served, anna: Caller, monkeypatch: pytest.MonkeyPatch, broken: str, document: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("This is ours to know.")

    monkeypatch.setattr(broken, fail)
    async with greeted(server) as caller:
        await caller.say(ask(document), {"type": "ping"})
        ended = asyncio.create_task(caller.closed())
        while not ended.done():
            await anna.submit(INSIDE)
        code, reason = await ended
    assert code == 4500
    assert re.fullmatch(r"Something went wrong on our side\. Tell us this number: [0-9a-f]{12}\.", reason)


async def test_a_server_that_is_full_says_when_to_come_back(database_url: str, world: Database, tmp_path: Path) -> None:
    async with running(database_url, world, tmp_path, max_sockets=2) as served, greeted(served):
        async with greeted(served), line(served) as third:
            await third.say(INIT)
            code, reason = await third.closed()
            assert code == 1013
            assert re.search(COME_BACK, reason)
        async with greeted(served) as caller:
            await caller.say(ask(ROLE))
            assert (await caller.hear())["payload"] == ANSWER


async def test_a_server_that_stops_says_when_to_come_back(database_url: str, world: Database, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with running(database_url, world, tmp_path) as served:
            callers = [await stack.enter_async_context(greeted(served)) for _ in range(8)]
        ends = [await caller.closed() for caller in callers]
    assert {code for code, _ in ends} == {1012}
    moments = [found[1] for _, reason in ends if (found := re.search(COME_BACK, reason))]
    assert len(moments) == 8
    assert len(set(moments)) > 1, "not all at the same moment"


async def test_the_server_shows_now_and_then_that_it_is_there(
    database_url: str, world: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.open_sockets.PING_SECONDS", 0.05)
    async with running(database_url, world, tmp_path) as served, greeted(served) as caller:
        for _ in range(3):
            assert await caller.hear() == {"type": "ping"}
            await caller.say({"type": "pong"})


async def test_of_what_a_client_did_not_read_it_gets_the_latest_of_each_report(
    outboxes: list[Outbox], server: Served, anna: Caller
) -> None:
    async with narrow_line(server) as caller:
        await caller.say(ask(WATCH), ask(ROLE, "2"))
        assert (await caller.hear())["id"] == (await caller.hear())["id"] == "2"
        made = [await anna.submit(INSIDE, LONG)]
        assert event_of(await caller.hear())["reportId"] == made.pop()
        while not outboxes[0]._waiting:
            made.append(await anna.submit(INSIDE, LONG))
            await asyncio.sleep(0)
        often = await anna.submit(INSIDE, LONG)
        for _ in range(4):
            await anna.mutate("addEvidence", reportId=often, remark="Het ligt er nog")
        made.append(await anna.submit(INSIDE, LONG))
        await until(lambda: len(outboxes[0]._waiting or ()) >= 3)
        heard: list[dict[str, Any]] = []
        while not heard or event_of(heard[-1])["reportId"] != made[-1]:
            heard.append(await caller.hear())
    assert [event_of(message)["reportId"] for message in heard] == [*made[:-1], often, made[-1]]
    assert event_of(heard[-2])["version"] == 5
    assert heard[-2]["payload"]["extensions"] == {"coalesced": 4}
    assert all("extensions" not in message["payload"] for message in (*heard[:-2], heard[-1]))


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
        with pytest.raises(Exception) as end:  # noqa: PT011
            await hear(caller)
    closed = end.value.rcvd  # type: ignore[attr-defined]
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
        await until(lambda: outboxes[0]._wire.congested)
        await anna.now({"code": "WK051829"})  # by then others would have been answered too
        for _ in range(2):
            outboxes[0].send(b'{"type":"ping"', b"", "ping")
        assert len(outboxes[0]._waiting or ()) <= 2
        kinds = [(await caller.hear())["type"] for _ in range(101)]
    assert sorted(kinds) == ["complete"] * 50 + ["next"] * 50 + ["ping"]
