"""State plus events equals fresh state, whoever watches, wherever, through whatever filter, whenever he began."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from geo import report_pages
from geo.models import Point, Report, ReportStatus, Role, Verdict, Visibility
from geo.viewer import ANONYMOUS, Viewer
from tests.clients.caller import Caller, calling
from tests.clients.watchers import DISTRICT, Watcher, watch
from tests.conftest import Served
from tests.world import CITY, ELSEWHERE, INSIDE, NEIGHBOUR, OFFICER, POLICE, RESIDENT

pytestmark = pytest.mark.anyio

PARTNER = Viewer(Role.PARTNER, "lights/team", "lights", frozenset({CITY}))
WEST = Point(4.285, 52.065)  # in WK051829 too, in its other neighbourhood
EAST = {"code": "BU05182902"}
TRIANGLE = {
    "polygon": {"type": "Polygon", "coordinates": [[[4.29, 52.06], [4.30, 52.06], [4.295, 52.07], [4.29, 52.06]]]}
}
AROUND = {"around": {"point": INSIDE._asdict(), "metres": 1000}}  # WEST lies in it too
WATCHERS: list[tuple[Viewer, Mapping[str, Any], Mapping[str, Any] | None]] = [
    (ANONYMOUS, DISTRICT, None),
    (RESIDENT, {"code": CITY}, None),
    (NEIGHBOUR, TRIANGLE, {"statuses": ["REPORTED", "UNDER_WAY"]}),
    (PARTNER, AROUND, {"categories": ["afval"]}),
    (OFFICER, EAST, None),
    (OFFICER, {"code": CITY}, {"statuses": ["REPORTED"], "text": "glas"}),
    (POLICE, DISTRICT, {"urgencies": ["NORMAL"]}),
]


@dataclass(frozen=True)
class Step:
    """One attempt to change something; which report it is about is a number, counted round."""

    by: Viewer
    mutation: str
    given: dict[str, Any]
    number: int = 0


RESIDENTS = st.sampled_from([RESIDENT, NEIGHBOUR])
AUTHORITIES = st.sampled_from([OFFICER, POLICE])
NUMBERS = st.integers(0, 7)
SUBMISSIONS = st.builds(
    lambda by, at, category, description: Step(
        by,
        "submitReport",
        {"location": at._asdict(), "category": category, "description": description, "confirmNew": True},
    ),
    RESIDENTS,
    st.sampled_from([INSIDE, WEST, ELSEWHERE]),
    st.sampled_from(["glas", "glas", "verlichting", "hulp", "overlast", "drugs"]),
    st.sampled_from(["Overal GLAS op straat", "Het is hier niet pluis"]),
)
CHANGES = st.one_of(
    st.builds(lambda by, n: Step(by, "addEvidence", {"remark": "Ook hier"}, n), RESIDENTS | AUTHORITIES, NUMBERS),
    st.builds(
        lambda by, verdict, n: Step(by, "confirmReport", {"verdict": verdict}, n),
        RESIDENTS,
        st.sampled_from(Verdict),
        NUMBERS,
    ),
    st.builds(
        lambda by, to, n: Step(by, "changeStatus", {"to": to}, n), AUTHORITIES, st.sampled_from(ReportStatus), NUMBERS
    ),
    st.builds(
        lambda by, to, n: Step(by, "changeVisibility", {"to": to}, n), AUTHORITIES, st.sampled_from(Visibility), NUMBERS
    ),
)
HISTORIES = st.tuples(st.lists(SUBMISSIONS, min_size=2, max_size=6), st.lists(CHANGES, min_size=5, max_size=25))


@dataclass
class Following:
    """A client's state: what it read, kept up to date as docs/maps.md says."""

    watcher: Watcher
    reports: dict[str, Any] = field(default_factory=dict)

    async def follow(self, last: str) -> None:
        for event in await self.watcher.until(last):
            known = self.reports.get(event["reportId"], {"version": 0})
            if event["__typename"] == "ReportLeft":
                self.reports.pop(event["reportId"], None)
            elif event["version"] > known["version"]:
                self.reports[event["reportId"]] = event["report"]


async def change(callers: Mapping[Viewer, Caller], steps: list[Step], submitted: list[str]) -> None:
    """Take the steps, some of which are refused: by a right, or because the status does not allow it."""
    for step in steps:
        target = {} if step.mutation == "submitReport" else {"reportId": submitted[step.number % len(submitted)]}
        answer = await callers[step.by].attempt(step.mutation, **target, **step.given)
        if step.mutation == "submitReport":
            submitted.append(answer["reportId"])


async def test_what_happens_while_a_page_is_read_is_not_missed(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    page = report_pages.page
    async with calling(server, RESIDENT) as anna, watch(server) as witness:

        async def slow_page(*given: Any) -> tuple[list[Report], bool]:
            found = await page(*given)
            meanwhile.append(await anna.submit(INSIDE))
            await witness.until(meanwhile[-1])
            return found

        meanwhile: list[str] = []
        monkeypatch.setattr(report_pages, "page", slow_page)
        reports, cursor = await anna.snapshot(DISTRICT)
        assert (reports, len(meanwhile)) == ({}, 1)
        async with watch(server, after=cursor) as watcher:
            assert (await watcher.next())["reportId"] == meanwhile[0]


# Shrinking would take minutes: an example takes a second.
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(HISTORIES)
async def test_state_and_events_equal_fresh_state(server: Served, history: tuple[list[Step], list[Step]]) -> None:
    submissions, changes = history
    async with AsyncExitStack() as stack:
        viewers = dict.fromkeys(viewer for viewer, _, _ in WATCHERS)
        callers = {viewer: await stack.enter_async_context(calling(server, viewer)) for viewer in viewers}

        async def follow(viewer: Viewer, area: Mapping[str, Any], filter: Mapping[str, Any] | None) -> Following:
            reports, cursor = await callers[viewer].snapshot(area, filter)
            watching = watch(server, viewer, area=area, filter=filter, after=cursor)
            return Following(await stack.enter_async_context(watching), reports)

        early = [await follow(*watcher) for watcher in WATCHERS]
        submitted: list[str] = []
        await change(callers, submissions, submitted)
        writers = [asyncio.create_task(change(callers, changes[n::3], submitted)) for n in range(3)]
        late = [await follow(*watcher) for watcher in WATCHERS]
        await asyncio.gather(*writers)
        last = await callers[RESIDENT].submit(INSIDE)
        for following in (*early, *late):
            await following.follow(last)
        for (viewer, area, wanted), *both in zip(WATCHERS, early, late, strict=True):
            fresh, _ = await callers[viewer].snapshot(area, wanted)
            assert [following.reports for following in both] == [fresh, fresh]
