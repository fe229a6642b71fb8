"""A cursor belongs to the list it was given for: of any other it is refused by name, however it was come by."""

import base64
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from geo.cursor import Cursors, FeedCursor, PageCursor
from schema.nodes import make_id
from tests.clients.caller import Json, calling
from tests.clients.refusals import refusal
from tests.conftest import Served
from tests.world import NEIGHBOUR, RESIDENT, submit

pytestmark = pytest.mark.anyio

PAGE = """query($area: AreaInput!, $filter: ReportFilter, $order: ReportOrder! = SUBMITTED_NEWEST, $after: String) {
  reports(area: $area, filter: $filter, orderBy: $order, first: 1, after: $after) {
    liveCursor pageInfo { endCursor } nodes { id }
  }
}"""
NESTED = """query($id: ID!, $evidence: String, $timeline: String) { report(id: $id) {
  evidence(first: 1, after: $evidence) { pageInfo { endCursor } }
  timeline(first: 1, after: $timeline) { pageInfo { endCursor } }
} }"""
AREAS = """query($kind: AreaKind, $search: String, $after: String) {
  areas(kind: $kind, search: $search, first: 1, after: $after) { pageInfo { endCursor } }
}"""
WATCH = """subscription($after: Cursor) {
  reportEvents(area: {code: "WK051829"}, after: $after) { __typename }
}"""
AREA = {"code": "WK051829"}
BOX = {"bbox": {"west": 4.28, "south": 52.06, "east": 4.3, "north": 52.07}}


def forgeries(cursor: str) -> list[str]:
    """What somebody might make of a cursor, and what might be taken for one."""
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    flipped = bytes([raw[0] ^ 1]) + raw[1:], raw[:-1] + bytes([raw[-1] ^ 1]), raw[:20], raw + b"x", raw[1:]
    strangers = Cursors("another secret, of more than 32 characters")
    return [
        *(base64.urlsafe_b64encode(changed).decode().rstrip("=") for changed in flipped),
        strangers.seal_feed(FeedCursor(UUID(int=0), 1)),
        strangers.seal_page("x", PageCursor(datetime(2026, 1, 1, tzinfo=UTC), UUID(int=0))),
        cursor[:-4],
        cursor * 2,
        *("", "x", "////", "é", "\x00", "null", "0", make_id("Report", uuid4()), "x" * 100_000),
    ]


async def refused(served: Served, document: str, variables: Json) -> None:
    async with calling(served, RESIDENT) as anna:
        told = await refusal(anna, document, variables)
    assert (told["code"], told["path"]) == ("InvalidCursor", ["after"]), variables


async def test_a_page_goes_on_only_with_the_same_area_filter_and_order(shared: Served) -> None:
    for _ in range(2):
        await submit(shared.db)
    async with calling(shared, RESIDENT) as anna:
        first = (await anna.run(PAGE, {"area": AREA}))["reports"]
        after = first["pageInfo"]["endCursor"]
        second = (await anna.run(PAGE, {"area": AREA, "after": after}))["reports"]
        assert second["nodes"] != first["nodes"]
        assert (await anna.run(PAGE, {"area": AREA, "order": "SUBMITTED_NEWEST", "after": after}))["reports"] == second
        of_box = (await anna.run(PAGE, {"area": BOX}))["reports"]["pageInfo"]["endCursor"]
        await anna.run(PAGE, {"area": BOX, "after": of_box})
    async with calling(shared, NEIGHBOUR) as bram:  # for whom it leads to what he may see
        assert (await bram.run(PAGE, {"area": AREA, "after": after}))["reports"]["nodes"]
    for other in (
        {"area": {"code": "GM0518"}},
        {"area": BOX},
        {"area": AREA, "filter": {"statuses": ["REPORTED"]}},
        {"area": AREA, "order": "SUBMITTED_OLDEST"},
        {"area": AREA, "order": "UPDATED_NEWEST"},
    ):
        await refused(shared, PAGE, {**other, "after": after})
    await refused(shared, PAGE, {"area": AREA, "after": of_box})
    smaller = {"bbox": BOX["bbox"] | {"west": 4.2800001}}
    await refused(shared, PAGE, {"area": smaller, "after": of_box})
    for forged in (first["liveCursor"], *forgeries(after)):
        await refused(shared, PAGE, {"area": AREA, "after": forged})


async def test_nested_lists_have_cursors_of_their_own(shared: Served) -> None:
    one, two = [make_id("Report", (await submit(shared.db)).id) for _ in range(2)]
    async with calling(shared, RESIDENT) as anna:
        await anna.mutate("addEvidence", reportId=one, remark="Nog meer glas")
        found = (await anna.run(NESTED, {"id": one}))["report"]
        evidence, timeline = (found[name]["pageInfo"]["endCursor"] for name in ("evidence", "timeline"))
        await anna.run(NESTED, {"id": one, "evidence": evidence, "timeline": timeline})
        page = (await anna.run(PAGE, {"area": AREA}))["reports"]["pageInfo"]["endCursor"]
    for name, right, wrong in (("evidence", evidence, timeline), ("timeline", timeline, evidence)):
        await refused(shared, NESTED, {"id": two, name: right})
        for forged in (wrong, page, *forgeries(right)):
            await refused(shared, NESTED, {"id": one, name: forged})


async def test_areas_have_cursors_of_their_own(shared: Served) -> None:
    async with calling(shared) as caller:
        after = (await caller.run(AREAS, {}))["areas"]["pageInfo"]["endCursor"]
        await caller.run(AREAS, {"after": after})
    for other in ({"kind": "DISTRICT"}, {"search": "zuid"}):
        await refused(shared, AREAS, {**other, "after": after})
    for forged in forgeries(after):
        await refused(shared, AREAS, {"after": forged})


async def test_events_follow_only_a_place_in_the_feed(shared: Served) -> None:
    report = make_id("Report", (await submit(shared.db)).id)
    one = f'subscription($after: Cursor) {{ report(id: "{report}", after: $after) {{ __typename }} }}'
    async with calling(shared, RESIDENT) as anna:
        found = (await anna.run(PAGE, {"area": AREA}))["reports"]
    for document in (WATCH, one):
        for forged in (found["pageInfo"]["endCursor"], *forgeries(found["liveCursor"])):
            await refused(shared, document, {"after": forged})
        no_cursors: list[object] = [5, True, ["x"], {}]
        for value in no_cursors:
            await refused(shared, document, {"after": value})
