"""Messages from elsewhere: BART finds out by itself what they are about and where, or asks; the same message is the
same message."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from geo.db import Database
from geo.demo.load import load_categories
from geo.models import Role
from geo.viewer import Viewer
from tests.clients.caller import Caller, Json, calling
from tests.conftest import Served, running
from tests.world import INSIDE, NEIGHBOUR, OFFICER, build

pytestmark = pytest.mark.anyio

APP = Viewer(Role.APP, "buurtapp/app", "buurtapp")
MADE = """
... on MessageRegistered {
  received { id externalId text report { id } } event { __typename reportId version }
  suggestions { category { slug } score reasons }
}
... on MessageMatched { received { id report { id } } matches { report { id } } suggestions { category { slug } } }
... on CategoryUnclear { received { id report { id } } suggestions { category { slug } score } }
... on PlaceUnclear { received { id report { id } } suggestions { category { slug } } }
"""


@pytest.fixture
async def served(database_url: str, db: Database, tmp_path: Path) -> AsyncIterator[Served]:
    await build(db)
    async with db.write() as conn:
        await load_categories(conn)
    async with running(database_url, db, tmp_path) as server:
        yield server


@pytest.fixture
async def app(served: Served) -> AsyncIterator[Caller]:
    async with calling(served, APP) as caller:
        yield caller


async def register(app: Caller, **changes: Any) -> Json:
    given = {
        "source": "buurtapp",
        "externalId": "post-1",
        "author": "anna",
        "text": "Alweer glasscherven rond de glasbak, kan daar niemand iets aan doen?",
        "location": INSIDE._asdict(),
        "consent": {
            "givenAt": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
            "purposes": ["REGISTER"],
            "textVersion": "2026-03",
        },
        **changes,
    }
    return await app.attempt("registerMessage", MADE, **given)


async def read(caller: Caller, report_id: str) -> Json:
    fields = "description channel status category { slug } urgency evidence { nodes { remark } }"
    document = f"query($id: ID!) {{ report(id: $id) {{ {fields} }} }}"
    found: Json = (await caller.run(document, {"id": report_id}))["report"]
    return found


async def test_a_grumble_becomes_a_report_by_itself(served: Served, app: Caller) -> None:
    made = await register(app)
    assert made["__typename"] == "MessageRegistered"
    assert made["event"]["__typename"] == "ReportSubmitted"
    best = made["suggestions"][0]
    assert best["category"]["slug"] == "glas"
    assert best["score"] > 0.5
    assert any("glas" in reason for reason in best["reasons"])
    assert made["received"]["report"]["id"] == made["event"]["reportId"]
    assert await read(app, made["event"]["reportId"]) == {
        "description": "Alweer glasscherven rond de glasbak, kan daar niemand iets aan doen?",
        "channel": "MESSAGE",
        "status": "REPORTED",
        "category": {"slug": "glas"},
        "urgency": "NORMAL",
        "evidence": {"nodes": []},
    }


async def test_the_same_message_is_the_same_message(served: Served, app: Caller) -> None:
    first = await register(app)
    again = await register(app)
    assert again["event"] == first["event"]
    other_app = Viewer(Role.APP, "andere/app", "andere")
    async with calling(served, other_app) as stranger:
        theirs = await register(stranger, confirmNew=True)
    assert theirs["event"]["reportId"] != first["event"]["reportId"]


async def test_an_edit_at_the_source_follows(served: Served, app: Caller) -> None:
    first = await register(app)
    edited = await register(app, text="Glas rond de glasbak, nu ook op de stoep. Bel 06-12345678")
    assert (edited["event"]["__typename"], edited["event"]["version"]) == ("TextChanged", 2)
    shown = await read(app, first["event"]["reportId"])
    assert shown["description"] == "Glas rond de glasbak, nu ook op de stoep. Bel [telefoonnummer]"


async def test_what_it_can_not_tell_it_asks(served: Served, app: Caller) -> None:
    puzzled = await register(app, text="Wat een ellende hier weer vandaag")
    assert puzzled["__typename"] == "CategoryUnclear"
    assert puzzled["received"]["report"] is None
    lost = await register(app, externalId="post-2", location=None)
    assert lost["__typename"] == "PlaceUnclear"
    answered = await register(app, text="Wat een ellende hier weer vandaag", category="zwerfvuil")
    assert answered["event"]["__typename"] == "ReportSubmitted"
    found = await register(app, externalId="post-2", confirmNew=True)
    assert found["event"]["__typename"] == "ReportSubmitted"


async def test_what_is_there_already_it_asks_about(served: Served, app: Caller) -> None:
    async with calling(served, NEIGHBOUR) as bram:
        first = await bram.submit(INSIDE, "Glasscherven bij de glasbak")
    matched = await register(app)
    assert matched["__typename"] == "MessageMatched"
    assert [match["report"]["id"] for match in matched["matches"]] == [first]
    joined = await register(app, sameAs=first)
    assert joined["event"]["__typename"] == "EvidenceAdded"
    assert joined["received"]["report"]["id"] == first
    shown = await read(app, first)
    assert [piece["remark"] for piece in shown["evidence"]["nodes"]] == [joined["received"]["text"]]
    insisted = await register(app, externalId="post-2", confirmNew=True)
    assert insisted["event"]["__typename"] == "ReportSubmitted"


async def test_danger_makes_it_urgent(served: Served, app: Caller) -> None:
    made = await register(app, text="Gaslucht in de straat, er is iets ontploft en er is brand", category="gaslucht")
    assert (await read(app, made["event"]["reportId"]))["urgency"] == "EMERGENCY"


async def test_a_message_is_for_the_app_that_passed_it_on(served: Served, app: Caller) -> None:
    made = await register(app)
    by_id = "query($id: ID!) { node(id: $id) { ... on Message { text } } }"
    by_source = 'query { message(source: "buurtapp", externalId: "post-1") { text } }'
    given = {"id": made["received"]["id"]}
    assert (await app.run(by_id, given))["node"] == {"text": made["received"]["text"]}
    assert (await app.run(by_source, {}))["message"] == {"text": made["received"]["text"]}
    async with calling(served, OFFICER) as desk:
        assert (await desk.run(by_id, given))["node"] is None
        assert (await desk.run(by_source, {}))["message"] is None


async def test_only_an_app_passes_on_messages(served: Served) -> None:
    async with calling(served, NEIGHBOUR) as bram:
        assert (await register(bram))["code"] == "NotPermitted"


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"source": ""}, "InvalidText", ["input", "source"]),
        ({"externalId": "x" * 201}, "InvalidText", ["input", "externalId"]),
        ({"author": "\n"}, "InvalidText", ["input", "author"]),
        ({"text": "  "}, "InvalidText", ["input", "text"]),
        ({"location": {"lon": 200, "lat": 52}}, "InvalidLocation", ["input", "location"]),
        ({"location": {"lon": 5.9, "lat": 51.98}}, "OutsideKnownArea", ["input", "location"]),
        ({"category": "onzin"}, "UnknownCategory", ["input", "category"]),
        ({"sameAs": "onzin"}, "InvalidId", ["input", "sameAs"]),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_wrong_is_said_and_nothing_is_kept(
    served: Served, app: Caller, change: Json, code: str, path: list[str]
) -> None:
    key = {"externalId": str(uuid4())} | change
    document = "... on Problem { path }"
    refused = await app.attempt("registerMessage", document, **(await _input(key)))
    assert (refused["code"], refused["path"]) == (code, path)
    kept = await app.run(
        'query($e: String!) { message(source: "buurtapp", externalId: $e) { id } }', {"e": key["externalId"]}
    )
    assert kept["message"] is None


async def _input(changes: Json) -> Json:
    return {
        "source": "buurtapp",
        "author": "anna",
        "text": "Glas op straat",
        "location": INSIDE._asdict(),
        "category": "glas",
        "consent": {"givenAt": "2026-01-01T00:00:00Z", "purposes": ["REGISTER"], "textVersion": "2026-03"},
        **changes,
    }
