"""Notifications as apps see them: live within a second, page by page, and of what the caller follows."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from geo.db import Database
from geo.models import Visibility
from geo.viewer import ANONYMOUS
from schema.nodes import make_id
from tests.clients.caller import Caller, Json, calling
from tests.clients.refusals import refusal
from tests.clients.watchers import watch
from tests.conftest import Served, running
from tests.world import ELSEWHERE, INSIDE, NEIGHBOUR, OFFICER, RESIDENT, submit

pytestmark = pytest.mark.anyio

TOLD = """
fragment Told on Notification {
  id readAt asksForRating text english: text(language: EN)
  report { id number } alert { id } alertEvent { __typename } event { __typename version report { id } }
}
"""
PAGE = f"""
query Page($first: Int!, $after: String) {{
  notifications(first: $first, after: $after) {{
    unread liveCursor nodes {{ ...Told }} pageInfo {{ hasNextPage endCursor }}
  }}
}}
{TOLD}"""
LIVE = f"""
subscription Live($after: Cursor) {{
  notifications(after: $after) {{
    __typename
    ... on NotificationReceived {{ cursor notification {{ ...Told }} }}
    ... on Resync {{ cursor reason }}
  }}
}}
{TOLD}"""
FOLLOWED = "... on Followed { report { id } area { code } }"
UNFOLLOWED = "... on Unfollowed { report { id } area { code } }"


@pytest.fixture
async def notifying(database_url: str, world: Database, tmp_path: Path) -> AsyncIterator[Served]:
    """A server that notifies."""
    async with running(database_url, world, tmp_path, run_worker=True) as served:
        yield served


async def page(caller: Caller, first: int = 50, after: str | None = None) -> Json:
    found: Json = (await caller.run(PAGE, {"first": first, "after": after}))["notifications"]
    return found


async def here(caller: Caller) -> str:
    return str((await page(caller))["liveCursor"])


async def heard(watcher: Any) -> Json:
    event = await watcher.next()
    assert event["__typename"] == "NotificationReceived", event
    told: Json = event["notification"]
    return told


async def test_the_involved_hear_of_it_live_and_whoever_did_it_does_not(notifying: Served) -> None:
    async with (
        calling(notifying, RESIDENT) as anna,
        calling(notifying, NEIGHBOUR) as bram,
        calling(notifying, OFFICER) as officer,
        watch(notifying, RESIDENT, document=LIVE, after=await here(anna)) as to_anna,
        watch(notifying, NEIGHBOUR, document=LIVE, after=await here(bram)) as to_bram,
    ):
        report_id = await anna.submit(INSIDE)
        await bram.mutate("confirmReport", reportId=report_id, verdict="STILL_THERE")
        confirmed = await heard(to_anna)
        number = confirmed["report"]["number"]
        assert confirmed["event"] == {"__typename": "ReportConfirmed", "version": 2, "report": {"id": report_id}}
        assert confirmed["text"] == f"Uw melding {number} (Glas op straat) is er nog, zegt iemand ter plaatse."
        assert (
            confirmed["english"] == f"Your report {number} (Glas op straat) is still there, says somebody on the spot."
        )
        assert confirmed["asksForRating"] is False
        await officer.mutate("changeStatus", reportId=report_id, to="RESOLVED")
        for watcher, whose in ((to_anna, "Uw melding"), (to_bram, "Melding")):
            resolved = await heard(watcher)
            assert resolved["text"] == f"{whose} {number} (Glas op straat) is opgelost."
            assert resolved["asksForRating"] is True
        assert len(to_bram.told) == 1


async def test_what_was_missed_comes_once_and_in_order(notifying: Served) -> None:
    async with calling(notifying, RESIDENT) as anna, calling(notifying, OFFICER) as officer:
        start = await here(anna)
        report_id = await anna.submit(INSIDE)
        for status in ("ROUTED", "SCHEDULED", "UNDER_WAY"):
            await officer.mutate("changeStatus", reportId=report_id, to=status)
        async with watch(notifying, RESIDENT, document=LIVE, after=start) as watcher:
            first = await watcher.next()
            assert [(await heard(watcher))["event"]["version"] for _ in range(2)] == [3, 4]
        async with watch(notifying, RESIDENT, document=LIVE, after=first["cursor"]) as watcher:
            assert [(await heard(watcher))["event"]["version"] for _ in range(2)] == [3, 4]


async def test_a_page_is_read_and_marked(notifying: Served) -> None:
    async with (
        calling(notifying, RESIDENT) as anna,
        calling(notifying, NEIGHBOUR) as bram,
        calling(notifying, OFFICER) as officer,
        watch(notifying, RESIDENT, document=LIVE, after=await here(anna)) as watcher,
    ):
        report_id = await anna.submit(INSIDE)
        for status in ("ROUTED", "SCHEDULED", "UNDER_WAY"):
            await officer.mutate("changeStatus", reportId=report_id, to=status)
            await watcher.next()
        newest = await page(anna, first=2)
        oldest = await page(anna, first=2, after=newest["pageInfo"]["endCursor"])
        assert newest["pageInfo"]["hasNextPage"] is True
        assert oldest["pageInfo"]["hasNextPage"] is False
        nodes = newest["nodes"] + oldest["nodes"]
        assert [node["event"]["version"] for node in nodes] == [4, 3, 2]
        assert newest["unread"] == 3
        ids = [node["id"] for node in nodes]
        marked = "... on MarkedRead { unread }"
        assert (await bram.mutate("markRead", marked, ids=ids))["unread"] == 0
        assert (await anna.mutate("markRead", marked, ids=ids[:1]))["unread"] == 2
        assert [node["readAt"] is None for node in (await page(anna))["nodes"]] == [False, True, True]
        assert (await anna.mutate("markRead", marked))["unread"] == 0
        document = "query One($id: ID!) { node(id: $id) { id ... on Notification { text } } }"
        assert (await anna.run(document, {"id": ids[0]}))["node"]["id"] == ids[0]
        assert (await bram.run(document, {"id": ids[0]}))["node"] is None
        async with calling(notifying) as anybody:
            assert (await anybody.run(document, {"id": ids[0]}))["node"] is None


async def test_who_follows_hears_until_they_do_not(notifying: Served) -> None:
    async with (
        calling(notifying, RESIDENT) as anna,
        calling(notifying, NEIGHBOUR) as bram,
        calling(notifying, OFFICER) as officer,
        watch(notifying, NEIGHBOUR, document=LIVE, after=await here(bram)) as watcher,
    ):
        area, key = {"code": "WK051829"}, "0123456789abcdef"
        for _ in range(2):
            followed = await bram.mutate("follow", FOLLOWED, target=area, idempotencyKey=key)
            assert followed == {"__typename": "Followed", "report": None, "area": area}
        report_id = await anna.submit(INSIDE)
        told = await heard(watcher)
        assert told["event"]["__typename"] == "ReportSubmitted"
        assert told["text"].startswith("Melding ")
        report = {"reportId": report_id}
        assert (await bram.mutate("follow", FOLLOWED, target=report))["report"] == {"id": report_id}
        await officer.mutate("changeStatus", reportId=report_id, to="ROUTED")
        assert (await heard(watcher))["event"]["version"] == 2
        await bram.mutate("unfollow", UNFOLLOWED, target=report)
        await bram.mutate("unfollow", UNFOLLOWED, target=area)
        await officer.mutate("changeStatus", reportId=report_id, to="RESOLVED")
        other = await anna.submit(ELSEWHERE)
        await bram.mutate("follow", FOLLOWED, target={"reportId": other})
        await officer.mutate("changeStatus", reportId=other, to="ROUTED")
        assert (await heard(watcher))["report"]["id"] == other, "nothing came in between"


async def test_what_can_not_be_followed(shared: Served) -> None:
    hidden = await submit(shared.db, visibility=Visibility.AUTHORITIES)
    none = "01a20d2e-509d-7368-922d-fe4da650803d"
    async with calling(shared, NEIGHBOUR) as bram, calling(shared) as anybody:
        secret, unknown = [
            await bram.attempt("follow", FOLLOWED, target={"reportId": make_id("Report", key)})
            for key in (hidden.id, none)
        ]
        assert secret == unknown
        assert secret["code"] == "UnknownReport"
        assert (await bram.attempt("follow", FOLLOWED, target={"code": "WK999999"}))["code"] == "UnknownArea"
        assert (await bram.attempt("follow", FOLLOWED, target={"reportId": "x"}))["code"] == "InvalidId"
        target = {"code": "WK051829"}
        assert (await anybody.attempt("follow", FOLLOWED, target=target))["code"] == "NotPermitted"
        assert (await anybody.attempt("unfollow", UNFOLLOWED, target=target))["code"] == "NotPermitted"


async def test_notifications_are_of_somebody(shared: Served) -> None:
    async with calling(shared, ANONYMOUS) as anybody:
        for document in (
            "query { notifications { nodes { id } } }",
            "query { preferences { mail } }",
            "subscription { notifications { __typename } }",
        ):
            assert (await refusal(anybody, document))["code"] == "NotPermitted", document
        assert (await anybody.attempt("markRead", "... on MarkedRead { unread }"))["code"] == "NotPermitted"


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"mail": "EACH"}, "InvalidPreferences", ["input", "email"]),
        ({"email": "anna at example"}, "InvalidContact", ["input", "email"]),
        ({"quietFrom": 22}, "InvalidPreferences", ["input", "quietUntil"]),
        ({"quietFrom": 7, "quietUntil": 7}, "InvalidPreferences", ["input", "quietUntil"]),
        ({"quietFrom": 24, "quietUntil": 7}, "InvalidPreferences", ["input", "quietFrom"]),
    ],
)
async def test_preferences_that_make_no_sense_are_refused(
    shared: Served, given: Json, code: str, path: list[str]
) -> None:
    async with calling(shared, RESIDENT) as anna:
        problem = await anna.attempt("setPreferences", "... on Problem { path }", **given)
        assert (problem["code"], problem["path"]) == (code, path)


async def test_preferences_are_kept_and_go_back_to_their_defaults(shared: Served) -> None:
    document = "{ preferences { language mail email emailConfirmed quietFrom quietUntil } }"
    address = {"mail": "OFF", "email": None, "emailConfirmed": False}
    defaults = {"language": "NL", "quietFrom": None, "quietUntil": None, **address}
    async with calling(shared, NEIGHBOUR) as bram:
        assert (await bram.run(document, {}))["preferences"] == defaults
        await bram.mutate("setPreferences", "__typename", language="EN", quietFrom=22, quietUntil=7)
        kept = {"language": "EN", "quietFrom": 22, "quietUntil": 7, **address}
        assert (await bram.run(document, {}))["preferences"] == kept
        await bram.mutate("setPreferences", "__typename")
        assert (await bram.run(document, {}))["preferences"] == defaults
