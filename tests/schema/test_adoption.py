"""Self-reliance over HTTP: what an app shows to whoever does it themselves, and to all others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from geo.db import Database
from geo.viewer import ANONYMOUS
from schema.nodes import make_id
from tests.clients.caller import Caller, Json, calling
from tests.clients.watchers import watch
from tests.conftest import Served
from tests.geo import test_adoptions
from tests.geo.test_adoptions import adopt, complete
from tests.schema import test_statements
from tests.schema.test_alert_answers import uploaded
from tests.world import ELSEWHERE, INSIDE, NEIGHBOUR, OFFICER, RESIDENT, submit

pytestmark = pytest.mark.anyio

ADOPTION = "adoption { since until endedAt ending thanks confirmed disputed mine }"
SHOWN = f"""query($id: ID!) {{ report(id: $id) {{
    status {ADOPTION} resolution {{ by }} evidence {{ nodes {{ remark photo {{ url }} }} }}
    category {{ slug adoptable guidance english: guidance(lang: EN) borrow {{ what english: what(lang: EN) where }} }}
}} }}"""


guided = test_adoptions.guided


@pytest.fixture
def served(guided: Database, server: Served) -> Served:
    """A server on it."""
    return server


def until(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


async def shown(caller: Caller, report_id: str) -> Json:
    found: Json = (await caller.run(SHOWN, {"id": report_id}))["report"]
    return found


async def test_a_category_says_how_and_with_what(served: Served) -> None:
    made = "... on ReportSubmitted { category { slug guidance borrow { what where } } }"
    glass = {"category": "glas", "description": "Glas", "location": INSIDE._asdict(), "confirmNew": True}
    async with calling(served, RESIDENT) as anna:
        told = (await anna.mutate("submitReport", made, **glass))["category"]
        assert told == {
            "slug": "glas",
            "guidance": "Veeg het op.",
            "borrow": [{"what": "Veger en blik", "where": "Wijkcentrum"}],
        }
        known = (await anna.run("{ categories { slug adoptable english: guidance(lang: EN) borrow { where } } }", {}))[
            "categories"
        ]
    others = [one for one in known if one["slug"] != "glas"]
    assert {(one["adoptable"], one["english"], len(one["borrow"])) for one in others} == {(False, None, 0)}
    (own,) = [one for one in known if one["slug"] == "glas"]
    assert (own["adoptable"], own["english"]) == (True, "Sweep it up.")


async def test_a_neighbour_sweeps_it_up_and_is_thanked(served: Served) -> None:
    async with calling(served, RESIDENT) as anna, calling(served, NEIGHBOUR) as bram, calling(served) as anybody:
        report_id = await anna.submit(INSIDE)
        assert (await shown(bram, report_id))["adoption"] is None
        soon = until(days=2)
        made = await bram.mutate(
            "adoptReport",
            f"... on ReportAdopted {{ until actor report {{ status {ADOPTION} }} }}",
            reportId=report_id,
            until=soon,
        )
        assert datetime.fromisoformat(made["until"]) == datetime.fromisoformat(soon)
        assert (made["actor"], made["report"]["status"]) == ("RESIDENT", "ADOPTED")
        assert made["report"]["adoption"]["mine"] is True
        for other in (anna, anybody):
            assert (await shown(other, report_id))["adoption"]["mine"] is False
        done = await bram.mutate(
            "completeAdoption",
            "... on AdoptionCompleted { evidence { remark photo { url } } report { status } }",
            reportId=report_id,
            uploadId=await uploaded(bram),
            remark="Schoon",
        )
        assert done["evidence"]["remark"] == "Schoon"
        assert done["evidence"]["photo"]["url"]
        await anna.mutate("confirmReport", reportId=report_id, verdict="GONE")
        await anna.mutate("thankAdopter", reportId=report_id)
        seen = await shown(anybody, report_id)
    assert (seen["status"], seen["resolution"]) == ("RESOLVED", {"by": "RESIDENT"})
    ended = seen["adoption"]
    assert [ended[name] for name in ("ending", "thanks", "confirmed", "disputed")] == ["COMPLETED", 1, 1, 0]
    assert NEIGHBOUR.known_party().partition("/")[2] not in str(seen), "who it was is nobody's business"


async def test_everybody_hears_of_it_live(served: Served) -> None:
    async with calling(served, RESIDENT) as anna, calling(served, NEIGHBOUR) as bram:
        after = await anna.now({"code": "WK051829"})
        report_id = await anna.submit(INSIDE)
        async with watch(served, after=after) as watcher:
            await bram.mutate("adoptReport", reportId=report_id, until=until(hours=1))
            await bram.mutate("releaseReport", reportId=report_id)
            await bram.mutate("adoptReport", reportId=report_id, until=until(hours=1))
            await bram.mutate("completeAdoption", reportId=report_id, uploadId=await uploaded(bram))
            await anna.mutate("thankAdopter", reportId=report_id)
            heard = await watcher.until(report_id, 6)
    names = ["ReportSubmitted", "ReportAdopted", "AdoptionEnded", "ReportAdopted", "AdoptionCompleted"]
    assert [event["__typename"] for event in heard] == [*names, "AdopterThanked"]
    assert "bram" not in str(heard)


async def test_what_was_wrong_is_named(served: Served) -> None:
    async with calling(served, RESIDENT) as anna, calling(served, NEIGHBOUR) as bram, calling(served) as anybody:
        lamp, glass = await anna.submit(INSIDE, "Lamp stuk", "verlichting"), await anna.submit(INSIDE)
        refused: list[tuple[Caller, str, Json, str]] = [
            (bram, "adoptReport", {"reportId": lamp, "until": until(days=1)}, "NotAdoptable"),
            (bram, "adoptReport", {"reportId": glass, "until": until(days=15)}, "InvalidPeriod"),
            (bram, "adoptReport", {"reportId": glass, "until": until(days=-1)}, "InvalidPeriod"),
            (bram, "adoptReport", {"reportId": glass, "until": "2026-12-01T12:00:00"}, "InvalidPeriod"),
            (anybody, "adoptReport", {"reportId": glass, "until": until(days=1)}, "NotPermitted"),
            (bram, "adoptReport", {"reportId": "x", "until": until(days=1)}, "InvalidId"),
            (bram, "releaseReport", {"reportId": glass}, "NotAdopted"),
            (bram, "completeAdoption", {"reportId": glass, "uploadId": make_id("Upload", "x")}, "InvalidId"),
            (bram, "completeAdoption", {"reportId": glass, "uploadId": await uploaded(bram)}, "NotAdopted"),
            (bram, "thankAdopter", {"reportId": glass}, "NotAdopted"),
        ]
        for caller, name, given, code in refused:
            problem = await caller.attempt(name, **given)
            assert (problem.get("code"), bool(problem.get("hint"))) == (code, True), (name, given)
        await bram.mutate("adoptReport", reportId=glass, until=until(days=1))
        twice = await anna.attempt("adoptReport", reportId=glass, until=until(days=1))
        assert twice["code"] == "TransitionNotAllowed"
        told = {"reportId": glass, "uploadId": await uploaded(bram), "remark": "Bel me op 06-12345678"}
        assert (await bram.attempt("completeAdoption", **told))["code"] == "PersonalDataFound"
        await bram.mutate("completeAdoption", **told, maskPersonalData=True)
        (piece,) = (await shown(anybody, glass))["evidence"]["nodes"]
        assert piece["remark"] == "Bel me op [telefoonnummer]"
        own = await bram.attempt("thankAdopter", reportId=glass)
        assert own["code"] == "NotPermitted"


async def test_the_same_key_does_it_once(served: Served) -> None:
    async with calling(served, RESIDENT) as anna, calling(served, NEIGHBOUR) as bram:
        report_id, later = await anna.submit(INSIDE), until(hours=1)
        attempts: list[tuple[Caller, str, Json]] = [
            (bram, "adoptReport", {"until": later}),
            (bram, "releaseReport", {}),
            (bram, "adoptReport", {"until": later}),
            (bram, "completeAdoption", {"uploadId": await uploaded(bram)}),
            (anna, "thankAdopter", {}),
        ]
        for number, (caller, name, given) in enumerate(attempts):
            once: dict[str, Any] = {**given, "reportId": report_id, "idempotencyKey": f"the key of attempt {number}"}
            first = await caller.mutate(name, **once)
            again = await caller.mutate(name, **once)
            assert (again["version"], first["version"]) == (number + 2, number + 2)


counted = test_statements.counted


async def test_a_page_takes_as_many_statements_as_one_report(
    guided: Database, counted: test_statements.Counted
) -> None:
    for number in range(6):
        one = await submit(guided, at=(INSIDE, ELSEWHERE)[number % 2])
        await adopt(guided, NEIGHBOUR, one)
        if number % 3:
            await complete(guided, NEIGHBOUR, one)
    fields = f"{ADOPTION} resolution {{ by ratings solvedShare averageScore comments mine }}"
    page = f'query($n: Int!) {{ reports(area: {{code: "GM0518"}}, first: $n) {{ nodes {{ id {fields} }} }} }}'
    for viewer in (ANONYMOUS, NEIGHBOUR, OFFICER):
        assert [await counted.count(page, viewer, n=n) for n in (2, 6)] == [1 + 1 + 1] * 2
