"""The hub and the plain generators send the same messages, byte for byte: for any subscription that the schema allows,
any caller, and any history."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, count, zip_longest
from random import Random
from typing import Any, cast

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from api.auth import Tokens
from geo.db import Database, engine
from geo.tables import category
from geo.viewer import ANONYMOUS, Viewer
from schema.context import Context, Services
from schema.plans import Plans
from schema.root import make_schema
from tests.api.two_paths import Paths, two_paths
from tests.clients.caller import Caller
from tests.conftest import SECRET, copied
from tests.generated_histories import (
    APP,
    AREAS,
    EVERYBODY,
    FOR_ANNA,
    History,
    Step,
    areas,
    filters,
    histories,
)
from tests.generated_subscriptions import ROOTS, Subscription, subscriptions, write
from tests.world import CITY, ELSEWHERE, INSIDE, NEIGHBOUR, RESIDENT, build

pytestmark = pytest.mark.anyio

SCHEMA = make_schema()
SHARE = 0.95  # at least so many of the subscriptions can be served together
SAMPLE = 100
_keys = count(1)


@dataclass(frozen=True)
class Asked:
    """A subscription of somebody. Which report it is about is a number, counted round."""

    by: Viewer
    subscription: Subscription
    number: int

    def payload(self, reports: list[str], after: str | None) -> Mapping[str, Any]:
        asked = self.subscription
        needed = {"id": reports[self.number % len(reports)]} if asked.root == "report" else {}
        variables = {**asked.variables, **needed, "after": after}
        return {"query": asked.document, "operationName": asked.operation_name, "variables": variables}


@st.composite
def crowds(draw: st.DrawFn) -> list[Asked]:
    """Several callers with the same document, some of them with another area or filter."""
    root = draw(st.sampled_from(["reportEvents", "reportEvents", *ROOTS]))
    common = draw(subscriptions(SCHEMA._schema, root, {"area": draw(areas), "filter": draw(filters)}))
    crowd = []
    for by in draw(st.lists(st.sampled_from(EVERYBODY), min_size=3, max_size=5)):
        own = {"area": draw(areas), "filter": draw(filters)} if draw(st.booleans()) else {}
        variables = common.variables | {name: own[name] for name in own if name in common.variables}
        crowd.append(Asked(by, common._replace(variables=variables), draw(st.integers(0, 2))))
    return crowd


@dataclass(frozen=True, repr=False)
class Scene:
    """Subscriptions, a history, and from which part of it on those hear of it that come late."""

    watchers: list[Asked]
    steps: list[Step]
    part: float

    def __repr__(self) -> str:
        return "a scene"  # what matters of it stands in the message of the assertion


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    return Scene([*chain(*draw(st.lists(crowds(), min_size=4, max_size=5)))], draw(histories()), draw(st.floats(0, 1)))


@dataclass(repr=False)
class Stage:
    paths: Paths
    db: Database
    callers: Mapping[Viewer, Caller]

    def __repr__(self) -> str:
        return "the stage"


def headers(viewer: Viewer) -> Mapping[str, str]:
    if viewer is ANONYMOUS:
        return {}
    assert viewer.organisation
    subject = viewer.known_party().partition("/")[2]
    lifetime = timedelta(hours=1)
    token = Tokens(SECRET).mint(
        viewer.role, subject=subject, organisation=viewer.organisation, areas=viewer.areas, lifetime=lifetime
    )
    resident = {"Bart-Resident": subject} if viewer is FOR_ANNA else {}
    return {"Authorization": f"Bearer {token}", **resident}


@pytest.fixture(scope="module")
async def stage(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        url = stack.enter_context(copied(server_url, template))
        db = Database(engine(url))
        stack.push_async_callback(db.engine.dispose)
        await build(db)
        async with db.write() as conn:
            swept = update(category).where(category.c.slug == "glas")
            await conn.execute(swept.values(guidance_nl="Veeg het op.", guidance_en="Sweep it up.", borrow=[]))
        known = {viewer: headers(viewer) for viewer in (*EVERYBODY, APP)}
        folder = tmp_path_factory.mktemp("frames")
        paths = await stack.enter_async_context(two_paths(url, db, folder, {of: known[of] for of in EVERYBODY}))
        callers = {}
        for viewer, given_ in known.items():
            http = await stack.enter_async_context(httpx.AsyncClient(headers=given_, timeout=30))
            callers[viewer] = Caller(http, paths.fast.served.graphql)
        yield Stage(paths, db, callers)


BEGIN = [
    Step(
        RESIDENT,
        "submitReport",
        {"location": INSIDE._asdict(), "category": "glas", "description": "Scherven", "confirmNew": True},
    ),
    Step(
        NEIGHBOUR,
        "submitReport",
        {"location": ELSEWHERE._asdict(), "category": "verlichting", "description": "Lamp", "confirmNew": True},
    ),
]


Watchers = Mapping[str, tuple[Asked, Mapping[str, Any]]]  # by the keys of their operations, with what they send


async def told(stage: Stage, watchers: Watchers) -> None:
    """Subscribe; the hub serves all that it can and that were not refused."""
    paths = stage.paths
    for key, (one, payload) in watchers.items():
        await paths.subscribe(one.by, key, payload)
    await paths.settle()
    assert paths.fast.hub is not None
    together = {key for key, (one, _) in watchers.items() if not one.subscription.plain} - paths.plain.refused
    assert paths.fast.hub.joined >= len(together)


async def same(stage: Stage, watchers: Watchers) -> None:
    fast, plain = await stage.paths.end()
    for key, (one, payload) in watchers.items():
        for number, (by_hub, by_itself) in enumerate(zip_longest(fast[key], plain[key])):
            if by_hub != by_itself:
                asked = f"{one.by}\n{json.dumps(payload)}"
                pytest.fail(f"{asked}\nframe {number}\nhub    {by_hub}\nplain  {by_itself}", pytrace=False)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of a scene that fails
# Shrinking would take minutes: an example takes a second.
@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(scenes())
async def test_both_send_the_same(stage: Stage, scene: Scene) -> None:
    history = History(stage.db, stage.callers)
    for step in BEGIN:
        await history.take(step)
    await stage.paths.settle()
    begin = stage.paths.plain.feed.now.position
    live = {str(next(_keys)): (one, one.payload(history.reports, None)) for one in scene.watchers}
    await told(stage, live)
    for step in scene.steps:
        await history.take(step)
        await stage.paths.settle()
    await same(stage, live)
    missed = stage.paths.plain.feed.now.position - begin
    late = {
        str(next(_keys)): (one, one.payload(history.reports, stage.paths.cursor(back)))
        for back in (missed, int(scene.part * missed))
        for one in scene.watchers
    }
    await told(stage, late)
    await same(stage, late)


def can_be_shared(plans: Plans, asked: Subscription) -> bool:
    plan = plans.find(asked.document, asked.operation_name)
    variables = {**asked.variables, "id": "any", "after": None}
    executor = plan and plans.executor(plan, variables, Context(cast("Services", None)))
    return bool(plan and executor and plans.alike(plan, variables, executor) is not None)


def test_nearly_all_can_be_served_together() -> None:
    random, plans = Random(SAMPLE), Plans(SCHEMA)
    given_ = {"area": AREAS[0], "filter": None}
    written = [write(random, SCHEMA._schema, random.choice([*ROOTS]), given_) for _ in range(SAMPLE)]
    asked = [one for one in written if one]
    together = [one for one in asked if can_be_shared(plans, one)]
    assert len(together) >= SHARE * len(asked)
    assert all(one.plain for one in asked if one not in together)


REPORT = "subscription Watch($area: AreaInput!, $v: %s) { reportEvents(area: $area) { ... on ReportEvent { %s } } }"
WRONG = [
    ("Language = NL", "report { category { name(lang: $v) } }"),
    ("Boolean = true", "version @include(if: $v)"),
    ("Boolean = true", "report { version @skip(if: $v) }"),
    ("Int = 3", "report { evidence(first: $v) { nodes { id } } }"),
]


@pytest.mark.parametrize(("kind", "selection"), WRONG)
async def test_a_variable_that_may_not_be_null_is_told_by_both(stage: Stage, kind: str, selection: str) -> None:
    """And ends neither the subscription nor the socket."""
    history = History(stage.db, stage.callers)
    variables = {"area": {"code": CITY}, "v": None}
    key = str(next(_keys))
    await stage.paths.subscribe(RESIDENT, key, {"query": REPORT % (kind, selection), "variables": variables})
    await stage.paths.settle()
    for step in BEGIN:
        await history.take(step)
    fast, plain = await stage.paths.end()
    assert fast[key] == plain[key]
    codes = [error["extensions"]["code"] for text in fast[key] for error in json.loads(text)["payload"]["errors"]]
    assert codes == ["InvalidRequest", "InvalidRequest"]


CALL = "reportEvents(area: $area) { ... on ReportEvent { reportId report { status } } }"
PLAIN = [
    f"{{ {CALL} reportEvents(area: $area) {{ __typename }} }}",
    f"{{ ... on Subscription {{ {CALL} }} }}",
    f"{{ ...Root }} fragment Root on Subscription {{ {CALL} }}",
]


@pytest.mark.parametrize("selection", PLAIN)
async def test_whatever_the_hub_cannot_serve_goes_the_ordinary_way(stage: Stage, selection: str) -> None:
    history = History(stage.db, stage.callers)
    key = str(next(_keys))
    asked = {"query": f"subscription Watch($area: AreaInput!) {selection}", "variables": {"area": {"code": CITY}}}
    await stage.paths.subscribe(RESIDENT, key, asked)
    await stage.paths.settle()
    assert stage.paths.fast.hub is not None
    assert stage.paths.fast.hub.joined == 0
    for step in BEGIN:
        await history.take(step)
    fast, plain = await stage.paths.end()
    assert fast[key] == plain[key]
    told = [json.loads(text)["payload"]["data"]["reportEvents"]["reportId"] for text in fast[key]]
    assert told == history.reports
