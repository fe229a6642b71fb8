"""What the involved say of a resolution, over HTTP; and what happens where it is none."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from geo.categories import Categories
from geo.models import Role
from geo.statuses import Statuses
from geo.tables import category, event, report
from geo.usecases.keep_time import keep_time
from geo.viewer import ANONYMOUS, Viewer
from schema.nodes import make_id
from tests.clients.caller import Caller, Json, calling
from tests.conftest import Served
from tests.geo.test_adoptions import adopt, complete
from tests.world import INSIDE, NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

RESOLUTION = "resolution { at by feedbackUntil closedAt ratings solvedShare averageScore comments mine }"
SHOWN = f"query($id: ID!) {{ report(id: $id) {{ status version resolvedAt {RESOLUTION} }} }}"
HISTORY = """query($id: ID!) { report(id: $id) { timeline(first: 50) { nodes {
    __typename actor ... on ResolutionRated { solved score } ... on StatusChanged { from to remark }
} } } }"""
RATED = "... on ResolutionRated { version actor solved score report { status version } }"
ELSEWHERE = Viewer(Role.OFFICER, "ver/desk", "ver", frozenset({"GM0363"}))


async def shown(caller: Caller, report_id: str) -> Json:
    found: Json = (await caller.run(SHOWN, {"id": report_id}))["report"]
    return found


async def resolved(served: Served, *confirmed_by: Caller) -> str:
    """A report by RESIDENT that the municipality resolved."""
    async with calling(served, RESIDENT) as anna, calling(served, OFFICER) as desk:
        report_id = await anna.submit(INSIDE)
        for caller in confirmed_by:
            await caller.mutate("confirmReport", reportId=report_id, verdict="STILL_THERE")
        await desk.mutate("changeStatus", reportId=report_id, to="RESOLVED")
    return report_id


async def test_the_involved_judge_it(shared: Served) -> None:
    async with calling(shared, RESIDENT) as anna, calling(shared, NEIGHBOUR) as bram, calling(shared) as anybody:
        report_id = await resolved(shared, bram)
        before = (await shown(anybody, report_id))["resolution"]
        assert (before["by"], before["ratings"], before["solvedShare"], before["averageScore"]) == (
            "MUNICIPALITY",
            0,
            None,
            None,
        )
        made = await anna.mutate("rateResolution", RATED, reportId=report_id, solved=True, score=4, why="Netjes")
        assert (made["solved"], made["score"], made["actor"], made["report"]["status"]) == (
            True,
            4,
            "RESIDENT",
            "RESOLVED",
        )
        await bram.mutate("rateResolution", reportId=report_id, solved=True, score=1, why="Het duurde lang")
        seen = (await shown(anybody, report_id))["resolution"]
        assert (seen["ratings"], seen["solvedShare"], seen["averageScore"]) == (2, 1.0, 2.5)
        await bram.mutate("rateResolution", reportId=report_id, solved=True)
        seen = (await shown(anna, report_id))["resolution"]
        assert (seen["ratings"], seen["averageScore"], seen["mine"]) == (2, 4.0, True), "one's last word counts"
        assert (await shown(anybody, report_id))["resolution"]["mine"] is None


async def test_why_is_for_the_authorities_of_the_territory(shared: Served) -> None:
    async with calling(shared, RESIDENT) as anna, calling(shared, NEIGHBOUR) as bram:
        report_id = await resolved(shared, bram)
        await anna.mutate("rateResolution", reportId=report_id, solved=True, why="Eerste")
        await bram.mutate("rateResolution", reportId=report_id, solved=True, score=5)
        await bram.mutate("rateResolution", reportId=report_id, solved=True, score=5, why="Tweede")
    for viewer, read in (
        (OFFICER, ["Eerste", "Tweede"]),
        (POLICE, ["Eerste", "Tweede"]),
        (ELSEWHERE, []),
        (RESIDENT, []),
        (ANONYMOUS, []),
    ):
        async with calling(shared, viewer) as caller:
            assert (await shown(caller, report_id))["resolution"]["comments"] == read
            assert "Eerste" not in str(await caller.run(HISTORY, {"id": report_id}))


async def test_what_is_not_solved_is_opened_again(shared: Served) -> None:
    async with calling(shared, RESIDENT) as anna, calling(shared, OFFICER) as desk:
        report_id = await resolved(shared)
        assert (await shown(anna, report_id))["version"] == 2
        made = await anna.mutate("rateResolution", RATED, reportId=report_id, solved=False, score=1)
        assert (made["solved"], made["version"], made["report"]) == (False, 3, {"status": "REPORTED", "version": 4})
        after = await shown(anna, report_id)
        assert (after["status"], after["resolvedAt"], after["resolution"]) == ("REPORTED", None, None)
        history = (await anna.run(HISTORY, {"id": report_id}))["report"]["timeline"]["nodes"]
        assert history[-2:] == [
            {"__typename": "ResolutionRated", "actor": "RESIDENT", "solved": False, "score": 1},
            {
                "__typename": "StatusChanged",
                "actor": "RESIDENT",
                "from": "RESOLVED",
                "to": "REPORTED",
                "remark": None,
            },
        ]
        await desk.mutate("changeStatus", reportId=report_id, to="RESOLVED")
        anew = (await shown(anna, report_id))["resolution"]
        assert (anew["ratings"], anew["mine"]) == (0, None), "that was said of another resolution"
        await anna.mutate("rateResolution", reportId=report_id, solved=True, score=5)
        assert (await shown(anna, report_id))["resolution"]["averageScore"] == 5


async def test_what_was_wrong_is_named(shared: Served) -> None:
    async with calling(shared, RESIDENT) as anna, calling(shared, NEIGHBOUR) as bram, calling(shared) as anybody:
        opened, done = await anna.submit(INSIDE), await resolved(shared)
        refused: list[tuple[Caller, Json, str]] = [
            (anna, {"reportId": opened, "solved": True}, "NotResolved"),
            (bram, {"reportId": done, "solved": False}, "NotPermitted"),
            (anybody, {"reportId": done, "solved": False}, "NotPermitted"),
            (anna, {"reportId": done, "solved": True, "score": 0}, "InvalidScore"),
            (anna, {"reportId": done, "solved": True, "score": 6}, "InvalidScore"),
            (anna, {"reportId": done, "solved": True, "why": " "}, "InvalidText"),
            (anna, {"reportId": done, "solved": True, "why": "x" * 4001}, "InvalidText"),
            (anna, {"reportId": "x", "solved": True}, "InvalidId"),
            (anna, {"reportId": done, "solved": True, "idempotencyKey": "kort"}, "InvalidIdempotencyKey"),
        ]
        for caller, given, code in refused:
            problem = await caller.attempt("rateResolution", **given)
            assert (problem.get("code"), bool(problem.get("hint"))) == (code, True), given
        assert (await shown(anna, done))["resolution"]["ratings"] == 0
        assert (await shown(anna, done))["status"] == "RESOLVED"


async def test_the_time_for_it_passes(shared: Served) -> None:
    async with calling(shared, RESIDENT) as anna:
        report_id = await resolved(shared)
        past = datetime.now(UTC) - timedelta(minutes=1)
        async with shared.db.write() as conn:
            await conn.execute(update(report).where(report.c.status == "RESOLVED").values(feedback_until=past))
        late = await anna.attempt("rateResolution", reportId=report_id, solved=False)
        assert late["code"] == "FeedbackClosed", "the clock need not have struck"
        assert (await shown(anna, report_id))["resolution"]["closedAt"] is None
        await keep_time(shared.db, Categories(shared.db), Statuses(shared.db), datetime.now(UTC))
        late = await anna.attempt("rateResolution", reportId=report_id, solved=False)
        assert late["code"] == "FeedbackClosed"
        seen = await shown(anna, report_id)
    assert seen["status"] == "RESOLVED"
    assert seen["resolution"]["closedAt"] is not None


async def test_the_same_key_judges_once(shared: Served) -> None:
    async with calling(shared, RESIDENT) as anna:
        report_id = await resolved(shared)
        given: Json = {"reportId": report_id, "solved": False, "idempotencyKey": "the key of a judgement"}
        first, again = [await anna.mutate("rateResolution", **given) for _ in range(2)]
        assert again["version"] == first["version"] == 3
        assert (await shown(anna, report_id))["version"] == 4


async def test_who_merely_follows_it_does_not_open_it_again(shared: Served) -> None:
    async with calling(shared, NEIGHBOUR) as bram:
        report_id = await resolved(shared)
        await bram.mutate("follow", "... on Followed { __typename }", target={"reportId": report_id})
        made = await bram.mutate("rateResolution", RATED, reportId=report_id, solved=False, score=1)
        assert (made["solved"], made["report"]["status"]) == (False, "RESOLVED")
        seen = await shown(bram, report_id)
        assert (seen["version"], seen["resolution"]["ratings"], seen["resolution"]["mine"]) == (3, 1, False)
    async with shared.db.read() as conn:
        last = await conn.execute(select(event.c.detail).order_by(event.c.at.desc()).limit(1))
        assert last.scalar_one()["reopened"] is False
    async with calling(shared, RESIDENT) as anna, calling(shared, NEIGHBOUR) as bram:
        await anna.mutate("rateResolution", reportId=report_id, solved=False)
        assert (await shown(bram, report_id))["status"] == "REPORTED"


async def test_who_solved_it_does_not_judge_it(shared: Served) -> None:
    one = await submit(shared.db)
    report_id = str(make_id("Report", one.id))
    async with shared.db.write() as conn:
        await conn.execute(update(category).where(category.c.slug == "glas").values(guidance_nl="Veeg het op."))
    await adopt(shared.db, NEIGHBOUR, one)
    await complete(shared.db, NEIGHBOUR, one)
    async with calling(shared, RESIDENT) as anna, calling(shared, NEIGHBOUR) as bram, calling(shared, OFFICER) as desk:
        for solved in (True, False):
            own = await bram.attempt("rateResolution", reportId=report_id, solved=solved)
            assert own["code"] == "NotPermitted"
        await anna.mutate("rateResolution", reportId=report_id, solved=False)
        await desk.mutate("changeStatus", reportId=report_id, to="RESOLVED")
        await bram.mutate("rateResolution", reportId=report_id, solved=True)
        assert (await shown(bram, report_id))["resolution"]["mine"] is True, "that was done by somebody else"
