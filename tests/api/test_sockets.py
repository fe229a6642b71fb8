"""graphql-transport-ws as its protocol prescribes: who may open a socket, what closes it and with which code."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets import InvalidStatus

from api.sockets import MAX_REASON
from geo.db import Database
from geo.models import Role
from tests.clients.line import INIT, ask, greeted, line
from tests.conftest import Served, running
from tests.world import INSIDE, RESIDENT

pytestmark = pytest.mark.anyio

ROLE = "{ viewer { role rateLimit { limit } } }"
WATCH = 'subscription { reportEvents(area: {code: "WK051829"}) { __typename } }'


@pytest.mark.parametrize("protocol", ["graphql-ws", "soap", None])
async def test_other_protocols_are_refused(shared: Served, protocol: str | None) -> None:
    async with line(shared, protocol) as caller:
        assert await caller.closed() == (4406, "Subprotocol not acceptable")


@pytest.mark.parametrize(
    "message",
    [
        "nonsense",
        b"\x00\x01",
        "[]",
        "5",
        '{"type": "connection_init", "payload": {"a": NaN}}',
        '{"type": "connection_init", "payload": {"a": "\\ud800"}}',
        "[" * 2_000,
        {},
        {"type": 5},
        {"type": ["connection_init"]},
        {"type": "start", "id": "1", "payload": {"query": ROLE}},
        {"type": "é" * 500},
        {"type": "connection_init", "payload": "Bearer"},
        {"type": "connection_init", "payload": []},
        {"type": "ping", "payload": 5},
        {"type": "subscribe"},
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "id": 1, "payload": {"query": ROLE}},
        {"type": "subscribe", "id": "", "payload": {"query": ROLE}},
        {"type": "subscribe", "payload": {"query": ROLE}},
        {"type": "subscribe", "id": "1", "payload": {"query": 5}},
        {"type": "subscribe", "id": "1", "payload": {"query": ROLE, "variables": []}},
        {"type": "subscribe", "id": "1", "payload": {"query": ROLE, "operationName": 5}},
        {"type": "complete"},
        {"type": "complete", "id": 1},
    ],
    ids=lambda message: str(message)[:40],
)
async def test_malformed_messages_close_the_socket(shared: Served, message: object) -> None:
    async with line(shared) as caller:
        await caller.say(message)
        code, reason = await caller.closed()
        assert code == 4400
        assert 0 < len(reason.encode()) <= MAX_REASON


async def test_nothing_is_answered_before_the_greeting(shared: Served) -> None:
    async with line(shared) as caller:
        await caller.say(ask(ROLE))
        assert await caller.closed() == (4401, "Unauthorized")


async def test_who_does_not_greet_is_sent_away(
    database_url: str, world: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.graphql.INIT_TIMEOUT", timedelta(seconds=0.1))
    async with running(database_url, world, tmp_path) as served, line(served) as caller:
        assert await caller.closed() == (4408, "Connection initialisation timeout")


async def test_one_greeting_is_enough(shared: Served) -> None:
    async with greeted(shared) as caller:
        await caller.say({**INIT, "payload": {"Authorization": "Bearer of nothing"}})  # not even looked at
        assert await caller.closed() == (4429, "Too many initialisation requests")


async def test_an_id_is_used_for_one_operation_at_a_time(shared: Served) -> None:
    async with greeted(shared) as caller:
        for _ in range(2):  # one after the other is fine
            await caller.say(ask(ROLE))
            assert (await caller.hear())["payload"] == {"data": {"viewer": {"role": "ANONYMOUS", "rateLimit": None}}}
            assert await caller.hear() == {"id": "1", "type": "complete"}
        await caller.say(ask(WATCH, "x" * 500), ask(WATCH, "x" * 500))
        code, reason = await caller.closed()
        assert code == 4409
        assert len(reason) == MAX_REASON


async def test_pings_are_answered(shared: Served) -> None:
    async with line(shared) as caller:
        await caller.say({"type": "ping"}, INIT, {"type": "pong"}, {"type": "ping", "payload": {"a": 1}})
        assert [(await caller.hear())["type"] for _ in range(3)] == ["pong", "connection_ack", "pong"]


async def test_mutations_are_carried_out_and_subscriptions_told_of_them(shared: Served) -> None:
    document = "mutation($input: SubmitReportInput!) { submitReport(input: $input) { __typename } }"
    draft = {"category": "glas", "description": "Glas", "location": INSIDE._asdict(), "confirmNew": True}
    async with greeted(shared, shared.headers(RESIDENT)) as caller:
        await caller.say(ask(WATCH, "watch"), ask(document, "submit", variables={"input": draft}))
        heard = [await caller.hear() for _ in range(3)]
        by_id = {
            name: [m.get("payload", {}).get("data") for m in heard if m["id"] == name] for name in ("submit", "watch")
        }
        assert by_id == {
            "submit": [{"submitReport": {"__typename": "ReportSubmitted"}}, None],
            "watch": [{"reportEvents": {"__typename": "ReportSubmitted"}}],
        }
        await caller.say({"type": "complete", "id": "watch"}, ask(document, "again", variables={"input": draft}))
        assert [(await caller.hear())["id"] for _ in range(2)] == ["again", "again"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"query": "subscription {"}, "InvalidRequest"),
        ({"query": "{" + "x" * 500 + "("}, "InvalidRequest"),
        ({"query": ""}, "InvalidRequest"),
        ({"query": "fragment A on Query { viewer { role } }"}, "InvalidRequest"),
        ({"query": ROLE, "operationName": "Nope"}, "InvalidRequest"),
        ({"query": "query A { viewer { role } } query B { viewer { role } }"}, "InvalidRequest"),
        ({"query": "{ nope }"}, "InvalidRequest"),
        ({"query": "subscription($a: AreaInput!) { reportEvents(area: $a) { __typename } }"}, "InvalidRequest"),
        ({"query": 'subscription { reportEvents(area: {code: "NOPE"}) { __typename } }'}, "UnknownArea"),
        (
            {"query": 'subscription { reportEvents(area: {code: "WK051829"}, after: "x") { __typename } }'},
            "InvalidCursor",
        ),
        ({"query": 'subscription { report(id: "x") { __typename } }'}, "InvalidId"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_an_operation_that_fails_ends_by_itself_with_a_named_error(
    shared: Served, asked: dict[str, Any], code: str
) -> None:
    async with greeted(shared) as caller:
        await caller.say({"type": "subscribe", "id": "bad", "payload": asked})
        told = await caller.hear()
        assert (told["id"], told["type"]) == ("bad", "error")
        (error,) = told["payload"]
        assert error["extensions"]["code"] == code
        assert error["extensions"]["hint"]
        await caller.say(ask(ROLE, "bad"))
        assert (await caller.hear())["type"] == "next", "the socket goes on, and the id is free again"


async def test_a_socket_carries_so_many_operations(shared: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.sockets.MAX_OPERATIONS", 2)
    async with greeted(shared) as caller:
        await caller.say(ask(WATCH, "1"), ask(WATCH, "2"), ask(WATCH, "3"))
        told = await caller.hear()
        assert (told["id"], told["payload"][0]["extensions"]["code"]) == ("3", "TooManyOperations")
        await caller.say({"type": "complete", "id": "1"}, ask(ROLE, "4"))
        assert (await caller.hear())["type"] == "next"


async def test_a_large_message_closes_the_socket(shared: Served) -> None:
    async with greeted(shared) as caller:
        await caller.say(ask(ROLE + "#" * 300_000))
        assert (await caller.closed())[0] == 1009


@pytest.mark.parametrize("token", ["", "Bearer nonsense", "Basic abc", ["Bearer"], None])
async def test_a_token_that_is_not_ours_closes_the_socket(shared: Served, token: Any) -> None:
    async with line(shared) as caller:
        await caller.say({**INIT, "payload": {"Authorization": token, "Bart-Resident": "x"}})
        code, reason = await caller.closed()
        assert code == 4401
        assert reason


async def test_a_socket_ends_with_its_token(shared: Served) -> None:
    token = shared.tokens.mint(
        Role.OFFICER, subject="desk", organisation="g", areas=frozenset(), lifetime=timedelta(seconds=2)
    )
    ends = shared.tokens.viewer({"authorization": f"Bearer {token}"}).expires_at
    assert ends is not None
    async with greeted(shared, {"authorization": f"Bearer {token}"}) as caller:
        await caller.say(ask(ROLE))
        assert (await caller.hear())["payload"]["data"]["viewer"]["role"] == "OFFICER"
        assert await caller.closed() == (4401, "This token has expired.")
        assert abs(datetime.now(UTC) - ends) < timedelta(seconds=1)
    async with line(shared) as caller:
        await caller.say({**INIT, "payload": {"authorization": f"Bearer {token}"}})
        assert await caller.closed() == (4401, "This token has expired.")


async def test_pages_of_other_sites_may_open_a_socket_only_where_that_is_allowed(
    database_url: str, world: Database, tmp_path: Path
) -> None:
    friend, stranger = "https://kaart.example", "https://elders.example"
    async with running(database_url, world, tmp_path, allowed_origins=[friend]) as served:
        for origin in (None, served.url, friend):
            async with line(served, origin=origin) as caller:
                await caller.say(INIT)
                assert await caller.hear() == {"type": "connection_ack"}
        for origin in (stranger, "null", f"{friend}.elders.example", f"{served.url}0"):
            with pytest.raises(InvalidStatus) as refused:
                async with line(served, origin=origin):
                    pass
            assert refused.value.response.status_code == 403


async def test_open_sockets_are_counted(server: Served) -> None:
    async def count() -> str:
        metrics = (await http.get(f"{server.url}/metrics")).text
        return next(row for row in metrics.splitlines() if row.startswith("bart_sockets "))

    async with httpx.AsyncClient() as http:
        async with greeted(server), greeted(server):
            assert await count() == "bart_sockets 2.0"
        async with asyncio.timeout(10):
            while await count() != "bart_sockets 0.0":
                pass
