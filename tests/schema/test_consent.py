"""Without consent nothing of a message is kept; when it is withdrawn nothing stays, wherever one looks."""

import gc
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text

from geo.db import Database
from geo.demo.load import load_categories
from geo.models import Role
from geo.viewer import Viewer
from tests.clients.caller import Caller, Json, calling
from tests.clients.watchers import watch
from tests.conftest import Served, running
from tests.world import INSIDE, NEIGHBOUR, OFFICER, build

pytestmark = pytest.mark.anyio

APP = Viewer(Role.APP, "buurtapp/app", "buurtapp")
HALVES = "Kwetter", "woud"  # so that the test itself holds the whole only while it sends it


def marker() -> str:
    return "".join(HALVES)


def consent(**changes: Any) -> Json:
    given = {"givenAt": (datetime.now(UTC) - timedelta(hours=1)).isoformat(), "purposes": ["REGISTER"]}
    return {**given, "textVersion": "2026-03", **changes}


def message(**changes: Any) -> Json:
    return {
        "source": "buurtapp",
        "externalId": f"post-{marker()}",
        "author": f"anna-{marker()}",
        "text": f"Alweer glasscherven rond de glasbak, zegt {marker()}",
        "permalink": f"https://buurt.example/{marker()}",
        "location": INSIDE._asdict(),
        "category": "glas",
        "consent": consent(),
        **changes,
    }


@pytest.fixture
async def served(database_url: str, db: Database, tmp_path: Path) -> AsyncIterator[Served]:
    await build(db)
    async with db.write() as conn:
        await load_categories(conn)
    async with running(database_url, db, tmp_path, run_worker=True) as server:
        yield server


@pytest.fixture
async def app(served: Served) -> AsyncIterator[Caller]:
    async with calling(served, APP) as caller:
        yield caller


MADE = """
... on MessageRegistered { received { id } event { __typename reportId } suggestions { category { slug } score } }
... on MessageMatched { received { id } matches { reasons report { id } } }
... on CategoryUnclear { received { id } suggestions { category { slug } } }
... on PlaceUnclear { received { id } }
"""
DONE = "... on ErasureDone { erased { what count } }"
WRITTEN_IN = """
mutation {
  registerMessage(input: {
    source: "buurtapp", externalId: "in-%(marker)s", author: "anna-%(marker)s", text: "Glas, zegt %(marker)s",
    location: {lon: 4.295, lat: 52.065}, confirmNew: true, category: "glas" %(consent)s
  }) { __typename }
}
"""


async def register(app: Caller, **changes: Any) -> Json:
    return await app.attempt("registerMessage", MADE, **message(**changes))


async def rows_with(db: Database, what: str) -> dict[str, int]:
    """In how many rows of each table there is a text, whatever the column."""
    found = {}
    async with db.read() as conn:
        tables = await conn.scalars(
            text("SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'")
        )
        for table in tables.all():
            counted = text(f"SELECT count(*) FROM {table} AS one WHERE one::text ILIKE :what")
            if count := (await conn.execute(counted, {"what": f"%{what}%"})).scalar_one():
                found[table] = count
    return found


def in_memory() -> list[str]:
    """The objects of this process, in which the server runs too, that hold a string with the marker."""
    gc.collect()
    what, found = marker(), []
    for one in gc.get_objects():
        for held in gc.get_referents(one):
            if isinstance(held, str) and what in held:
                found.append(f"{type(one).__name__}: {held[:200]}")
    return found


def in_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.jpg"))


async def assert_no_trace(db: Database, folder: Path, logged: str) -> None:
    assert await rows_with(db, marker()) == {}
    assert [*in_files(folder)] == []
    assert marker() not in logged
    assert in_memory() == []


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (None, ["input", "consent"]),
        ({"purposes": []}, ["input", "consent", "purposes"]),
        ({"givenAt": "2999-01-01T00:00:00Z"}, ["input", "consent", "givenAt"]),
        ({"givenAt": "2026-01-01T00:00:00"}, ["input", "consent", "givenAt"]),
        ({"textVersion": ""}, ["input", "consent", "textVersion"]),
    ],
    ids=str,
)
async def test_without_consent_nothing_is_kept(
    served: Served, app: Caller, tmp_path: Path, capfd: pytest.CaptureFixture[str], given: Json | None, where: list[str]
) -> None:
    refused = await app.attempt(
        "registerMessage", "... on Problem { path }", **message(consent=given and consent(**given))
    )
    assert (refused["code"], refused["path"]) == ("ConsentMissing", where)
    written_in = await app.http.post(app.url, json={"query": WRITTEN_IN % {"marker": marker(), "consent": ""}})
    assert written_in.json() == {"data": {"registerMessage": {"__typename": "ConsentMissing"}}}
    del refused, written_in
    await assert_no_trace(served.db, tmp_path, "".join(capfd.readouterr()))


async def test_withdrawing_it_erases_everything(
    served: Served, app: Caller, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app.http.headers["Bart-Resident"] = f"anna-{marker()}"
    upload = await app.mutate("createUpload", "... on UploadCreated { uploadId url }", contentType="image/jpeg")
    photo = BytesIO()
    Image.new("RGB", (40, 30), "green").save(photo, "JPEG")
    assert (await app.http.put(upload["url"], content=photo.getvalue())).status_code == 201
    made = await register(app, uploadIds=[upload["uploadId"]], text=f"Glas bij de glasbak, {marker()}, 06-12345678")
    report_id = made["event"]["reportId"]
    async with watch(served, OFFICER) as watcher:
        edited = await register(app, text=f"Glas bij de glasbak en op de stoep, zegt {marker()}")
        assert edited["event"]["__typename"] == "TextChanged"
        await app.mutate("confirmReport", reportId=report_id, verdict="STILL_THERE", idempotencyKey="k" * 16)
        remark = f"Nog steeds, zegt {marker()}"
        await app.mutate("addEvidence", reportId=report_id, remark=remark, idempotencyKey=f"{marker()}-{'e' * 16}")
        supplement = {"externalId": f"post-2-{marker()}", "sameAs": report_id, "text": f"Ook hier: {marker()}"}
        assert (await register(app, **supplement))["event"]["__typename"] == "EvidenceAdded"
        assert len([*in_files(tmp_path)]) == 2
        assert set(await rows_with(served.db, marker())) >= {"report", "message", "evidence", "involvement"}

        done = await app.attempt("withdrawConsent", DONE, author=f"anna-{marker()}")
        counts = {one["what"]: one["count"] for one in done["erased"]}
        assert counts == counts | {"messages": 2, "descriptions": 1, "evidence": 3, "photos": 1, "confirmations": 1}
        while (event := await watcher.next())["__typename"] != "Erased":
            pass
        assert event["reportId"] == report_id
        assert event["report"]["description"] == ""
    fields = "description hiddenReason confirmations evidence { nodes { remark photo { url } } }"
    document = f"query($id: ID!) {{ report(id: $id) {{ {fields} }} }}"
    async with calling(served, OFFICER) as desk:
        left = (await desk.run(document, {"id": report_id}))["report"]
    assert (left["description"], left["hiddenReason"], left["confirmations"]) == ("", "ERASED", 1)
    assert left["evidence"]["nodes"] == [{"remark": None, "photo": None}] * 3
    app.http.headers.pop("Bart-Resident")
    app.http.headers.update({})
    del upload, made, edited, remark, supplement, done, watcher, left
    await assert_no_trace(served.db, tmp_path, "".join(capfd.readouterr()))
    assert event["reportId"] == report_id


async def test_a_document_with_the_text_written_in_it_is_not_kept_either(
    served: Served, app: Caller, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given = ', consent: {givenAt: "2026-01-01T00:00:00Z", purposes: [REGISTER], textVersion: "2026-03"}'
    answer = await app.http.post(app.url, json={"query": WRITTEN_IN % {"marker": marker(), "consent": given}})
    assert answer.json() == {"data": {"registerMessage": {"__typename": "MessageRegistered"}}}
    done = await app.attempt("deleteMessage", DONE, source="buurtapp", externalId=f"in-{marker()}")
    assert {"what": "messages", "count": 1} in done["erased"]
    del answer, done
    await assert_no_trace(served.db, tmp_path, "".join(capfd.readouterr()))


async def test_who_reported_directly_can_have_it_erased_too(served: Served) -> None:
    async with calling(served, NEIGHBOUR) as bram, calling(served, OFFICER) as desk:
        report_id = await bram.submit(INSIDE, f"Glas, zegt {marker()}")
        refused = await desk.attempt("eraseContribution", DONE, reportId=report_id)
        assert {"what": "descriptions", "count": 1} not in refused.get("erased", [])
        done = await bram.mutate("eraseContribution", DONE, reportId=report_id)
        assert {"what": "descriptions", "count": 1} in done["erased"]
    assert await rows_with(served.db, marker()) == {}
    assert await rows_with(served.db, "residents/bram") == {}


async def test_only_the_app_that_passed_it_on_takes_it_back(served: Served, app: Caller) -> None:
    made = await register(app)
    assert made["__typename"] == "MessageRegistered"
    other = Viewer(Role.APP, "andere/app", "andere")
    async with calling(served, other) as stranger:
        for given in ({"author": f"anna-{marker()}"}, {"source": "buurtapp", "externalId": f"post-{marker()}"}, {}):
            refused = await stranger.attempt("withdrawConsent", DONE, **given)
            assert refused["code"] == "UnknownMessage"
    assert json.dumps(await rows_with(served.db, marker())) != "{}"
