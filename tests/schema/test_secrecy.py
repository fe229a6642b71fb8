"""A report that a caller may not see is to it a report that is not there: in every query, every mutation and every
subscription the answers are the same to the byte."""

from uuid import uuid4

import httpx
import pytest

from geo.models import Report, Visibility
from geo.viewer import ANONYMOUS, Viewer
from schema.nodes import make_id
from tests.clients.caller import Json, calling
from tests.clients.refusals import SSE
from tests.conftest import Served
from tests.world import ADMIN, INSIDE, NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

FAR = frozenset({"GM0363"})
HIDDEN = [
    (ANONYMOUS, Visibility.INVOLVED),
    (NEIGHBOUR, Visibility.INVOLVED),
    (NEIGHBOUR, Visibility.AUTHORITIES),
    (RESIDENT, Visibility.AUTHORITIES),  # who reported it
    (RESIDENT, Visibility.POLICE),
    (OFFICER, Visibility.POLICE),
    (Viewer(OFFICER.role, "ver/desk", "ver", FAR), Visibility.INVOLVED),
    (Viewer(OFFICER.role, "ver/desk", "ver", FAR), Visibility.AUTHORITIES),
    (Viewer(POLICE.role, "ver/team", "ver", FAR), Visibility.POLICE),
    (Viewer(POLICE.role, "leeg/team", "leeg"), Visibility.AUTHORITIES),
]
hidden = pytest.mark.parametrize(("viewer", "visibility"), HIDDEN, ids=str)

BY_ID = [
    "query($id: ID!) { report(id: $id) { id description } }",
    "query($id: ID!) { node(id: $id) { id ... on Report { description } } }",
    "query($id: ID!) { report(id: $id) { evidence { nodes { remark } } timeline { nodes { at } } } }",
    "subscription($id: ID!) { report(id: $id) { __typename } }",
    *(
        f"mutation($id: ID!) {{ {name}(input: {{reportId: $id, {rest}}}) {{ ... on Problem {{ message hint }} }} }}"
        for name, rest in (
            ("addEvidence", 'remark: "Ik zag het ook"'),
            ("addEvidence", f'uploadId: "{make_id("Upload", uuid4())}"'),
            ("confirmReport", "verdict: STILL_THERE"),
            ("changeStatus", "to: RESOLVED"),
            ("changeStatus", "to: REPORTED"),
            ("changeVisibility", "to: PUBLIC"),
            ("changeVisibility", "to: POLICE"),
        )
    ),
]


async def ask(served: Served, viewer: Viewer, document: str, variables: Json) -> httpx.Response:
    headers = SSE if document.startswith("subscription") else {}
    async with calling(served, viewer) as caller:
        return await caller.http.post(caller.url, json={"query": document, "variables": variables}, headers=headers)


async def secret(served: Served, visibility: Visibility) -> Report:
    return await submit(served.db, visibility=visibility, description="Een geheim")


@hidden
async def test_an_id_tells_nothing(shared: Served, viewer: Viewer, visibility: Visibility) -> None:
    there = make_id("Report", (await secret(shared, visibility)).id)
    absent = make_id("Report", uuid4())
    for document in BY_ID:
        told, nothing = [await ask(shared, viewer, document, {"id": id_}) for id_ in (there, absent)]
        assert told.content == nothing.content, document
        assert "geheim" not in told.text
        admins = await ask(shared, ADMIN, BY_ID[0], {"id": there})
        assert admins.json()["data"]["report"]["description"] == "Een geheim", "it is there, and unchanged"


@hidden
async def test_a_number_tells_nothing(shared: Served, viewer: Viewer, visibility: Visibility) -> None:
    document = "query($number: String!) { report(number: $number) { id } }"
    there = await ask(shared, viewer, document, {"number": (await secret(shared, visibility)).number})
    absent = await ask(shared, viewer, document, {"number": "000-000-000"})
    assert there.content == absent.content == b'{"data":{"report":null}}'


@hidden
async def test_the_id_of_evidence_tells_nothing(shared: Served, viewer: Viewer, visibility: Visibility) -> None:
    report = make_id("Report", (await secret(shared, visibility)).id)
    async with calling(shared, ADMIN) as admin:
        made = "... on EvidenceAdded { evidence { id } }"
        asked = (await admin.mutate("addEvidence", made, reportId=report, remark="Een geheim"))["evidence"]["id"]
    document = "query($id: ID!) { node(id: $id) { id ... on Evidence { remark } } }"
    there = await ask(shared, viewer, document, {"id": asked})
    absent = await ask(shared, viewer, document, {"id": make_id("Evidence", uuid4())})
    assert there.content == absent.content == b'{"data":{"node":null}}'
    assert (await ask(shared, ADMIN, document, {"id": asked})).json()["data"]["node"]["remark"] == "Een geheim"


LISTS = [
    'reports(area: {code: "WK051829"}) { nodes { id } pageInfo { hasNextPage startCursor endCursor } }',
    'reports(area: {code: "GM0518"}, orderBy: UPDATED_NEWEST, filter: {text: "geheim"}) { nodes { id } }',
    "reports(area: {bbox: {west: 4.28, south: 52.06, east: 4.32, north: 52.08}}) { nodes { id } }",
    "reports(area: {around: {point: {lon: 4.295, lat: 52.065}, metres: 10}}) { nodes { id } }",
    "reportsNear(point: {lon: 4.295, lat: 52.065}) { metres report { id } }",
]


@pytest.mark.parametrize("visibility", [Visibility.INVOLVED, Visibility.AUTHORITIES, Visibility.POLICE])
async def test_lists_tell_nothing(server: Served, visibility: Visibility) -> None:
    """Nor whether there is a next page, nor of a place where nothing else is."""
    viewers = [viewer for viewer, of in HIDDEN if of is visibility]

    async def look() -> list[bytes]:
        answers = [await ask(server, viewer, f"{{ {field} }}", {}) for viewer in viewers for field in LISTS]
        assert [answer.json()["errors"] for answer in answers if "errors" in answer.json()] == []
        return [answer.content for answer in answers]

    await submit(server.db, by=ADMIN, description="Geen geheim")
    before = await look()
    await submit(server.db, by=ADMIN, description="Een geheim", visibility=visibility)
    assert await look() == before
    async with calling(server, ADMIN) as admin:
        assert len((await admin.snapshot({"code": "WK051829"}))[0]) == 2


async def test_the_history_tells_nothing_of_when_it_was_secret(shared: Served) -> None:
    async with calling(shared, OFFICER) as desk, calling(shared, ADMIN) as admin:
        report = await desk.submit(INSIDE)
        await desk.mutate("changeVisibility", reportId=report, to="AUTHORITIES")
        await desk.mutate("changeStatus", reportId=report, to="ON_HOLD", remark="Een geheim")
        await desk.mutate("changeVisibility", reportId=report, to="PUBLIC")
        document = "query($id: ID!) { report(id: $id) { timeline { nodes { __typename version } } } }"
        versions = [
            [event["version"] for event in (await who.run(document, {"id": report}))["report"]["timeline"]["nodes"]]
            for who in (desk, admin)
        ]
    assert versions == [[1, 2, 3, 4], [1, 2, 3, 4]]
    told = await ask(shared, NEIGHBOUR, document, {"id": report})
    assert [event["version"] for event in told.json()["data"]["report"]["timeline"]["nodes"]] == [1, 4]
