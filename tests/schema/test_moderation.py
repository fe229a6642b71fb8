"""What a moderator hides is gone for the public, wherever it was to be found, and kept for the authorities."""

from typing import Any

import httpx
import pytest

from geo import erasure
from geo.models import Visibility
from geo.viewer import ANONYMOUS, Viewer
from schema.nodes import make_id
from tests.clients.caller import Json, calling
from tests.clients.photos import upload
from tests.conftest import Served
from tests.world import ADMIN, NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

FAR = Viewer(OFFICER.role, "ver/desk", "ver", frozenset({"GM0363"}))
PUBLIC = (ANONYMOUS, RESIDENT, NEIGHBOUR, FAR)
AUTHORITIES = (OFFICER, POLICE, ADMIN)
REPORT = "query($id: ID!) { report(id: $id) { description original hiddenReason version } }"
EVIDENCE = """query($id: ID!) { node(id: $id) { ... on Evidence {
  remark original hiddenReason photo { url thumbnailUrl } measurement { quantity }
} } }"""
EVENTS = {
    "hideContent": "... on ContentHidden { version reason evidence { id } report { description } }",
    "showContent": "... on ContentShown { version evidence { id } report { description } }",
}


async def ask(served: Served, viewer: Viewer, document: str, **variables: Any) -> Any:
    async with calling(served, viewer) as caller:
        answer: Json = await caller.run(document, variables)
    (found,) = answer.values()
    return found


async def moderate(served: Served, name: str, viewer: Viewer = OFFICER, **given: Any) -> Json:
    async with calling(served, viewer) as caller:
        return await caller.attempt(name, EVENTS[name], **given)


async def status_of(url: str) -> int:
    async with httpx.AsyncClient() as http:
        return (await http.get(url)).status_code


async def test_a_hidden_description_is_read_by_authorities_only(shared: Served) -> None:
    report = make_id("Report", (await submit(shared.db, description="De buurman deed het")).id)
    made = await moderate(shared, "hideContent", reportId=report, reason="PRIVACY")
    assert made["__typename"] == "ContentHidden"
    assert (made["version"], made["reason"], made["evidence"]) == (2, "PRIVACY", None)
    assert made["report"]["description"] == ""
    for viewer in PUBLIC:
        shown = await ask(shared, viewer, REPORT, id=report)
        assert shown == {"description": "", "original": None, "hiddenReason": "PRIVACY", "version": 2}
    for viewer in AUTHORITIES:
        shown = await ask(shared, viewer, REPORT, id=report)
        assert (shown["description"], shown["original"]) == ("", "De buurman deed het")
    again = await moderate(shared, "hideContent", reportId=report, reason="OFFENSIVE")
    assert (again["reason"], again["report"]["description"]) == ("OFFENSIVE", "")
    back = await moderate(shared, "showContent", reportId=report)
    assert (back["__typename"], back["report"]["description"]) == ("ContentShown", "De buurman deed het")
    shown = await ask(shared, OFFICER, REPORT, id=report)
    assert shown == {"description": "De buurman deed het", "original": None, "hiddenReason": None, "version": 4}


async def test_no_filter_finds_a_hidden_text(server: Served) -> None:
    report = make_id("Report", (await submit(server.db, description="Zwartepieterij")).id)
    found = 'query { reports(area: {code: "GM0518"}, filter: {text: "pieter"}) { nodes { id } } }'
    for viewer in (NEIGHBOUR, OFFICER):
        assert (await ask(server, viewer, found))["nodes"] == [{"id": report}]
    await moderate(server, "hideContent", reportId=report, reason="OFFENSIVE")
    for viewer in (NEIGHBOUR, OFFICER):
        assert (await ask(server, viewer, found))["nodes"] == []


async def test_what_was_masked_is_masked_when_it_is_shown_again(shared: Served) -> None:
    report = make_id("Report", (await submit(shared.db)).id)
    async with calling(shared, NEIGHBOUR) as bram:
        given = {"reportId": report, "remark": "Bel anna@example.org", "maskPersonalData": True}
        made = await bram.mutate("addEvidence", "... on EvidenceAdded { evidence { id remark } }", **given)
    piece = made["evidence"]
    await moderate(shared, "hideContent", evidenceId=piece["id"], reason="PRIVACY")
    assert (await ask(shared, OFFICER, EVIDENCE, id=piece["id"]))["original"] == "Bel anna@example.org"
    await moderate(shared, "showContent", evidenceId=piece["id"])
    for viewer, original in ((NEIGHBOUR, None), (OFFICER, "Bel anna@example.org")):
        shown = await ask(shared, viewer, EVIDENCE, id=piece["id"])
        assert (shown["remark"], shown["original"], shown["hiddenReason"]) == (piece["remark"], original, None)
    assert "anna" not in piece["remark"]


async def test_a_hidden_photo_is_not_served_by_links_made_before(shared: Served) -> None:
    report = make_id("Report", (await submit(shared.db)).id)
    async with calling(shared, NEIGHBOUR) as bram:
        given = {"reportId": report, "uploadId": await upload(bram), "remark": "Hij daar"}
        made = await bram.mutate("addEvidence", "... on EvidenceAdded { evidence { id } }", **given)
    piece = made["evidence"]["id"]
    before = [(await ask(shared, viewer, EVIDENCE, id=piece))["photo"] for viewer in (ANONYMOUS, OFFICER)]
    links = [url for photo in before for url in photo.values()]
    assert [await status_of(url) for url in links] == [200] * 4
    hidden = await moderate(shared, "hideContent", evidenceId=piece, reason="PRIVACY")
    assert (hidden["version"], hidden["evidence"]["id"]) == (3, piece)
    assert [await status_of(url) for url in links] == [404] * 4
    for viewer in PUBLIC:
        shown = await ask(shared, viewer, EVIDENCE, id=piece)
        assert (shown["remark"], shown["original"], shown["photo"]) == (None, None, None)
        assert shown["hiddenReason"] == "PRIVACY"
    for viewer in AUTHORITIES:
        shown = await ask(shared, viewer, EVIDENCE, id=piece)
        assert shown["original"] == "Hij daar"
        assert [await status_of(url) for url in shown["photo"].values()] == [200, 200]
    await moderate(shared, "showContent", evidenceId=piece)
    assert [await status_of(url) for url in links] == [200] * 4
    assert (await ask(shared, ANONYMOUS, EVIDENCE, id=piece))["remark"] == "Hij daar"


async def test_a_hidden_measurement_is_not_shown(shared: Served) -> None:
    report = make_id("Report", (await submit(shared.db)).id)
    async with calling(shared, NEIGHBOUR) as bram:
        measured = {"quantity": "domheid", "value": 9, "unit": "van 10"}
        made = await bram.mutate(
            "addEvidence", "... on EvidenceAdded { evidence { id } }", reportId=report, measurement=measured
        )
    await moderate(shared, "hideContent", evidenceId=made["evidence"]["id"], reason="OFFENSIVE")
    for viewer, quantity in ((NEIGHBOUR, None), (OFFICER, {"quantity": "domheid"})):
        assert (await ask(shared, viewer, EVIDENCE, id=made["evidence"]["id"]))["measurement"] == quantity


@pytest.mark.parametrize("name", ["hideContent", "showContent"])
async def test_who_may_hide_what(shared: Served, name: str) -> None:
    rest: Json = {"reason": "PRIVACY"} if name == "hideContent" else {}
    record = await submit(shared.db)
    report = make_id("Report", record.id)
    secret = make_id("Report", (await submit(shared.db, visibility=Visibility.POLICE)).id)
    pieces = {}
    for where in (report, secret):
        async with calling(shared, ADMIN) as admin:
            made = "... on EvidenceAdded { evidence { id } }"
            pieces[where] = (await admin.mutate("addEvidence", made, reportId=where, remark="Ja"))["evidence"]["id"]
    for viewer in PUBLIC:
        for given in ({"reportId": report}, {"evidenceId": pieces[report]}):
            assert (await moderate(shared, name, viewer, **given, **rest))["code"] == "NotPermitted"
    for viewer in (*PUBLIC, OFFICER):
        unknown = [
            (await moderate(shared, name, viewer, **given, **rest))["code"]
            for given in ({"reportId": secret}, {"evidenceId": pieces[secret]})
        ]
        assert unknown == ["UnknownReport", "UnknownEvidence"]
    for given in ({}, {"reportId": report, "evidenceId": pieces[report]}, {"reportId": pieces[report]}):
        assert (await moderate(shared, name, **given, **rest))["code"] == "InvalidId"
    assert (await ask(shared, OFFICER, REPORT, id=report))["description"] == record.description


async def test_what_was_erased_is_neither_hidden_nor_shown(shared: Served) -> None:
    record = await submit(shared.db)
    report = make_id("Report", record.id)
    assert (await moderate(shared, "hideContent", reportId=report, reason="ERASED"))["code"] == "NotPermitted"
    async with shared.db.write() as conn:
        await erasure.description(conn, record.id, erasure.Erased())
    again: list[tuple[str, Json]] = [("hideContent", {"reason": "PRIVACY"}), ("showContent", {})]
    for name, rest in again:
        assert (await moderate(shared, name, reportId=report, **rest))["code"] == "NotPermitted"
    assert (await ask(shared, OFFICER, REPORT, id=report))["hiddenReason"] == "ERASED"
