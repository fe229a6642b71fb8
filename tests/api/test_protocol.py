"""graphql-transport-ws while the hub serves subscriptions together: ids, and how sockets end."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy.pool import QueuePool

from geo.db import Database
from schema.hub import Hub
from tests.api.insides import is_empty, until
from tests.clients.caller import Caller, calling
from tests.clients.line import ANSWER, COME_BACK, INIT, ROLE, WATCH, ask, event_of, greeted, line
from tests.conftest import Served, running
from tests.world import INSIDE, RESIDENT, submit

pytestmark = pytest.mark.anyio


@pytest.fixture
async def anna(server: Served) -> AsyncIterator[Caller]:
    async with calling(server, RESIDENT) as caller:
        yield caller


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
    ("broken", "document", "with_code"),
    [
        ("schema.hub.Hub.join", WATCH, 1013),  # it comes back, and may find us well again
        ("schema.live.ReportListener.look", WATCH, 1013),
        ("schema.live.ReportListener.tell", WATCH, 1013),
        ("schema.cohorts.Cohort.at_once", WATCH, 1013),
        ("strawberry.Schema.stream", ROLE, 4500),
    ],
)
async def test_what_breaks_on_our_side_closes_with_a_number(
    server: Served, anna: Caller, monkeypatch: pytest.MonkeyPatch, broken: str, document: str, with_code: int
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
    assert code == with_code
    assert re.match(r"Something went wrong on our side.* number.* [0-9a-f]{12}\.", reason)


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
