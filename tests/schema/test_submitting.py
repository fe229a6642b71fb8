"""Submitting: whoever reports what is there already is asked first, personal data is not published unasked, and
officials report for those who phone or come by."""

import pytest

from geo.models import Point
from tests.clients.caller import Caller, Json, calling
from tests.conftest import Served
from tests.world import INSIDE, NEIGHBOUR, OFFICER, RESIDENT

pytestmark = pytest.mark.anyio

NEAR = Point(INSIDE.lon + 0.0002, INSIDE.lat)  # 14 m east
DRAFT = {"category": "glas", "description": "Glasscherven bij de glasbak", "location": NEAR._asdict()}
MADE = """
... on ReportSubmitted {
  reportId emergencyAdvice { phone text english: text(lang: EN) } report { description original channel status }
}
... on SimilarReportsFound { matches { score metres reasons english: reasons(lang: EN) report { id } } }
... on PersonalDataFound { findings { kind start end } }
"""


async def submit(caller: Caller, **given: object) -> Json:
    return await caller.attempt("submitReport", MADE, **{**DRAFT, **given})


async def test_what_is_there_already_is_asked_about_before_anything_is_filed(server: Served) -> None:
    async with calling(server, RESIDENT) as anna, calling(server, NEIGHBOUR) as bram:
        first = await anna.submit(INSIDE)
        key = "a key of sixteen characters or more"
        asked = await submit(bram, idempotencyKey=key)
        assert asked["__typename"] == "SimilarReportsFound"
        (match,) = asked["matches"]
        assert match["report"]["id"] == first
        assert 0.5 <= match["score"] <= 1
        assert match["metres"] == pytest.approx(13.7, abs=0.2)
        assert "zelfde categorie" in match["reasons"]
        assert "same category" in match["english"]
        assert len((await bram.snapshot({"code": "WK051829"}))[0]) == 1, "nothing was stored"
        filed = await submit(bram, confirmNew=True, idempotencyKey=key)
        assert filed["__typename"] == "ReportSubmitted", "a question does not use the key up"
        again = await submit(bram, confirmNew=True, idempotencyKey=key)
        assert again["reportId"] == filed["reportId"]


async def test_nobody_is_asked_in_an_emergency_but_told_to_phone(server: Served) -> None:
    async with calling(server, RESIDENT) as anna:
        await anna.submit(INSIDE)
        filed = await submit(anna, urgency="EMERGENCY")
    assert filed["__typename"] == "ReportSubmitted"
    assert filed["emergencyAdvice"] == {
        "phone": "112",
        "text": "Bel nu 112. Deze melding vervangt dat niet.",
        "english": "Phone 112 now. This report does not replace that.",
    }


async def test_there_is_no_such_advice_otherwise(server: Served) -> None:
    async with calling(server, RESIDENT) as anna:
        assert (await submit(anna))["emergencyAdvice"] is None


async def test_personal_data_is_given_back_or_masked_for_all_but_the_authorities(server: Served) -> None:
    text = "Bel me op 06-12345678 over het glas"
    async with calling(server, RESIDENT) as anna, calling(server, OFFICER) as desk:
        refused = await submit(anna, description=text)
        assert refused["__typename"] == "PersonalDataFound"
        assert refused["findings"] == [{"kind": "PHONE", "start": 10, "end": 21}]
        assert len((await anna.snapshot({"code": "WK051829"}))[0]) == 0, "nothing was stored"
        filed = await submit(anna, description=text, maskPersonalData=True)
        assert filed["report"]["description"] == "Bel me op [telefoonnummer] over het glas"
        assert filed["report"]["original"] is None
        document = "query($id: ID!) { report(id: $id) { description original } }"
        shown = (await desk.run(document, {"id": filed["reportId"]}))["report"]
        assert shown == {"description": "Bel me op [telefoonnummer] over het glas", "original": text}
        found = 'query($t: String) { reports(area: {code: "WK051829"}, filter: {text: $t}) { nodes { id } } }'
        assert (await desk.run(found, {"t": "12345678"}))["reports"]["nodes"] == []


CONTACT = {"name": "Mevrouw Voorbeeld", "email": "Mevrouw@Voorbeeld.nl", "phone": "070 353 30 00"}


async def test_an_official_reports_for_somebody_who_phoned(server: Served) -> None:
    document = "query($id: ID!) { report(id: $id) { channel reporter { name email phone } } }"
    async with calling(server, OFFICER) as desk, calling(server, RESIDENT) as anna:
        filed = await submit(desk, channel="CALL", contact=CONTACT)
        assert filed["report"]["channel"] == "CALL"
        seen = (await desk.run(document, {"id": filed["reportId"]}))["report"]["reporter"]
        assert seen == {"name": "Mevrouw Voorbeeld", "email": "Mevrouw@voorbeeld.nl", "phone": "+31703533000"}
        assert (await anna.run(document, {"id": filed["reportId"]}))["report"]["reporter"] is None


@pytest.mark.parametrize("given", [{"channel": "FACE"}, {"contact": CONTACT}])
async def test_a_resident_does_not(server: Served, given: Json) -> None:
    async with calling(server, RESIDENT) as anna:
        refused = await submit(anna, **given)
    assert (refused["code"], refused["hint"]) == ("NotPermitted", "Leave out `channel` and `contact`.")


async def test_contact_details_have_to_be_such(server: Served) -> None:
    async with calling(server, OFFICER) as desk:
        for wrong in ({"email": "nergens"}, {"phone": "12"}, {"name": "Zonder adres"}):
            refused = await submit(desk, channel="FACE", contact=wrong)
            assert refused["code"] == "InvalidContact"
