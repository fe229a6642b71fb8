"""Subscriptions over plain HTTP, at the same address: server-sent events and multipart, and how they end."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from websockets import ConnectionClosed, Subprotocol, connect

from geo.db import Database
from geo.models import Role
from tests.clients.caller import calling
from tests.conftest import Served
from tests.process import serving
from tests.world import INSIDE, RESIDENT

pytestmark = pytest.mark.anyio

WATCH = """subscription($after: Cursor) {
  reportEvents(area: {code: "WK051829"}, after: $after) { ... on ReportEvent { reportId } ... on Resync { reason } }
}"""
ACCEPT = {
    "sse": "text/event-stream",
    "multipart": 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json',
}
streams = pytest.mark.parametrize("kind", list(ACCEPT))


@asynccontextmanager
async def following(
    url: str, kind: str, *, document: str = WATCH, method: str = "POST", headers: dict[str, str] | None = None
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The results of a subscription as they come, read out of either kind of stream."""
    asked: dict[str, Any] = {"json": {"query": document}} if method == "POST" else {"params": {"query": document}}
    headers = {"Accept": ACCEPT[kind], **(headers or {})}
    async with (
        httpx.AsyncClient(timeout=30) as http,
        http.stream(method, url, headers=headers, **asked) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(ACCEPT[kind].partition(";")[0])

        async def results() -> AsyncIterator[dict[str, Any]]:
            async for row in answer.aiter_lines():
                if kind == "sse" and (found := re.fullmatch(r"data: (.+)", row)):
                    yield json.loads(found[1])
                if kind == "multipart" and row.startswith('{"payload"'):
                    yield json.loads(row)["payload"]

        yield results()


@streams
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_stream_tells_what_happens(server: Served, kind: str, method: str) -> None:
    async with calling(server, RESIDENT) as anna, following(server.graphql, kind, method=method) as results:
        made = [await anna.submit(INSIDE) for _ in range(2)]
        async with asyncio.timeout(20):
            told = [(await anext(results))["data"]["reportEvents"]["reportId"] for _ in made]
    assert told == made


@streams
@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("subscription {", "InvalidRequest"),
        ("subscription { nope }", "InvalidRequest"),
        ('subscription { reportEvents(area: {code: "NOPE"}) { __typename } }', "UnknownArea"),
    ],
)
async def test_a_subscription_that_cannot_begin_says_why_and_ends(
    shared: Served, kind: str, document: str, code: str
) -> None:
    async with following(shared.graphql, kind, document=document) as results:
        (only,) = [result async for result in results]
    assert list(only) == ["errors"]
    assert [error["extensions"]["code"] for error in only["errors"]] == [code]


async def test_server_sent_events_carry_queries_too(shared: Served) -> None:
    async with following(shared.graphql, "sse", document="{ viewer { role } }") as results:
        assert [result async for result in results] == [{"data": {"viewer": {"role": "ANONYMOUS"}}}]


@pytest.mark.parametrize("accept", ["multipart/mixed; subscriptionSpec*=utf-8''1.0", "multipart/mixed;;=", "é", ""])
async def test_strange_accept_headers_get_a_plain_answer(shared: Served, accept: str) -> None:
    async with httpx.AsyncClient() as http:
        headers = httpx.Headers({b"Accept": accept.encode("latin-1")})
        answer = await http.post(shared.graphql, json={"query": "{ viewer { role } }"}, headers=headers)
    assert answer.json() == {"data": {"viewer": {"role": "ANONYMOUS"}}}


@streams
async def test_a_stream_ends_with_its_token_and_says_so(shared: Served, kind: str) -> None:
    token = shared.tokens.mint(
        Role.RESIDENT, subject="anna", organisation="g", areas=frozenset(), lifetime=timedelta(seconds=2)
    )
    async with asyncio.timeout(10):
        async with following(shared.graphql, kind, headers={"Authorization": f"Bearer {token}"}) as results:
            (only,) = [result async for result in results]
    assert only["errors"][0]["extensions"]["code"] == "TokenExpired"
    async with httpx.AsyncClient() as http:
        headers = {"Accept": ACCEPT[kind], "Authorization": f"Bearer {token}"}
        answer = await http.post(shared.graphql, json={"query": WATCH}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "TokenExpired")


async def test_a_server_that_is_told_to_stop_ends_in_order(database_url: str, world: Database, tmp_path: Path) -> None:
    """Sockets are closed with 1012, streams end, what is being carried out is finished, and the log has no error."""
    async with serving(database_url, world, tmp_path) as (served, server), calling(served) as caller:
        async with (
            connect(served.sockets, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as ws,
            following(served.graphql, "sse") as events,
            following(served.graphql, "multipart") as parts,
            world.engine.connect() as holder,
        ):
            await ws.send('{"type": "connection_init"}')
            await ws.recv()
            await ws.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": WATCH}}))
            await holder.execute(text("LOCK TABLE report IN ACCESS EXCLUSIVE MODE"))
            slow = asyncio.create_task(caller.now({"code": "WK051829"}))
            waiting = text("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'report'::regclass")
            async with asyncio.timeout(10):
                while not (await holder.execute(waiting)).first():
                    pass
            server.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as end:
                await ws.recv()
            assert end.value.rcvd
            assert end.value.rcvd.code == 1012
            assert not slow.done()
            await holder.rollback()
            assert await slow
            async with asyncio.timeout(4):  # sooner than the server would lose its patience
                assert [result async for result in events] == [result async for result in parts] == []
        async with asyncio.timeout(10):
            assert await server.wait() == 0
    assert '"level": "error"' not in (tmp_path / "log").read_text()
