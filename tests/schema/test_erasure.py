"""What is erased, and what is not: one message or all, on both sides of a merge, hidden things, and races."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from geo.db import Database
from geo.models import Visibility
from schema.nodes import make_id
from tests.clients.caller import Caller, Json, calling
from tests.clients.photos import upload
from tests.conftest import Served, running
from tests.schema.test_consent import APP, DONE, MADE, consent, rows_with
from tests.world import INSIDE, NEIGHBOUR, OFFICER, POLICE, RESIDENT, build, submit

pytestmark = pytest.mark.anyio

READ = "query($id: ID!) { node(id: $id) { ... on Report { description original hiddenReason confirmations version } } }"


@pytest.fixture
async def served(database_url: str, db: Database, tmp_path: Path) -> AsyncIterator[Served]:
    await build(db)
    async with running(database_url, db, tmp_path) as server:
        yield server


@pytest.fixture
async def app(served: Served) -> AsyncIterator[Caller]:
    async with calling(served, APP) as caller:
        yield caller


async def register(app: Caller, key: str, text: str, **changes: Any) -> Json:
    given = {"source": "buurtapp", "externalId": key, "author": "anna", "text": text, "location": INSIDE._asdict()}
    whole = {**given, "category": "glas", "confirmNew": True, "consent": consent(), **changes}
    return await app.mutate("registerMessage", MADE, **whole)


async def withdraw(app: Caller, **given: Any) -> dict[str, int]:
    done = await app.mutate("withdrawConsent", DONE, **given)
    return {one["what"]: one["count"] for one in done["erased"]}


async def erase(caller: Caller, report_id: str) -> dict[str, int]:
    done = await caller.mutate("eraseContribution", DONE, reportId=report_id)
    return {one["what"]: one["count"] for one in done["erased"]}


async def read(caller: Caller, report_id: str) -> Json:
    found: Json = (await caller.run(READ, {"id": report_id}))["node"]
    return found


async def test_of_one_message_goes_what_it_made_and_nothing_else(served: Served, app: Caller) -> None:
    report_id = (await register(app, "post-1", "Glas eerste"))["event"]["reportId"]
    await register(app, "post-2", "Glas tweede", sameAs=report_id)
    counts = await withdraw(app, source="buurtapp", externalId="post-2")
    assert counts == counts | {"messages": 1, "evidence": 1}
    assert "descriptions" not in counts
    assert await rows_with(served.db, "tweede") == {}
    assert (await read(app, report_id))["description"] == "Glas eerste"
    assert "involvement" in await rows_with(served.db, "buurtapp/anna")
    await withdraw(app, source="buurtapp", externalId="post-1")
    assert await rows_with(served.db, "eerste") == {}
    assert await rows_with(served.db, "buurtapp/anna") == {}


async def test_naming_the_author_with_a_message_does_not_widen_it(served: Served, app: Caller) -> None:
    await register(app, "post-1", "Glas eerste")
    await register(app, "post-2", "Glas tweede")
    assert (await withdraw(app, source="buurtapp", externalId="post-1", author="anna"))["messages"] == 1
    other = await app.attempt("withdrawConsent", DONE, source="buurtapp", externalId="post-2", author="bram")
    assert other["code"] == "UnknownMessage"
    assert (await withdraw(app, author="anna"))["messages"] == 1


async def test_a_message_keeps_its_author(app: Caller) -> None:
    await register(app, "post-1", "Glas")
    given = {"source": "buurtapp", "externalId": "post-1", "author": "bram", "text": "Glas", "consent": consent()}
    refused = await app.attempt("registerMessage", MADE, **given)
    assert refused["code"] == "NotPermitted"


async def test_erasing_ones_part_takes_the_message_along_and_an_edit_brings_nothing_back(
    served: Served, app: Caller
) -> None:
    report_id = (await register(app, "post-1", "Glas eerste"))["event"]["reportId"]
    app.http.headers["Bart-Resident"] = "anna"
    assert (await erase(app, report_id))["messages"] == 1
    assert await rows_with(served.db, "eerste") == {}
    assert await rows_with(served.db, "buurtapp/anna") == {}


async def test_an_edit_shows_nothing_that_is_hidden_or_erased(served: Served, app: Caller) -> None:
    base = make_id("Report", (await submit(served.db, by=NEIGHBOUR)).id)
    await register(app, "post-1", "Vies woord", sameAs=base)
    document = "query($id: ID!) { report(id: $id) { evidence { nodes { id remark original hiddenReason } } } }"
    async with calling(served, OFFICER) as desk:
        (piece,) = (await desk.run(document, {"id": base}))["report"]["evidence"]["nodes"]
        await desk.mutate("hideContent", evidenceId=piece["id"], reason="OFFENSIVE")
        await register(app, "post-1", "Nog een vies woord", sameAs=base)
        (told,) = (await desk.run(document, {"id": base}))["report"]["evidence"]["nodes"]
        assert told == piece | {"remark": None, "original": "Nog een vies woord", "hiddenReason": "OFFENSIVE"}
        (public,) = (await app.run(document, {"id": base}))["report"]["evidence"]["nodes"]
        assert (public["remark"], public["original"]) == (None, None)


async def test_both_sides_of_merges_are_erased(served: Served) -> None:
    async with calling(served, RESIDENT) as anna, calling(served, OFFICER) as desk:
        a, b, c = [make_id("Report", (await submit(served.db, by=NEIGHBOUR)).id) for _ in range(3)]
        await anna.mutate("confirmReport", reportId=a, verdict="STILL_THERE")
        await anna.mutate("addEvidence", reportId=a, remark="Merkwaardig")
        await desk.mutate("mergeReports", duplicateId=a, intoId=b)
        await desk.mutate("mergeReports", duplicateId=b, intoId=c)
        await erase(anna, a)
        assert await rows_with(served.db, "residents/anna") == {}
        assert await rows_with(served.db, "Merkwaardig") == {}
        await desk.mutate("undoMerge", reportId=b)
        assert (await read(desk, c))["confirmations"] == 0
        assert (await read(desk, b))["confirmations"] == 1


async def test_an_edit_of_what_was_merged_is_told_where_it_is_now(served: Served, app: Caller) -> None:
    a, b = [make_id("Report", (await submit(served.db, by=NEIGHBOUR)).id) for _ in range(2)]
    await register(app, "post-1", "Hier ook", sameAs=a)
    async with calling(served, OFFICER) as desk:
        await desk.mutate("mergeReports", duplicateId=a, intoId=b)
        before = (await read(desk, b))["version"]
        edited = await register(app, "post-1", "Hier ook nog", sameAs=a)
        assert edited["event"]["reportId"] == b
        assert (await read(desk, b))["version"] == before + 1


async def test_the_reporter_of_a_sensitive_report_has_it_erased_too(served: Served) -> None:
    secret = await submit(served.db, category="drugs", visibility=Visibility.POLICE, description="Een geheim")
    async with calling(served, RESIDENT) as anna, calling(served, NEIGHBOUR) as bram:
        refused = await bram.attempt("eraseContribution", DONE, reportId=make_id("Report", secret.id))
        assert refused["code"] == "UnknownReport"
        assert (await erase(anna, make_id("Report", secret.id)))["descriptions"] == 1
    assert await rows_with(served.db, "Een geheim") == {}


async def test_a_report_that_is_not_there_is_unknown(served: Served) -> None:
    async with calling(served, NEIGHBOUR) as bram:
        refused = await bram.attempt("eraseContribution", DONE, reportId=make_id("Report", uuid4()))
    assert refused["code"] == "UnknownReport"


async def test_who_has_no_part_in_a_report_changes_nothing(served: Served) -> None:
    report_id = make_id("Report", (await submit(served.db)).id)
    async with calling(served, NEIGHBOUR) as bram:
        assert await erase(bram, report_id) == {}
        assert (await read(bram, report_id))["version"] == 1


async def test_an_edit_tells_nothing_of_what_became_of_a_sensitive_report(served: Served, app: Caller) -> None:
    first = await register(app, "post-1", "Er wordt gedeald", category="drugs")
    async with calling(served, POLICE) as police:
        await police.mutate("changeStatus", reportId=first["event"]["reportId"], to="UNDER_WAY")
    edited = await register(app, "post-1", "Er wordt gedeald, elke avond", category="drugs")
    assert edited["event"] == first["event"]


async def test_a_photo_may_come_with_a_sensitive_message(served: Served, app: Caller) -> None:
    app.http.headers["Bart-Resident"] = "anna"
    photo = await upload(app)
    made = await register(app, "post-1", "Er wordt gedeald", category="drugs", uploadIds=[photo])
    async with calling(served, POLICE) as police:
        document = "query($id: ID!) { report(id: $id) { evidence { nodes { kind } } } }"
        found = (await police.run(document, {"id": made["event"]["reportId"]}))["report"]["evidence"]["nodes"]
    assert found == [{"kind": "PHOTO"}]


async def test_withdrawing_while_it_is_registered_goes_one_way_or_the_other(served: Served, app: Caller) -> None:
    for _ in range(8):
        await register(app, "post-1", "Glas")
        made, done = await asyncio.gather(
            register(app, "post-1", "Glas, nog steeds"), withdraw(app, source="buurtapp", externalId="post-1")
        )
        assert made["__typename"] == "MessageRegistered"
        assert done["messages"] == 1


async def test_erasing_and_merging_at_once_wait_for_each_other(served: Served) -> None:
    """None of them ends in an error of ours, as a deadlock would be."""
    async with calling(served, RESIDENT) as anna, calling(served, POLICE) as police:
        for _ in range(6):
            a, b = [make_id("Report", (await submit(served.db)).id) for _ in range(2)]
            await police.mutate("mergeReports", duplicateId=a, intoId=b)
            await asyncio.gather(
                anna.attempt("eraseContribution", DONE, reportId=a),
                police.attempt("changeVisibility", reportId=b, to="INVOLVED"),
                police.attempt("undoMerge", reportId=a),
            )


async def test_an_answer_to_an_alert_is_erased_too(served: Served) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    alert = {"area": {"code": "WK051829"}, "severity": "WARNING", "text": "Let op", "validUntil": until}
    async with calling(served, RESIDENT) as anna, calling(served, POLICE) as police:
        published = (await police.mutate("publishAlert", "... on AlertEvent { alertId }", **alert))["alertId"]
        await anna.mutate("answerAlert", "", alertId=published, text="Een wit busje", uploadId=await upload(anna))
        done = await anna.mutate("eraseContribution", DONE, alertId=published)
    assert {one["what"]: one["count"] for one in done["erased"]} == {"alertAnswers": 1, "photos": 1}
    assert await rows_with(served.db, "wit busje") == {}
    assert await rows_with(served.db, "residents/anna") == {}


async def test_following_a_report_is_no_tie_to_it(served: Served) -> None:
    report_id = make_id("Report", (await submit(served.db, by=NEIGHBOUR)).id)
    async with calling(served, RESIDENT) as anna, calling(served, NEIGHBOUR) as bram, calling(served, OFFICER) as desk:
        await anna.mutate("follow", "", target={"reportId": report_id})
        await desk.mutate("changeVisibility", reportId=report_id, to="INVOLVED")
        assert await read(anna, report_id) is None
        assert (await read(bram, report_id))["description"]
