"""What an operation may cost: the measure of it, its limits, and that measuring costs nothing itself."""

from typing import Any

import httpx
import pytest
from graphql import GraphQLError, OperationDefinitionNode, get_introspection_query, parse, specified_rules, validate
from graphql.validation.validation_context import ValidationContext
from hypothesis import given
from hypothesis import strategies as st
from strawberry.extensions.validation_cache import _get_validate_cache

from schema.cost import MAX_ALIASES, MAX_COST, MAX_DEPTH, MAX_TOKENS, Measure, WithinLimits
from schema.pages import MAX_FIRST
from schema.root import make_schema
from tests.conftest import Served

SCHEMA = make_schema()._schema
AREA = 'area: {code: "GM0518"}'


def measured(document: str) -> Measure:
    """The size of the only operation of a document."""
    parsed = parse(document)
    rule = WithinLimits(ValidationContext(SCHEMA, parsed, None, lambda error: None))  # type: ignore[arg-type]
    (operation,) = [d for d in parsed.definitions if isinstance(d, OperationDefinitionNode)]
    return rule._selection(operation.selection_set, SCHEMA.get_root_type(operation.operation))


def errors(document: str) -> list[GraphQLError]:
    return validate(SCHEMA, parse(document), [WithinLimits])


@pytest.mark.parametrize(
    ("document", "size"),
    [
        ("{ viewer { role areas } }", (3, 1, 0)),
        ("{ viewer { role { nope } } nope { nope } }", (2, 2, 0)),
        (f"{{ reports({AREA}) {{ nodes {{ id number }} }} }}", (1 + 50 * 3, 2, 0)),
        (f"{{ reports({AREA}, first: 7) {{ nodes {{ id number }} }} }}", (1 + 7 * 3, 2, 0)),
        (f"query($n: Int!) {{ reports({AREA}, first: $n) {{ nodes {{ id }} }} }}", (1 + MAX_FIRST * 2, 2, 0)),
        (f"query($n: Int = 1) {{ reports({AREA}, first: $n) {{ nodes {{ id }} }} }}", (1 + MAX_FIRST * 2, 2, 0)),
        (f"{{ reports({AREA}, first: 100000) {{ nodes {{ id }} }} }}", (1 + MAX_FIRST * 2, 2, 0)),
        (f"{{ reports({AREA}, first: {'9' * 5000}) {{ nodes {{ id }} }} }}", (1 + MAX_FIRST * 2, 2, 0)),
        (f"{{ reports({AREA}, first: -5) {{ nodes {{ id }} }} }}", (3, 2, 0)),
        (
            f"{{ reports({AREA}, first: 10) {{ nodes {{ evidence(first: 3) {{ nodes {{ id }} }} }} }} }}",
            (1 + 10 * (1 + 1 + 3 * 2), 4, 0),
        ),
        ("{ a: viewer { role } b: viewer { c: role role role } }", (6, 1, 4)),
        ("{ __typename __schema { types { t: name fields { name } } } }", (0, 0, 1)),
        ('{ node(id: "x") { __typename id ... on Report { district { name } } } }', (4, 2, 0)),
        ("{ ...a ...a } fragment a on Query { viewer { b: role } }", (4, 1, 2)),
        ("{ ...nope }", (0, 0, 0)),
        ("{ ...a } fragment a on Query { viewer { role } ...a }", (2, 1, 0)),
        ("mutation { confirmReport(input: {}) { ... on ReportEvent { report { id } } } }", (3, 2, 0)),
    ],
)
def test_an_operation_has_a_size(document: str, size: tuple[int, int, int]) -> None:
    assert measured(document) == size


selections = st.recursive(
    st.sampled_from(["id", "number", "a: id", "b: number"]),
    lambda inner: st.tuples(
        st.sampled_from(["... on Report", "...", "district: neighbourhood", "evidence(first: 3)", "timeline"]),
        st.lists(inner, min_size=1, max_size=4),
    ).map(lambda pair: f"{pair[0]} {{ {' '.join(pair[1])} }}"),
    max_leaves=20,
)


@given(st.lists(selections, min_size=1, max_size=4), st.integers(1, 5))
def test_a_fragment_counts_as_what_it_stands_for(parts: list[str], times: int) -> None:
    written_out = "".join(f"... on Report {{ {' '.join(parts)} }}" for _ in range(times))
    spread = "...f " * times
    query = '{{ report(id: "x") {{ {} }} }}'
    fragment = f"fragment f on Report {{ {' '.join(parts)} }}"
    assert measured(query.format(spread) + fragment) == measured(query.format(written_out))


def nested(levels: int) -> str:
    return "{ area { " + "parent { " * (levels - 1) + "code" + " }" * (levels + 1)


@pytest.mark.parametrize(
    ("document", "over", "code"),
    [
        (nested(MAX_DEPTH), nested(MAX_DEPTH + 1), "TooDeep"),
        (
            "{" + "".join(f"a{n}: viewer {{ role }} " for n in range(MAX_ALIASES)) + "}",
            "{" + "".join(f"a{n}: viewer {{ role }} " for n in range(MAX_ALIASES + 1)) + "}",
            "TooManyAliases",
        ),
        (
            "{" + "viewer { role } " * (MAX_ALIASES + 1) + "}",
            "{" + "viewer { role } " * (MAX_ALIASES + 2) + "}",
            "TooManyAliases",
        ),
        (
            f"{{ reports({AREA}, first: 199) {{ nodes {{ evidence(first: 49) {{ nodes {{ id }} }} }} }} }}",
            f"{{ reports({AREA}, first: 200) {{ nodes {{ evidence(first: 50) {{ nodes {{ id }} }} }} }} }}",
            "TooCostly",
        ),
    ],
    ids=["depth", "aliases", "repetitions", "cost"],
)
def test_there_is_a_limit_to_its_size(document: str, over: str, code: str) -> None:
    assert errors(document) == []
    (error,) = errors(over)
    assert error.extensions is not None
    assert error.extensions["code"] == code
    assert error.extensions["hint"]


def test_fragments_that_stand_for_billions_of_fields_are_measured_in_no_time() -> None:
    bomb = "{ ...f0 }" + "".join(
        f"fragment f{n} on Query {{ viewer {{ role }} ...f{n + 1} ...f{n + 1} }}" for n in range(60)
    )
    bomb += "fragment f60 on Query { viewer { role } }"
    assert measured(bomb).cost > 2**60
    (error,) = errors(bomb)
    assert f"limit is {MAX_COST}" in error.message


def test_an_operation_beyond_the_limits_is_not_looked_into_any_further() -> None:
    document = "{" + "viewer { nope } " * (MAX_ALIASES + 2) + "}"
    (error,) = validate(SCHEMA, parse(document), [*specified_rules, WithinLimits])
    assert (error.extensions or {})["code"] == "TooManyAliases"


@pytest.mark.anyio
async def test_graphiql_may_ask_for_the_whole_schema(shared: Served) -> None:
    document = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True
    )
    async with httpx.AsyncClient() as http:
        answer = await http.post(shared.graphql, json={"query": document, "operationName": "IntrospectionQuery"})
    assert "errors" not in answer.json()
    assert {"Report", "ReportEvent"} <= {kind["name"] for kind in answer.json()["data"]["__schema"]["types"]}


@pytest.mark.anyio
async def test_a_document_has_so_many_words(shared: Served) -> None:
    names = [f"f{n}" for n in range((MAX_TOKENS - 4) // 12)]
    document = "query A {" + "".join(f" ...{name}" for name in names) + " }"
    document += "".join(f" fragment {name} on Query {{ viewer {{ role }} }}" for name in names)
    assert 4 + 12 * len(names) == MAX_TOKENS
    async with httpx.AsyncClient() as http:
        answer = await http.post(shared.graphql, json={"query": document.replace(" ", "  ")})
        assert answer.json() == {"data": {"viewer": {"role": "ANONYMOUS"}}}
        answer = await http.post(shared.graphql, json={"query": document.replace("role", "role areas", 1)})
    (error,) = answer.json()["errors"]
    assert f"more than {MAX_TOKENS} tokens" in error["message"]
    assert error["extensions"]["code"] == "InvalidRequest"


@pytest.mark.anyio
async def test_a_document_is_validated_once() -> None:
    kept: Any = _get_validate_cache(128)
    schema = make_schema()
    document = "{ __typename x: __typename }"
    await schema.execute(document)
    before = kept.cache_info()
    await schema.execute(document)
    assert kept.cache_info().hits == before.hits + 1
    assert kept.cache_info().misses == before.misses
