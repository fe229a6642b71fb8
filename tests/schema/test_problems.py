"""What a mutation cannot do it answers with a named problem that says what, where and what would be right, and it
stores nothing."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from geo.models import ReportStatus
from geo.tables import metadata
from geo.viewer import ANONYMOUS, Viewer
from schema.nodes import make_id
from tests.clients.caller import Json, calling
from tests.conftest import Served
from tests.world import INSIDE, NEIGHBOUR, OFFICER, RESIDENT, submit

pytestmark = pytest.mark.anyio

DRAFT: Json = {"category": "glas", "description": "Glas", "location": {"lon": 4.295, "lat": 52.065}, "confirmNew": True}
RTL = "veilig \u202egnurhcs\u202c"
TEXTS = ["", " \n\t ", "\u200b\u2060", "x" * 4_001, "x" * 100_000]
TEXTS += ["a\x00b", "a\x1b[31m", "a\x7fb", "a\rb", "\u2066a", RTL]
KEYS = ["", "short", "x" * 129, "é" * 16, "x" * 15 + "\n", "x" * 15 + "\x00"]
NO_IDS = ["", "x", "////", "é", "\x00", str(uuid4()), make_id("Area", "GM0518"), make_id("Category", "glas")]
NO_IDS += [make_id("Report", key) for key in ("", "5", "GM0518", "\x00", "x" * 10_000)]
NO_IDS += [base64.b64encode(raw).decode() for raw in (b"Report", b"Report:\xff\xfe", b":" * 50)]


async def rows(served: Served) -> dict[str, int]:
    """How many rows there are in each table."""
    async with served.db.read() as conn:
        return {
            name: await conn.scalar(select(func.count()).select_from(table)) or 0
            for name, table in metadata.tables.items()
        }


@asynccontextmanager
async def nothing_stored(served: Served) -> AsyncIterator[None]:
    before = await rows(served)
    yield
    assert await rows(served) == before


async def refused(served: Served, viewer: Viewer, name: str, given: Json, **headers: str) -> Json:
    """The problem that a mutation answers with, after checking that it is whole and that nothing was stored."""
    allowed = "... on TransitionNotAllowed { allowed }" if name == "changeStatus" else ""
    document = f"""mutation($input: {name[0].upper()}{name[1:]}Input!) {{
        {name}(input: $input) {{ __typename ... on Problem {{ code message path hint }} {allowed} }}
    }}"""
    async with nothing_stored(served), calling(served, viewer) as caller:
        asked = {"query": document, "variables": {"input": given}}
        answer = await caller.http.post(served.graphql, json=asked, headers=headers)
    assert answer.status_code == 200
    assert "errors" not in answer.json(), answer.text
    problem: Json = answer.json()["data"][name]
    assert problem["code"] == problem.pop("__typename")
    assert problem["message"]
    assert problem["hint"]
    assert len(answer.content) < 2_000, "it does not send back what it was sent"
    return problem


@pytest.fixture(scope="module")
async def report(shared: Served) -> str:
    """The id of a report that all can see."""
    return make_id("Report", (await submit(shared.db)).id)


PLACES = [
    ({"lon": 190, "lat": 52}, "InvalidLocation"),
    ({"lon": 4.3, "lat": -90.1}, "InvalidLocation"),
    ({"lon": 1e308, "lat": -1e308}, "InvalidLocation"),
    ({"lon": 52.065, "lat": 4.295}, "OutsideKnownArea"),
    ({"lon": 0, "lat": 0}, "OutsideKnownArea"),
    ({"lon": 4.3201, "lat": 52.07}, "OutsideKnownArea"),
    ({"lon": -180, "lat": 90}, "OutsideKnownArea"),
]


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        *(({"location": place}, code, "location") for place, code in PLACES),
        *(({"description": text}, "InvalidText", "description") for text in TEXTS),
        *(({"category": slug}, "UnknownCategory", "category") for slug in ("", "Glas", "a\x00b", "x" * 100_000)),
        *(({"idempotencyKey": key}, "InvalidIdempotencyKey", "idempotencyKey") for key in KEYS),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_report_that_cannot_be(shared: Served, change: Json, code: str, path: str) -> None:
    problem = await refused(shared, RESIDENT, "submitReport", DRAFT | change)
    assert (problem["code"], problem["path"]) == (code, ["input", path])


async def test_swapped_coordinates_are_called_so(shared: Served) -> None:
    swapped = {"lon": INSIDE.lat, "lat": INSIDE.lon}
    problem = await refused(shared, RESIDENT, "submitReport", DRAFT | {"location": swapped})
    assert "Swap" in problem["hint"]


@pytest.mark.parametrize("id", NO_IDS, ids=range(len(NO_IDS)))
@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("addEvidence", {"remark": "Nog meer"}),
        ("confirmReport", {"verdict": "GONE"}),
        ("changeStatus", {"to": "ROUTED"}),
        ("changeVisibility", {"to": "AUTHORITIES"}),
    ],
)
async def test_an_id_that_is_none(shared: Served, name: str, rest: Json, id: str) -> None:
    problem = await refused(shared, OFFICER, name, {"reportId": id, **rest})
    assert (problem["code"], problem["path"]) == ("InvalidId", ["input", "reportId"])


async def test_evidence_that_cannot_be(shared: Served, report: str) -> None:
    async def problem(viewer: Viewer = RESIDENT, **given: Any) -> tuple[str, list[str]]:
        found = await refused(shared, viewer, "addEvidence", {"reportId": report, **given})
        return found["code"], found["path"]

    assert await problem() == ("InvalidEvidence", ["input"])
    for text in TEXTS:
        assert await problem(remark=text) == ("InvalidText", ["input", "remark"])
    for key in KEYS:
        assert await problem(remark="a", idempotencyKey=key) == ("InvalidIdempotencyKey", ["input", "idempotencyKey"])
    for upload in ("", "x", report, make_id("Upload", "x")):
        assert await problem(uploadId=upload) == ("InvalidId", ["input", "uploadId"])
    assert await problem(uploadId=make_id("Upload", uuid4())) == ("UnknownUpload", ["input", "uploadId"])
    async with calling(shared, RESIDENT) as anna:
        made = await anna.mutate("createUpload", "... on UploadCreated { uploadId }", contentType="image/png")
    assert await problem(uploadId=made["uploadId"]) == ("UploadNotReady", ["input", "uploadId"])
    assert await problem(NEIGHBOUR, uploadId=made["uploadId"]) == ("UnknownUpload", ["input", "uploadId"])


@pytest.mark.parametrize("kind", ["", "image/gif", "IMAGE/PNG", "image/png; a=b", "text/html", "\x00", "x" * 100_000])
async def test_a_photo_of_another_kind(shared: Served, kind: str) -> None:
    problem = await refused(shared, RESIDENT, "createUpload", {"contentType": kind})
    assert (problem["code"], problem["path"]) == ("InvalidPhoto", ["input", "contentType"])


async def test_a_status_jump(shared: Served, report: str) -> None:
    async with calling(shared, OFFICER) as desk:
        asked = await desk.run("query($id: ID!) { report(id: $id) { allowedTransitions } }", {"id": report})
    allowed = asked["report"]["allowedTransitions"]
    assert allowed
    for status in ReportStatus:
        if status not in allowed:
            problem = await refused(shared, OFFICER, "changeStatus", {"reportId": report, "to": status})
            assert (problem["code"], problem["path"]) == ("TransitionNotAllowed", ["input", "to"])
            assert problem["allowed"] == allowed
            assert allowed[0] in problem["hint"]
    given = {"reportId": report, "to": allowed[0], "remark": RTL}
    assert (await refused(shared, OFFICER, "changeStatus", given))["code"] == "InvalidText"


async def test_what_a_caller_may_not_do(shared: Served, report: str) -> None:
    outsiders = ANONYMOUS, RESIDENT, Viewer(OFFICER.role, "ver-weg/desk", "ver-weg", frozenset({"GM0363"}))
    cases: list[tuple[Viewer, str, Json]] = [
        (ANONYMOUS, "submitReport", DRAFT),
        (ANONYMOUS, "addEvidence", {"reportId": report, "remark": "a"}),
        (ANONYMOUS, "createUpload", {"contentType": "image/png"}),
        (ANONYMOUS, "confirmReport", {"reportId": report, "verdict": "GONE"}),
        *((who, "changeStatus", {"reportId": report, "to": "ROUTED"}) for who in outsiders),
        *((who, "changeVisibility", {"reportId": report, "to": "AUTHORITIES"}) for who in outsiders),
        (OFFICER, "changeVisibility", {"reportId": report, "to": "POLICE"}),
    ]
    for viewer, name, given in cases:
        assert (await refused(shared, viewer, name, given))["code"] == "NotPermitted", (viewer, name)


async def test_a_key_used_again_with_other_input(shared: Served, report: str) -> None:
    key = str(uuid4())
    async with calling(shared, RESIDENT) as anna:
        first = await anna.mutate("submitReport", **DRAFT, idempotencyKey=key)
        async with nothing_stored(shared):
            assert (await anna.mutate("submitReport", **DRAFT, idempotencyKey=key))["reportId"] == first["reportId"]
    for name, given in (
        ("submitReport", DRAFT | {"description": "Ander glas"}),
        ("submitReport", DRAFT | {"urgency": "URGENT"}),
        ("addEvidence", {"reportId": report, "remark": "Glas"}),
        ("confirmReport", {"reportId": report, "verdict": "GONE"}),
        ("createUpload", {"contentType": "image/png"}),
    ):
        problem = await refused(shared, RESIDENT, name, given | {"idempotencyKey": key})
        assert (problem["code"], problem["path"]) == ("IdempotencyKeyReused", ["input", "idempotencyKey"])
    async with calling(shared, NEIGHBOUR) as bram:  # whose keys are his own
        assert (await bram.mutate("submitReport", **DRAFT, idempotencyKey=key))["reportId"] != first["reportId"]


async def test_of_requests_with_one_key_at_the_same_time_one_is_carried_out(shared: Served) -> None:
    key = str(uuid4())
    before = await rows(shared)
    async with calling(shared, RESIDENT) as anna:
        made = await asyncio.gather(*(anna.mutate("submitReport", **DRAFT, idempotencyKey=key) for _ in range(5)))
    assert len({event["reportId"] for event in made}) == 1
    assert (await rows(shared))["report"] == before["report"] + 1


async def test_a_refused_request_does_not_use_up_its_key(shared: Served) -> None:
    key = str(uuid4())
    wrong = DRAFT | {"location": {"lon": 0, "lat": 0}, "idempotencyKey": key}
    assert (await refused(shared, RESIDENT, "submitReport", wrong))["code"] == "OutsideKnownArea"
    async with calling(shared, RESIDENT) as anna:
        assert (await anna.mutate("submitReport", **DRAFT, idempotencyKey=key))["reportId"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {**DRAFT, "description": None},
        {**DRAFT, "description": 5},
        {**DRAFT, "location": None},
        {**DRAFT, "location": [4.3, 52.07]},
        {**DRAFT, "location": {"lon": "4.3", "lat": 52.07}},
        {**DRAFT, "location": {"lon": 4.3}},
        {**DRAFT, "urgency": "SOON"},
        {**DRAFT, "urgency": 1},
        {**DRAFT, "status": "RESOLVED"},
        {**DRAFT, "idempotencyKey": 5},
        [DRAFT, DRAFT],
        "glas",
    ],
)
async def test_input_of_the_wrong_type(shared: Served, given: Any) -> None:
    document = "mutation($input: SubmitReportInput!) { submitReport(input: $input) { __typename } }"
    async with nothing_stored(shared), calling(shared, RESIDENT) as anna:
        answer = await anna.http.post(shared.graphql, json={"query": document, "variables": {"input": given}})
    assert "data" not in answer.json()
    for error in answer.json()["errors"]:
        assert "$input" in error["message"]
        assert error["extensions"]["code"] == "InvalidRequest"
        assert error["extensions"]["hint"]
