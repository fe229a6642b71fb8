"""GraphQL over HTTP as its draft prescribes: methods, media types, status codes, and the shape of refusals."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from api.graphql import GRAPHQL_JSON, JSON
from api.requests import MAX_BODY
from geo.db import Database
from geo.tables import upload
from tests.clients.caller import calling
from tests.conftest import Served, running
from tests.world import RESIDENT

pytestmark = pytest.mark.anyio

ROLE = "{ viewer { role } }"
ANSWER = {"data": {"viewer": {"role": "ANONYMOUS"}}}
MUTATION = 'mutation { createUpload(input: {contentType: "image/png"}) { __typename } }'
SUBSCRIPTION = 'subscription { reportEvents(area: {code: "WK051829"}) { __typename } }'
TYPED = "query($code: String) { area(code: $code) { code } }"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as http:
        yield http


def refusal(answer: httpx.Response, status: int, code: str = "InvalidRequest") -> dict[str, Any]:
    """The one error of a request that was not carried out, after checking that it says what was wrong."""
    assert (answer.status_code, list(answer.json())) == (status, ["errors"]), answer.text
    (error,) = answer.json()["errors"]
    assert error["message"]
    assert error["extensions"]["hint"]
    assert error["extensions"]["code"] == code
    found: dict[str, Any] = error
    return found


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL_JSON),
        ("text/xml", JSON),
    ],
)
async def test_answers_in_the_media_type_asked_for(
    shared: Served, client: httpx.AsyncClient, accept: str | None, media_type: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    answer = await client.post(shared.graphql, json={"query": ROLE}, headers=headers)
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert (answer.status_code, answer.json()) == (200, ANSWER)


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{", None),
        ("", None),
        ("{ nope }", None),
        ("{ ...nope }", None),
        (TYPED, {"code": 5}),
        (TYPED, {"code": ["x"]}),
        ("query A { viewer { role } } query B { viewer { role } }", None),
    ],
)
async def test_what_is_not_carried_out_has_no_data_and_400_in_the_newer_media_type(
    shared: Served, client: httpx.AsyncClient, document: str, variables: Any
) -> None:
    asked = {"query": document or " ", "variables": variables}
    older = await client.post(shared.graphql, json=asked)
    newer = await client.post(shared.graphql, json=asked, headers={"Accept": GRAPHQL_JSON})
    assert refusal(older, 200) == refusal(newer, 400)


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_what_fails_while_it_is_carried_out_is_200_with_data(
    shared: Served, client: httpx.AsyncClient, accept: str
) -> None:
    asked = {"query": '{ viewer { role } area(code: "NOPE") { code } }'}
    answer = await client.post(shared.graphql, json=asked, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.json()["data"] == {"viewer": {"role": "ANONYMOUS"}, "area": None}
    assert answer.json()["errors"][0]["path"] == ["area"]


async def test_an_operation_is_chosen_by_its_name(shared: Served, client: httpx.AsyncClient) -> None:
    document = "query A { viewer { role } } query B { viewer { areas } }"
    asked = {"query": document, "operationName": "B", "variables": None, "extensions": None}
    answer = await client.post(shared.graphql, json=asked)
    assert answer.json() == {"data": {"viewer": {"areas": []}}}
    refusal(await client.post(shared.graphql, json={"query": document, "operationName": "C"}), 400)


async def test_queries_may_come_by_get(shared: Served, client: httpx.AsyncClient) -> None:
    asked = {"query": TYPED, "variables": '{"code": "GM0518"}', "operationName": "", "extensions": "{}"}
    answer = await client.get(shared.graphql, params=asked, headers={"Accept": JSON})
    assert answer.json() == {"data": {"area": {"code": "GM0518"}}}
    refusal(await client.get(shared.graphql, headers={"Accept": JSON}), 400)
    refusal(await client.get(shared.graphql, params={"query": ROLE, "variables": "{"}), 400)
    refusal(await client.get(shared.graphql, params={"query": ROLE, "variables": "[]"}), 400)


async def test_a_mutation_by_get_is_refused_and_not_carried_out(shared: Served) -> None:
    async with calling(shared, RESIDENT) as anna:
        answer = await anna.http.get(shared.graphql, params={"query": MUTATION})
        refusal(answer, 405)
        assert answer.headers["allow"] == "POST"
        stream = await anna.http.get(
            shared.graphql, params={"query": MUTATION}, headers={"Accept": "text/event-stream"}
        )
        assert "InvalidRequest" in stream.text
    async with shared.db.read() as conn:
        assert await conn.scalar(select(func.count()).select_from(upload)) == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused(shared: Served, client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, shared.graphql, json={"query": ROLE})
    refusal(answer, 405)
    assert answer.headers["allow"] == "GET, POST"


async def test_a_subscription_needs_a_stream(shared: Served, client: httpx.AsyncClient) -> None:
    error = refusal(await client.post(shared.graphql, json={"query": SUBSCRIPTION}), 406)
    assert "text/event-stream" in error["extensions"]["hint"]


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "text/plain",
        "text/plain, application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/graphql",
        "application/json-patch+json",
        "application/json; charset=utf-16",
        "application/json; charset*=utf-16''x",
    ],
)
async def test_only_json_is_read_so_that_forms_of_other_sites_do_nothing(
    shared: Served, client: httpx.AsyncClient, media_type: str | None
) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    refusal(await client.post(shared.graphql, content=b'{"query": "{ viewer { role } }"}', headers=headers), 415)


@pytest.mark.parametrize("media_type", ["APPLICATION/JSON", "application/json;charset=UTF-8", "application/json; a=b"])
async def test_json_may_be_called_by_any_of_its_names(
    shared: Served, client: httpx.AsyncClient, media_type: str
) -> None:
    body = '{"query": "{ viewer { role } }", "variables": {"é": "é"}}'.encode()
    answer = await client.post(shared.graphql, content=body, headers={"Content-Type": media_type})
    assert answer.json() == ANSWER


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"5",
        b'"{ viewer { role } }"',
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'[{"query": "{ viewer { role } }"}]',
        b"[]",
        b"[" * 2_000,
        b"\xff\xfe",
        '{"query": "{ viewer { role } }"}'.encode("utf-16"),
        b'{"query": "{ viewer { role } }", "variables": {"a": NaN}}',
        b'{"query": "{ viewer { role } }", "variables": {"a": Infinity}}',
        b'{"query": "{ viewer { role } }", "variables": {"a": 1e999}}',
        b'{"query": "{ viewer { role } }", "variables": {"a": "\\ud800"}}',
        *(
            f'{{"query": "{{ viewer {{ role }} }}", "{name}": {value}}}'.encode()
            for name, values in {
                "query": ("1", "true", "[]", "{}"),
                "variables": ("1", '"x"', "[]", "false"),
                "operationName": ("1", "[]", "{}", "false"),
                "extensions": ("1", '"x"', "[]", "false"),
            }.items()
            for value in values
        ),
        b'{"query": "fragment A on Query { viewer { role } }"}',
        b'{"query": "type A { a: Int }"}',
    ],
)
async def test_what_is_no_request_is_400(shared: Served, client: httpx.AsyncClient, body: bytes) -> None:
    refusal(await client.post(shared.graphql, content=body, headers={"Content-Type": JSON}), 400)


async def test_a_large_body_is_refused(shared: Served, client: httpx.AsyncClient) -> None:
    body = b'{"query": "{ viewer { role } }", "x": "' + b"x" * (MAX_BODY - 41) + b'"}'
    assert len(body) == MAX_BODY
    answer = await client.post(shared.graphql, content=body, headers={"Content-Type": JSON})
    assert answer.json() == ANSWER

    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield body

    for larger in (body + b" ", unannounced()):
        answer = await client.post(shared.graphql, content=larger, headers={"Content-Type": JSON})
        refusal(answer, 413, "BodyTooLarge")


async def test_a_caller_that_hangs_up_harms_nobody(shared: Served, client: httpx.AsyncClient) -> None:
    port = int(shared.url.rpartition(":")[2])
    _, half = await asyncio.open_connection("127.0.0.1", port)
    half.write(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
    await half.drain()
    half.transport.abort()
    assert (await client.post(shared.graphql, json={"query": ROLE})).json() == ANSWER


async def test_pages_of_other_sites_may_call_only_where_that_is_allowed(
    database_url: str, world: Database, tmp_path: Path, client: httpx.AsyncClient
) -> None:
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}
    friend, stranger = "https://kaart.example", "https://elders.example"
    async with running(database_url, world, tmp_path, allowed_origins=[friend]) as served:
        for origin, allowed in ((friend, friend), (stranger, None)):
            headers = {"Origin": origin}
            before = await client.options(served.graphql, headers=headers | asking)
            assert before.headers.get("access-control-allow-origin") == allowed
            assert before.is_success is (allowed is not None)
            headers["Authorization"] = "Bearer nonsense"
            answer = await client.post(served.graphql, json={"query": ROLE}, headers=headers)
            assert answer.status_code == 401, "a page can read what was wrong, too"
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert "access-control-allow-credentials" not in answer.headers
