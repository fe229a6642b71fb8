"""What residents answer to an alert: its publisher reads it, and nobody else learns that there is anything to read."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from geo import uploads
from geo.models import Role
from geo.viewer import ANONYMOUS, Viewer
from schema.nodes import make_id
from tests.clients.caller import Caller, Json, calling
from tests.conftest import Served
from tests.schema.test_alerts import COLLEAGUE, LIST, READ, STRANGERS, published, read
from tests.schema.test_problems import KEYS, TEXTS, nothing_stored, refused
from tests.world import ADMIN, NEIGHBOUR, OFFICER, RESIDENT

pytestmark = pytest.mark.anyio

ANSWERED = "... on AlertAnswered { alertId }"
OWN = ("id", "publishedAt", "updatedAt", "validUntil")  # what no two alerts share


async def answer(served: Served, alert_id: str, viewer: Viewer = RESIDENT, **given: Any) -> Json:
    async with calling(served, viewer) as caller:
        return await caller.mutate("answerAlert", ANSWERED, alertId=alert_id, text="Witte bus", **given)


def photo() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (32, 32), "grey").save(buffer, "PNG")
    return buffer.getvalue()


async def uploaded(caller: Caller) -> str:
    made = await caller.mutate("createUpload", "... on UploadCreated { uploadId url }", contentType="image/png")
    assert (await caller.http.put(made["url"], content=photo())).status_code == 201
    return str(made["uploadId"])


async def test_an_answer_reaches_the_publisher_with_its_place_and_photo(shared: Served) -> None:
    alert_id = await published(shared)
    async with calling(shared, RESIDENT) as anna:
        upload = await uploaded(anna)
        given = {"text": "Witte bus, twee mannen", "location": {"lon": 4.295, "lat": 52.065}, "uploadId": upload}
        told = await anna.mutate("answerAlert", ANSWERED, alertId=alert_id, **given)
        assert told == {"__typename": "AlertAnswered", "alertId": alert_id}
    await answer(shared, alert_id, NEIGHBOUR)
    for viewer in (OFFICER, COLLEAGUE, ADMIN):
        found = await read(shared, viewer, alert_id)
        first, second = found["answers"]["nodes"]
        assert (first["text"], first["location"]) == (given["text"], given["location"])
        assert (second["text"], second["location"], second["photo"]) == ("Witte bus", None, None)
        assert found["deliveries"] == {"watchers": 0, "notified": 0, "mailed": 0, "answers": 2}
    async with calling(shared, OFFICER) as desk:
        assert (await desk.http.get(first["photo"]["url"])).headers["content-type"] == "image/jpeg"
        paged = "query($id: ID!, $after: String) { node(id: $id) { ... on Alert { answers(first: 1, after: $after) "
        paged += "{ nodes { text } pageInfo { endCursor hasNextPage } } } } }"
        page = (await desk.run(paged, {"id": alert_id}))["node"]["answers"]
        rest = (await desk.run(paged, {"id": alert_id, "after": page["pageInfo"]["endCursor"]}))["node"]["answers"]
    assert [page["nodes"][0]["text"], rest["nodes"][0]["text"]] == [first["text"], second["text"]]
    assert (page["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)


async def test_the_photo_of_an_answer_is_used_once_and_kept(shared: Served) -> None:
    alert_id = await published(shared)
    async with calling(shared, RESIDENT) as anna:
        upload = await uploaded(anna)
    await answer(shared, alert_id, uploadId=upload)
    again = {"alertId": alert_id, "text": "Witte bus", "uploadId": upload}
    problem = await refused(shared, RESIDENT, "answerAlert", again)
    assert (problem["code"], problem["path"]) == ("UnknownUpload", ["input", "uploadId"])
    async with shared.db.write() as conn:
        await uploads.purge(conn, datetime.now(UTC) + timedelta(days=1))
    (kept,) = (await read(shared, OFFICER, alert_id))["answers"]["nodes"]
    assert kept["photo"]["url"]


async def test_an_answer_that_cannot_be(shared: Served) -> None:
    alert_id = await published(shared)
    given: Json = {"alertId": alert_id, "text": "Witte bus"}
    assert (await refused(shared, ANONYMOUS, "answerAlert", given))["code"] == "NotPermitted"
    app = Viewer(Role.APP, "buurtapp/app", "buurtapp")  # that acts for nobody
    assert (await refused(shared, app, "answerAlert", given))["code"] == "NotPermitted"
    for text in TEXTS:
        assert (await refused(shared, RESIDENT, "answerAlert", given | {"text": text}))["code"] == "InvalidText"
    nowhere = given | {"location": {"lon": 200, "lat": 52}}
    assert (await refused(shared, RESIDENT, "answerAlert", nowhere))["path"] == ["input", "location"]
    for key in KEYS:
        problem = await refused(shared, RESIDENT, "answerAlert", given | {"idempotencyKey": key})
        assert problem["code"] == "InvalidIdempotencyKey"
    async with calling(shared, RESIDENT) as anna:
        made = await anna.mutate("createUpload", "... on UploadCreated { uploadId }", contentType="image/png")
        ready = await uploaded(anna)
    for viewer, upload, code in (
        (RESIDENT, make_id("Alert", uuid4()), "InvalidId"),
        (RESIDENT, make_id("Upload", uuid4()), "UnknownUpload"),
        (RESIDENT, made["uploadId"], "UploadNotReady"),
        (NEIGHBOUR, ready, "UnknownUpload"),
    ):
        problem = await refused(shared, viewer, "answerAlert", given | {"uploadId": upload})
        assert (problem["code"], problem["path"]) == (code, ["input", "uploadId"])


async def test_an_answer_is_given_once_for_one_key(shared: Served) -> None:
    alert_id = await published(shared)
    key = str(uuid4())
    await answer(shared, alert_id, idempotencyKey=key)
    async with nothing_stored(shared):
        assert (await answer(shared, alert_id, idempotencyKey=key))["alertId"] == alert_id
    assert (await read(shared, OFFICER, alert_id))["deliveries"]["answers"] == 1
    for name, given in (
        ("answerAlert", {"alertId": alert_id, "text": "Zwarte bus"}),
        ("answerAlert", {"alertId": alert_id, "text": "Witte bus", "location": {"lon": 4.3, "lat": 52.07}}),
    ):
        problem = await refused(shared, RESIDENT, name, given | {"idempotencyKey": key})
        assert problem["code"] == "IdempotencyKeyReused"


@pytest.mark.parametrize("viewer", STRANGERS, ids=str)
async def test_nobody_else_learns_that_there_are_answers(shared: Served, viewer: Viewer) -> None:
    """An alert with answers and one without differ in nothing that a stranger can ask."""
    spots = [{"west": 4.31, "south": 52.0750 + n, "east": 4.3101, "north": 52.0751 + n} for n in (0, 0.001)]
    alone, answered = [await published(shared, area={"bbox": spot}) for spot in spots]
    async with calling(shared, viewer) as caller:

        async def all_told(alert_id: str, spot: Json) -> list[object]:
            told: list[object] = []
            by_id = await caller.run(READ, {"id": alert_id})
            listed = (await caller.run(LIST, {"area": {"bbox": spot}}))["alerts"]["nodes"]
            for found in (by_id["node"], *listed):
                assert (found["answers"], found["deliveries"]) == (None, None)
                told.append({name: value for name, value in found.items() if name not in OWN})
                assert found["publishedAt"] == found["updatedAt"]
            for arguments in ("first: 0", "first: 1", 'after: "x"'):
                answers = f"answers({arguments}) {{ nodes {{ at }} }}"
                document = f"query($id: ID!) {{ node(id: $id) {{ ... on Alert {{ {answers} }} }} }}"
                told.append(await caller.run(document, {"id": alert_id}))
            return told

        await answer(shared, answered, NEIGHBOUR)
        assert await all_told(alone, spots[0]) == await all_told(answered, spots[1])
        if viewer.party:
            for alert_id in (alone, answered):
                assert (await answer(shared, alert_id, viewer)) == {"__typename": "AlertAnswered", "alertId": alert_id}
            assert await all_told(alone, spots[0]) == await all_told(answered, spots[1])
    heard = (await read(shared, OFFICER, answered))["answers"]["nodes"]
    assert "Witte bus" in {one["text"] for one in heard}
