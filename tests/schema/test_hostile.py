"""Whatever is passed to whatever argument: the answer is data or named errors, and never a failure of ours.

The values are made from the schema itself, so that a new argument is tried from its first day.
"""

import json
from typing import Any
from uuid import uuid4

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.viewer import ANONYMOUS, Viewer
from schema.nodes import make_id
from schema.root import make_schema
from tests.clients.caller import Json, calling
from tests.clients.refusals import Name, literal
from tests.conftest import Served
from tests.world import ADMIN, INSIDE, NEIGHBOUR, OFFICER, RESIDENT, submit

SCHEMA = make_schema()._schema
assert SCHEMA.query_type
assert SCHEMA.mutation_type
FIELDS = [(root, name) for root in (SCHEMA.query_type, SCHEMA.mutation_type) for name in root.fields]

integers = st.sampled_from([0, -1, 1, 10, 200, 201, 2**31 - 1, -(2**31), 2**31, 10**19, 10**400]) | st.integers()
floats = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 4.3, 52.07, 180.0, -90.0, 1e308])
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["", "\x00", "\u202e", "a" * 5_000, "glas", "afval", "WK051829", "GM0518", "2026-01-01T00:00:00Z", "image/png"]
)
ids = st.builds(
    make_id,
    st.sampled_from(["Report", "Evidence", "Area", "Category", "Upload", "", "é"]),
    st.uuids() | st.sampled_from(["GM0518", "glas", "", "\x00", "x" * 5_000]),
)
times = st.datetimes(timezones=st.none() | st.timezones()).map(lambda at: at.isoformat()) | texts
anything = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)
vertices = st.tuples(st.floats(4.2, 4.4) | floats | integers, st.floats(52, 52.2) | floats).map(list)
rings = st.lists(vertices | anything, max_size=12).map(lambda ring: [*ring, *ring[:1]])
polygons = st.fixed_dictionaries({"type": st.just("Polygon") | anything, "coordinates": st.lists(rings, max_size=3)})
SCALARS = {
    "Boolean": st.booleans(),
    "Int": integers,
    "Float": floats | st.floats(4.2, 4.4) | st.floats(52, 52.2),
    "String": texts,
    "ID": ids | texts,
    "Cursor": texts,
    "DateTime": times,
    "GeoJSONPolygon": polygons | anything,
}


REPORT = "<report>"  # stands for the id of one that is there
PLAUSIBLE: Json = {
    "code": "WK051829",
    "category": "glas",
    "categories": ["afval"],
    "description": "Glas",
    "remark": "Glas",
    "text": "glas",
    "contentType": "image/png",
    "id": REPORT,
    "reportId": REPORT,
    "lon": 4.295,
    "lat": 52.065,
    "west": 4.28,
    "south": 52.06,
    "east": 4.32,
    "north": 52.08,
    "metres": 100,
    "first": 2,
    "after": None,
    "idempotencyKey": "0123456789abcdef",
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type, or nearly so."""
    match kind:
        case GraphQLNonNull():
            return values(kind.of_type)
        case GraphQLList():
            return st.lists(values(kind.of_type), max_size=3)
        case GraphQLEnumType():
            return st.sampled_from([*map(Name, kind.values), Name("NOPE"), "NOPE"])
        case GraphQLInputObjectType(is_one_of=True):
            return st.one_of(*(st.fixed_dictionaries({n: slot(n, f)}) for n, f in kind.fields.items()))
        case GraphQLInputObjectType():
            return given_to(kind.fields)
        case _:
            return SCALARS[kind.name]


def slot(name: str, of: Any) -> st.SearchStrategy[Any]:
    """Values for an argument or an input field: mostly what could be meant by it, so that others get their turn."""
    if name not in PLAUSIBLE:
        return values(of.type)
    return st.integers(0, 3).flatmap(lambda turn: st.just(PLAUSIBLE[name]) if turn else values(of.type))


def given_to(slots: dict[str, Any]) -> st.SearchStrategy[Json]:
    """Values for the arguments of a field, or the fields of an input; what may be left out sometimes is."""
    needed = {n: slot(n, of) for n, of in slots.items() if isinstance(of.type, GraphQLNonNull)}
    others = {n: st.none() | slot(n, of) for n, of in slots.items() if n not in needed}
    return st.fixed_dictionaries(needed, optional=others)


def selection(kind: Any, levels: int = 3) -> str:
    """All fields of a type, so many levels deep."""
    parts = ["__typename"]
    if isinstance(kind, GraphQLUnionType):
        parts += [f"... on {one.name} {selection(one, levels)}" for one in kind.types if one.name != "Resync"]
    elif isinstance(kind, GraphQLObjectType) or hasattr(kind, "fields"):
        for name, field in kind.fields.items():
            inner = get_named_type(field.type)
            if is_leaf_type(inner):
                parts.append(name)
            elif levels and name != "nodes":
                parts.append(f"{name}{_few(field)} {selection(inner, levels - 1)}")
    return "{ " + " ".join(parts) + " }"


def _few(field: GraphQLField) -> str:
    return "(first: 1)" if "first" in field.args else ""


@st.composite
def requests(draw: st.DrawFn) -> Json:
    """A request with one field, whose arguments are passed as literals or as variables."""
    root, name = draw(st.sampled_from(FIELDS))
    field = root.fields[name]
    wild = draw(st.integers(0, 9)) == 0
    passed = draw(st.fixed_dictionaries(dict.fromkeys(field.args, anything)) if wild else given_to(field.args))
    body = f"{{ {name}%s {selection(get_named_type(field.type))} }}"
    if draw(st.booleans()):
        written = " ".join(f"{n}: {literal(value)}" for n, value in passed.items())
        return {"query": f"{root.name.lower()} {body % (written and f'({written})')}"}
    declared = " ".join(f"${n}: {field.args[n].type}" for n in passed)
    used = " ".join(f"{n}: ${n}" for n in passed)
    document = f"{root.name.lower()}{declared and f'({declared})'} {body % (used and f'({used})')}"
    return {"query": document, "variables": passed}


@pytest.fixture(scope="module")
async def report(shared: Served) -> str:
    """The id of a report that has a history."""
    report = make_id("Report", (await submit(shared.db)).id)
    async with calling(shared, RESIDENT) as anna:
        await anna.mutate("addEvidence", reportId=report, remark="Nog meer glas", idempotencyKey=str(uuid4()))
        await anna.submit(INSIDE, "Glas")
    return report


@pytest.mark.anyio
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(asked=requests(), viewer=st.sampled_from([ANONYMOUS, RESIDENT, NEIGHBOUR, OFFICER, ADMIN]))
async def test_no_argument_makes_the_server_fail(shared: Served, report: str, asked: Json, viewer: Viewer) -> None:
    async with calling(shared, viewer) as caller:
        body = json.dumps(asked).replace(REPORT, report)
        answer = await caller.http.post(caller.url, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400), answer.text  # 400: Python writes numbers that are none in JSON
    for error in answer.json().get("errors", []):
        assert error["extensions"].keys() == {"code", "path", "hint"}
        assert error["extensions"]["hint"]
        assert error["extensions"]["code"] != "InternalError", (asked, error)
