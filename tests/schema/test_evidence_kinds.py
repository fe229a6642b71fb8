"""Remarks, photos, corrections and measurements over the API: what is taken, what is told of them, and to whom."""

from typing import Any

import pytest

from geo.models import Visibility
from geo.viewer import Viewer
from schema.nodes import make_id
from tests.clients.caller import Json, calling
from tests.clients.photos import upload
from tests.conftest import Served
from tests.world import ADMIN, ELSEWHERE, INSIDE, NEIGHBOUR, OFFICER, OUTSIDE, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

SHOWN = """
... on EvidenceAdded {
  version
  report { version category { slug } location { lon lat } neighbourhood { code } visibility }
  evidence {
    id kind remark original hiddenReason photo { url }
    measurement { quantity value unit }
    correction { location { lon lat } category { slug } decision }
  }
}
"""
EVIDENCE = "query($id: ID!) { node(id: $id) { ... on Evidence { remark original correction { category { slug } } } } }"
FAR = Viewer(OFFICER.role, "ver/desk", "ver", frozenset({"GM0363"}))


async def add(served: Served, viewer: Viewer, made: str = SHOWN, **given: Any) -> Json:
    async with calling(served, viewer) as caller:
        return await caller.attempt("addEvidence", made, **given)


async def new(served: Served, **given: Any) -> str:
    return make_id("Report", (await submit(served.db, **given)).id)


async def test_a_measurement_with_a_photo_and_a_remark(shared: Served) -> None:
    measured = {"quantity": "sound level", "value": 71, "unit": "dB(A)"}
    async with calling(shared, NEIGHBOUR) as bram:
        photo = await upload(bram)
        given = {"reportId": await new(shared), "measurement": measured, "uploadId": photo, "remark": "Elke nacht"}
        piece = (await bram.mutate("addEvidence", SHOWN, **given))["evidence"]
    assert (piece["kind"], piece["remark"], piece["measurement"]) == ("MEASUREMENT", "Elke nacht", measured)
    assert piece["photo"]["url"]
    assert piece["correction"] is None


async def test_the_reporters_correction_is_in_the_answer(shared: Served) -> None:
    report = await new(shared)
    correction = {"location": ELSEWHERE._asdict(), "category": "afval"}
    made = await add(shared, RESIDENT, reportId=report, correction=correction)
    assert made["evidence"]["kind"] == "CORRECTION"
    assert made["evidence"]["correction"] == {
        "location": ELSEWHERE._asdict(),
        "category": {"slug": "afval"},
        "decision": "ACCEPTED",
    }
    assert made["report"] == {
        "version": 4,
        "category": {"slug": "afval"},
        "location": ELSEWHERE._asdict(),
        "neighbourhood": None,
        "visibility": "PUBLIC",
    }
    assert made["version"] == 2


@pytest.mark.parametrize(
    ("correction", "accept", "kind", "made"),
    [
        ({"location": ELSEWHERE._asdict()}, True, "ReportMoved", "... on ReportMoved { version }"),
        (
            {"category": "verlichting"},
            True,
            "CategoryChanged",
            "... on CategoryChanged { version from { slug } to { slug } }",
        ),
        ({"category": "afval"}, False, "CorrectionDeclined", "... on CorrectionDeclined { version evidence { id } }"),
    ],
)
async def test_a_neighbours_correction_is_decided_on(
    shared: Served, correction: Json, accept: bool, kind: str, made: str
) -> None:
    report = await new(shared)
    proposed = (await add(shared, NEIGHBOUR, reportId=report, correction=correction))["evidence"]
    assert proposed["correction"]["decision"] == "PENDING"
    async with calling(shared, RESIDENT) as anna:
        decided = await anna.mutate("decideCorrection", made, evidenceId=proposed["id"], accept=accept)
        again = await anna.attempt("decideCorrection", evidenceId=proposed["id"], accept=accept)
    assert (decided["__typename"], decided["version"]) == (kind, 3)
    if kind == "CategoryChanged":
        assert (decided["from"], decided["to"]) == ({"slug": "glas"}, {"slug": "verlichting"})
    assert again["code"] == "InvalidCorrection"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"correction": {}}, "InvalidCorrection"),
        ({"correction": {"category": "glas"}}, "InvalidCorrection"),
        ({"correction": {"location": INSIDE._asdict()}}, "InvalidCorrection"),
        ({"correction": {"category": "niets"}}, "UnknownCategory"),
        ({"correction": {"location": OUTSIDE._asdict()}}, "OutsideKnownArea"),
        ({"correction": {"location": {"lon": 400, "lat": 0}}}, "InvalidLocation"),
        ({"measurement": {"quantity": "", "value": 1, "unit": "m"}}, "InvalidMeasurement"),
        (
            {"measurement": {"quantity": "a", "value": 1, "unit": "m"}, "correction": {"category": "afval"}},
            "InvalidEvidence",
        ),
    ],
)
async def test_what_cannot_be(shared: Served, given: Json, code: str) -> None:
    assert (await add(shared, NEIGHBOUR, reportId=await new(shared), **given))["code"] == code


async def test_personal_data_are_told_of_then_masked(shared: Served) -> None:
    report, text = await new(shared), "Van de auto AB-12-CD"
    findings = "... on PersonalDataFound { findings { kind start end } }"
    refused = await add(shared, NEIGHBOUR, findings, reportId=report, remark=text)
    assert (refused["code"], refused["findings"]) == (
        "PersonalDataFound",
        [{"kind": "LICENCE_PLATE", "start": 12, "end": 20}],
    )
    async with calling(shared, NEIGHBOUR) as bram:
        asked = await bram.run(
            "query($id: ID!) { report(id: $id) { version evidence { nodes { id } } } }", {"id": report}
        )
    assert asked["report"] == {"version": 1, "evidence": {"nodes": []}}, "nothing was stored"
    piece = (await add(shared, NEIGHBOUR, reportId=report, remark=text, maskPersonalData=True))["evidence"]
    assert piece["remark"].startswith("Van de auto [")
    for viewer, original in ((NEIGHBOUR, None), (FAR, None), (OFFICER, text), (POLICE, text), (ADMIN, text)):
        async with calling(shared, viewer) as caller:
            shown = (await caller.run(EVIDENCE, {"id": piece["id"]}))["node"]
        assert (shown["remark"], shown["original"]) == (piece["remark"], original), viewer


async def test_a_proposal_does_not_name_what_its_readers_may_not_know_of(shared: Served) -> None:
    report = await new(shared)
    proposed = (await add(shared, NEIGHBOUR, reportId=report, correction={"category": "drugs"}))["evidence"]
    assert proposed["correction"]["category"] is None
    for viewer, seen in ((RESIDENT, None), (FAR, None), (OFFICER, None), (POLICE, {"slug": "drugs"})):
        async with calling(shared, viewer) as caller:
            shown = (await caller.run(EVIDENCE, {"id": proposed["id"]}))["node"]
        assert shown["correction"]["category"] == seen, viewer


async def test_a_category_that_closes_the_report_is_answered_without_it(shared: Served) -> None:
    report = await new(shared)
    made = await add(shared, RESIDENT, reportId=report, correction={"category": "drugs"})
    assert made["report"] is None
    async with calling(shared, POLICE) as police:
        asked = await police.run("query($id: ID!) { report(id: $id) { visibility } }", {"id": report})
    assert asked["report"]["visibility"] == Visibility.POLICE
