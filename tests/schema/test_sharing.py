"""Two viewers never share what differs between them: what depends on the caller is made for each caller, and what is
marked as the same for all (schema/alike.py) is the same."""

from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)
from strawberry.types.field import StrawberryField

from geo.db import Database
from geo.models import Role
from geo.viewer import ANONYMOUS, Viewer
from schema.context import Context
from schema.hub import Hub
from schema.nodes import make_id
from schema.root import make_schema
from tests.api.insides import remembered
from tests.clients.caller import Json, calling
from tests.clients.photos import upload
from tests.clients.watchers import watch
from tests.conftest import running
from tests.geo import test_adoptions
from tests.schema import test_statements
from tests.schema.test_statements import Counted
from tests.world import ADMIN, CITY, INSIDE, NEIGHBOUR, OFFICER, POLICE, RESIDENT, submit

pytestmark = pytest.mark.anyio

counted = test_statements.counted
guided = test_adoptions.guided

SCHEMA = make_schema()
GRAPHQL = SCHEMA._schema
assert GRAPHQL.subscription_type is not None
ROOTS = GRAPHQL.subscription_type.fields
FAR = Viewer(Role.OFFICER, "ver/desk", "ver", frozenset({"GM0363"}))


def depends_on_the_caller(field: GraphQLField) -> bool:
    """As far as the hub can know."""
    made: StrawberryField = field.extensions["strawberry-definition"]
    takes_info = made.base_resolver is not None and made.base_resolver.info_parameter is not None
    return takes_info and "alike" not in made.metadata


def types_of(kind: GraphQLNamedType) -> list[GraphQLObjectType]:
    if is_abstract_type(kind):
        return list(GRAPHQL.get_possible_types(kind))
    assert isinstance(kind, GraphQLObjectType)
    return [kind]


class Found(NamedTuple):
    """A field, and the shortest selection of it below the root of a subscription."""

    name: str  # such as Report.category
    selection: str
    personal: bool  # whether anything on the way to it depends on the caller


def below(root: GraphQLField) -> Iterator[Found]:
    """Each field of each type that a subscription leads to."""
    seen: set[GraphQLObjectType] = set()
    waiting = deque([(get_named_type(root.type), "%s", False)])
    while waiting:
        reached, way, personal = waiting.popleft()
        for kind in types_of(reached):
            if kind in seen:
                continue
            seen.add(kind)
            for name, field in kind.fields.items():
                there = way % f"{{ ... on {kind.name} {{ {name}%s }} }}"
                whose = personal or depends_on_the_caller(field)
                inner = get_named_type(field.type)
                yield Found(f"{kind.name}.{name}", there % (" { __typename }" * is_composite_type(inner)), whose)
                if is_composite_type(inner):
                    waiting.append((inner, there, whose))


class Nowhere:
    """A socket to which nothing is sent."""

    def send(self, *_: object) -> None: ...

    ready = True

    async def drained(self) -> None: ...

    def let_go(self, *_: object) -> None: ...

    def end(self, *_: object) -> None: ...


@pytest.mark.parametrize("root", ROOTS)
async def test_what_depends_on_the_caller_is_made_for_each(counted: Counted, root: str) -> None:
    services = counted.services
    report = await submit(services.db)
    await services.feed.catch_up(services.feed.now)
    area = '(area: {code: "WK051829"})'
    arguments = {"reportEvents": area, "alertEvents": area, "report": f'(id: "{make_id("Report", report.id)}")'}
    hub = Hub(SCHEMA, services)
    for found in below(ROOTS[root]):
        document = f"subscription {{ {root}{arguments.get(root, '')} {found.selection} }}"
        for caller in (RESIDENT, OFFICER):
            member = await hub.join(Nowhere(), b"", document, {}, None, Context(services, caller))
            assert member is not None, document
            for_whom = caller if found.personal or root == "notifications" else ANONYMOUS
            assert member.group.cohort.key[-1] == for_whom, document  # type: ignore[index]


def test_the_walk_finds_what_differs() -> None:
    personal = {found.name for found in below(ROOTS["reportEvents"]) if found.personal}
    assert {"Report.allowedTransitions", "Report.original", "Report.reporter", "Adoption.mine"} <= personal
    assert {"Evidence.original", "Evidence.photo", "Resolution.mine", "ReportMerged.into"} <= personal


class Alike:
    """A subscription to all that is said to be the same for all."""

    def __init__(self, root: str) -> None:
        self._fragments: dict[str, str] = {}
        self._types: dict[str, str] = {}  # of what each name in the answer stands for
        self.marked: dict[str, object] = {}  # the resolvers of the fields that are marked, by their names
        members = [self._spread(kind, ()) for kind in types_of(get_named_type(ROOTS[root].type))]
        call = f"{root}(area: $area, after: $after) {{ {' '.join(members)} }}"
        watch_ = f"subscription Watch($area: AreaInput!, $after: Cursor) {{ {call} }}"
        self.document = " ".join([watch_, *self._fragments.values()])

    def _spread(self, kind: GraphQLObjectType, above: tuple[GraphQLObjectType, ...]) -> str:
        if kind.name not in self._fragments:
            fields = [self._field(kind, name, field, above) for name, field in kind.fields.items()]
            self._fragments[kind.name] = f"fragment {kind.name} on {kind.name} {{ __typename {' '.join(fields)} }}"
        return f"...{kind.name}"

    def _field(
        self, kind: GraphQLObjectType, name: str, field: GraphQLField, above: tuple[GraphQLObjectType, ...]
    ) -> str:
        inner = get_named_type(field.type)
        if depends_on_the_caller(field) or inner in above:
            return ""
        made: StrawberryField = field.extensions["strawberry-definition"]
        if "alike" in made.metadata:
            assert made.base_resolver is not None
            self.marked[f"{kind.name}.{name}"] = made.base_resolver.wrapped_func
        shown = name
        if not above and self._types.setdefault(name, str(field.type)) != str(field.type):
            shown = f"{name}{kind.name}: {name}"  # two members of a union can't both have it
        if not is_composite_type(inner):
            return shown
        return f"{shown} {{ {' '.join(self._spread(one, (*above, kind)) for one in types_of(inner))} }}"


def given_in(value: Any) -> Iterator[str]:
    """The names of all fields in an answer that are not null."""
    if isinstance(value, list):
        for one in value:
            yield from given_in(one)
    elif isinstance(value, dict) and (kind := value.get("__typename")):
        for name, one in value.items():
            if one is not None:
                yield f"{kind}.{name.removesuffix(kind)}"
                yield from given_in(one)


EVERYBODY = (ANONYMOUS, RESIDENT, NEIGHBOUR, OFFICER, FAR, POLICE, ADMIN)


async def test_what_is_marked_is_the_same_for_all(database_url: str, guided: Database, tmp_path: Path) -> None:
    """Everybody is told by a generator of their own. A change is told alike to all who are told it as what it is."""
    reports, alerts = Alike("reportEvents"), Alike("alertEvents")
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(running(database_url, guided, tmp_path, fan_out=False))
        anna, bram, officer, police = [
            await stack.enter_async_context(calling(served, viewer))
            for viewer in (RESIDENT, NEIGHBOUR, OFFICER, POLICE)
        ]
        start: Json = {"area": {"code": CITY}, "after": await anna.now({"code": CITY})}
        soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        added = "... on EvidenceAdded { evidence { id } }"
        for category, desk in (("glas", officer), ("hulp", officer), ("overlast", police), ("drugs", police)):
            about = {"reportId": await anna.submit(INSIDE, category=category)}
            piece = (await desk.mutate("addEvidence", added, **about, remark="Gezien"))["evidence"]["id"]
            await desk.mutate("hideContent", evidenceId=piece, reason="PRIVACY")
            await desk.mutate("addEvidence", **about, correction={"category": "afval"})
            await police.attempt("changeVisibility", **about, to="AUTHORITIES")
        adopted = await anna.submit(INSIDE)
        proposal = {"reportId": adopted, "correction": {"category": "afval"}}
        piece = (await bram.mutate("addEvidence", added, **proposal))["evidence"]["id"]
        await anna.mutate("decideCorrection", evidenceId=piece, accept=False)
        await bram.mutate("adoptReport", reportId=adopted, until=soon)
        await bram.mutate("completeAdoption", reportId=adopted, uploadId=await upload(bram))
        for area in ({"code": CITY}, {"around": {"point": INSIDE._asdict(), "metres": 100}}):
            given = {"area": area, "severity": "WARNING", "text": "Inbraken", "validUntil": soon}
            alert = await officer.mutate("publishAlert", "... on AlertEvent { alertId }", **given)
            await officer.mutate("updateAlert", "... on AlertEvent { alertId }", alertId=alert["alertId"], text="Nog")
        last = await anna.submit(INSIDE)

        told: defaultdict[tuple[str, str], list[Json]] = defaultdict(list)
        for viewer in EVERYBODY:
            async with watch(served, viewer, document=reports.document, **start) as watcher:
                events = await watcher.until(last)
            async with watch(served, viewer, document=alerts.document, **start) as watcher:
                events += [await watcher.next() for _ in range(4)]
            for event in events:
                told[event["cursor"], event["__typename"]].append(event)
    for first, *others in told.values():
        for other in others:
            assert other == first
    given_ = {name for same in told.values() if len(same) > 1 for event in same for name in given_in(event)}
    marked = reports.marked | alerts.marked
    seen = {marked[name] for name in given_ & marked.keys()}
    assert {name for name, resolver in marked.items() if resolver not in seen} == set()


OWN = """
subscription Watch($area: AreaInput!, $after: Cursor) {
  reportEvents(area: $area, after: $after) {
    ... on ReportEvent { cursor reportId version report { allowedTransitions original adoption { mine } } }
  }
}
"""


async def test_each_gets_its_own_of_what_differs(
    monkeypatch: pytest.MonkeyPatch, database_url: str, guided: Database, tmp_path: Path
) -> None:
    hubs: list[Hub] = remembered(monkeypatch, "api.app.Hub", Hub)
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(running(database_url, guided, tmp_path))
        anna, bram, officer = [
            await stack.enter_async_context(calling(served, viewer)) for viewer in (RESIDENT, NEIGHBOUR, OFFICER)
        ]
        start: Json = {"area": {"code": CITY}, "after": await anna.now({"code": CITY})}
        watchers = {
            viewer: await stack.enter_async_context(watch(served, viewer, document=OWN, **start))
            for viewer in (OFFICER, FAR, RESIDENT, NEIGHBOUR, ANONYMOUS)
        }
        given: Json = {"category": "glas", "description": "Bel 06-12345678", "location": INSIDE._asdict()}
        made = await anna.mutate("submitReport", **given, confirmNew=True, maskPersonalData=True)
        soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        await bram.mutate("adoptReport", reportId=made["reportId"], until=soon)
        shown = {viewer: (await one.until(made["reportId"], 2))[-1]["report"] for viewer, one in watchers.items()}
        (hub,) = hubs
        assert hub.groups.members == len({group.cohort for group in hub.groups}) == len(watchers)

        mine = {viewer: report["adoption"]["mine"] for viewer, report in shown.items()}
        assert mine == {OFFICER: False, FAR: False, RESIDENT: False, NEIGHBOUR: True, ANONYMOUS: False}
        assert {viewer for viewer, report in shown.items() if report["original"] == "Bel 06-12345678"} == {OFFICER}
        assert {viewer for viewer, report in shown.items() if report["original"] is None} == watchers.keys() - {OFFICER}
        assert "UNDER_WAY" in shown[OFFICER]["allowedTransitions"]
        assert [shown[viewer]["allowedTransitions"] for viewer in (FAR, RESIDENT, ANONYMOUS)] == [[], [], []]

        for_the_involved = await anna.submit(INSIDE, category="hulp")
        await officer.mutate("changeStatus", reportId=for_the_involved, to="UNDER_WAY")
        last = await bram.submit(INSIDE)
        heard = {
            viewer: [told["version"] for told in await one.until(last) if told["reportId"] == for_the_involved]
            for viewer, one in watchers.items()
        }
    assert heard == {OFFICER: [1, 2], RESIDENT: [1, 2], FAR: [], NEIGHBOUR: [], ANONYMOUS: []}
