"""The schema is the product: committed, described throughout, its names the same everywhere."""

from collections.abc import Iterator

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    is_introspection_type,
    is_specified_scalar_type,
)

from api.cli import SDL
from geo import errors
from schema.root import make_schema

SCHEMA = make_schema()._schema


def named_types() -> Iterator[GraphQLNamedType]:
    for kind in SCHEMA.type_map.values():
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind):
            yield kind


def undescribed() -> Iterator[str]:
    for kind in named_types():
        if not kind.description:
            yield kind.name
        if isinstance(kind, GraphQLEnumType):
            yield from (f"{kind.name}.{name}" for name, value in kind.values.items() if not value.description)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                if not field.description:
                    yield f"{kind.name}.{name}"
                yield from (f"{kind.name}.{name}({a})" for a, arg in field.args.items() if not arg.description)
        if isinstance(kind, GraphQLInputObjectType):
            yield from (f"{kind.name}.{name}" for name, field in kind.fields.items() if not field.description)


def test_the_committed_schema_is_what_the_code_says() -> None:
    assert SDL.read_text() == make_schema().as_str() + "\n"


def test_everything_has_a_description() -> None:
    assert list(undescribed()) == []


# The same again finds the same message, or nothing left to erase.
KEYS = {"InvalidIdempotencyKey", "IdempotencyKeyReused"}
WITHOUT_KEY = {"registerMessage", "withdrawConsent", "deleteMessage", "eraseContribution"}
OUTCOMES = {
    "submitReport": ["ReportSubmitted", "SimilarReportsFound"],
    "registerMessage": ["MessageRegistered", "MessageMatched", "CategoryUnclear", "PlaceUnclear"],
    "decideCorrection": ["ReportMoved", "CategoryChanged", "CorrectionDeclined"],
}


def test_every_mutation_takes_an_input_with_a_key_and_answers_with_a_union_of_its_outcome_and_problems() -> None:
    assert SCHEMA.mutation_type is not None
    problem = SCHEMA.type_map["Problem"]
    for name, field in SCHEMA.mutation_type.fields.items():
        given = field.args["input"].type.of_type
        assert ("idempotencyKey" in given.fields) == (name not in WITHOUT_KEY), name
        union = field.type.of_type
        assert isinstance(union, GraphQLUnionType), name
        outcomes = [kind.name for kind in union.types if problem not in kind.interfaces]
        assert len(outcomes) == 1 or outcomes == OUTCOMES[name], (name, outcomes)
        refusals = {"NotPermitted"} if name in WITHOUT_KEY else {"NotPermitted", *KEYS}
        assert refusals <= {kind.name for kind in union.types}, name


def test_a_problem_of_the_schema_is_one_of_geo_by_the_same_name() -> None:
    problem = SCHEMA.type_map["Problem"]
    for kind in named_types():
        if isinstance(kind, GraphQLObjectType) and problem in kind.interfaces:
            assert issubclass(getattr(errors, kind.name), errors.Problem)


def test_every_list_of_entities_is_a_connection_of_pages() -> None:
    for kind in named_types():
        if isinstance(kind, GraphQLObjectType) and kind.name.endswith("Connection"):
            assert {"edges", "nodes", "pageInfo"} <= set(kind.fields), kind.name
