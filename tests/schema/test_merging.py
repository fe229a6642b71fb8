"""After a merge the old id and number lead to the report that goes on, and the old report says where it went."""

from typing import Any

import pytest

from geo.models import Report, Visibility
from geo.viewer import ANONYMOUS, Viewer
from schema.nodes import make_id
from tests.clients.caller import Json, calling
from tests.conftest import Served
from tests.world import NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

MERGED = "... on ReportMerged { reportId version intoId into { id } report { status mergedInto { id } } }"
UNDONE = "... on MergeUndone { reportId version otherId report { status mergedInto { id } } }"
BY_ID = "query($id: ID!) { report(id: $id) { id } }"
BY_NUMBER = "query($number: String!) { report(number: $number) { id } }"
ITSELF = """query($id: ID!) { node(id: $id) { ... on Report {
  id status mergedInto { id } timeline { nodes { __typename ... on ReportMerged { intoId } } }
} } }"""


def key(report: Report) -> str:
    return str(make_id("Report", report.id))


async def ask(served: Served, document: str, viewer: Viewer = ANONYMOUS, **variables: Any) -> Any:
    async with calling(served, viewer) as caller:
        answer: Json = await caller.run(document, variables)
    (found,) = answer.values()
    return found


async def merge(served: Served, duplicate: Report, into: Report) -> Json:
    async with calling(served, OFFICER) as desk:
        return await desk.mutate("mergeReports", MERGED, duplicateId=key(duplicate), intoId=key(into))


async def test_the_old_id_and_number_lead_on(shared: Served) -> None:
    duplicate, into = await submit(shared.db), await submit(shared.db)
    assert await merge(shared, duplicate, into) == {
        "__typename": "ReportMerged",
        "reportId": key(duplicate),
        "version": 2,
        "intoId": key(into),
        "into": {"id": key(into)},
        "report": {"status": "MERGED", "mergedInto": {"id": key(into)}},
    }
    assert (await ask(shared, BY_ID, id=key(duplicate)))["id"] == key(into)
    assert (await ask(shared, BY_NUMBER, number=duplicate.number))["id"] == key(into)
    itself = await ask(shared, ITSELF, id=key(duplicate))
    assert (itself["id"], itself["status"], itself["mergedInto"]["id"]) == (key(duplicate), "MERGED", key(into))
    assert itself["timeline"]["nodes"][-1] == {"__typename": "ReportMerged", "intoId": key(into)}
    async with calling(shared, NEIGHBOUR) as bram:
        confirmed = await bram.mutate("confirmReport", reportId=key(duplicate), verdict="STILL_THERE")
    assert confirmed["reportId"] == key(into)


async def test_a_merge_is_undone(shared: Served) -> None:
    duplicate, into = await submit(shared.db), await submit(shared.db)
    await merge(shared, duplicate, into)
    async with calling(shared, OFFICER) as desk:
        undone = await desk.mutate("undoMerge", UNDONE, reportId=key(duplicate))
        again = await desk.attempt("undoMerge", UNDONE, reportId=key(duplicate))
    assert undone == {
        "__typename": "MergeUndone",
        "reportId": key(duplicate),
        "version": 3,
        "otherId": key(into),
        "report": {"status": "REPORTED", "mergedInto": None},
    }
    assert again["code"] == "NotMerged"
    assert (await ask(shared, BY_ID, id=key(duplicate)))["id"] == key(duplicate)


async def test_a_list_shows_the_report_that_goes_on(server: Served) -> None:
    duplicate, into = await submit(server.db), await submit(server.db)
    await merge(server, duplicate, into)
    document = 'query { reports(area: {code: "GM0518"}) { nodes { id } } }'
    assert (await ask(server, document))["nodes"] == [{"id": key(into)}]


async def test_who_reported_the_one_is_led_to_the_other(shared: Served) -> None:
    """Both are for the involved alone; they are involved in both now, and nobody else is."""
    mine = await submit(shared.db, by=NEIGHBOUR, visibility=Visibility.INVOLVED)
    into = await submit(shared.db, by=RESIDENT, visibility=Visibility.INVOLVED)
    assert await ask(shared, BY_ID, NEIGHBOUR, id=key(into)) is None
    await merge(shared, mine, into)
    assert (await ask(shared, BY_ID, NEIGHBOUR, id=key(mine)))["id"] == key(into)
    assert (await ask(shared, BY_NUMBER, NEIGHBOUR, number=mine.number))["id"] == key(into)
    assert (await ask(shared, ITSELF, NEIGHBOUR, id=key(mine)))["mergedInto"]["id"] == key(into)
    for document, given in ((BY_ID, {"id": key(mine)}), (BY_NUMBER, {"number": mine.number})):
        assert await ask(shared, document, ANONYMOUS, **given) is None
        assert (await ask(shared, document, RESIDENT, **given))["id"] == key(into), "theirs goes on"


@pytest.mark.parametrize("viewer", [ANONYMOUS, RESIDENT], ids=["anonymous", "reporter"])
async def test_only_authorities_merge(shared: Served, viewer: Viewer) -> None:
    duplicate, into = await submit(shared.db), await submit(shared.db)
    async with calling(shared, viewer) as caller:
        refused = await caller.attempt("mergeReports", duplicateId=key(duplicate), intoId=key(into))
        assert refused["code"] == "NotPermitted"
        assert (await caller.attempt("undoMerge", reportId=key(duplicate)))["code"] == "NotPermitted"
    async with calling(shared, OFFICER) as desk:
        same = await desk.attempt("mergeReports", duplicateId=key(into), intoId=key(into))
    assert same["code"] == "MergeNotPossible"


async def test_one_key_merges_once(shared: Served) -> None:
    duplicate, into = await submit(shared.db), await submit(shared.db)
    given = {"duplicateId": key(duplicate), "intoId": key(into), "idempotencyKey": "merge-merge-merge"}
    async with calling(shared, OFFICER) as desk:
        first, second = [await desk.mutate("mergeReports", MERGED, **given) for _ in range(2)]
    assert first == second


async def test_what_is_not_for_the_public_does_not_become_so_by_a_merge(server: Served) -> None:
    secret = await submit(server.db, category="drugs", description="Een dealer", visibility=Visibility.POLICE)
    glass = await submit(server.db, by=NEIGHBOUR)
    opened = {"reportId": key(glass), "to": "PUBLIC"}
    async with calling(server, POLICE) as team:
        await team.mutate("changeVisibility", reportId=key(glass), to="POLICE")
        await team.mutate("mergeReports", duplicateId=key(secret), intoId=key(glass))
        assert (await team.attempt("changeVisibility", **opened))["code"] == "NotPermitted"
        await team.mutate("undoMerge", reportId=key(secret))
        await team.mutate("changeVisibility", **opened)
    assert await ask(server, ITSELF, id=key(secret)) is None
    document = 'query { reports(area: {code: "GM0518"}, filter: {statuses: [MERGED, REPORTED]}) { nodes { id } } }'
    assert (await ask(server, document))["nodes"] == [{"id": key(glass)}]
