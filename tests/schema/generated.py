"""Operations made from the schema itself, so that whatever is added to it is asked too: each field of each root, with
arguments made up from their types, and all that can be selected two levels deep."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationType,
    get_named_type,
    is_composite_type,
    is_enum_type,
    is_required_argument,
    is_required_input_field,
)

Values = Mapping[str, Any]  # what to give, by the name of an argument or of a type
DEPTH = 2
_KINDS = {kind.value: kind for kind in OperationType}


class Operation(NamedTuple):
    name: str  # such as Mutation.submitReport
    document: str
    variables: Mapping[str, Any]


def operations(schema: GraphQLSchema, kind: str, values: Values) -> Iterator[Operation]:
    """Operations for each field of the root of that kind ("query" and so on): for each argument that may be left out,
    and for each type that it answers with."""
    root = schema.get_root_type(_KINDS[kind])
    assert root is not None
    for name, field in root.fields.items():
        needed = [key for key, argument in field.args.items() if is_required_argument(argument)]
        others = [key for key in field.args if key in values and key not in needed and key != "first"]
        for given, selection in product([[*needed, other] for other in others] or [needed], _selections(schema, field)):
            declared = ", ".join(f"${key}: {field.args[key].type}" for key in given)
            pages = ["first: 3"] if "first" in field.args else []  # a variable would cost as much as the largest page
            passed = ", ".join([*(f"{key}: ${key}" for key in given), *pages])
            head, call = f"{kind}({declared})" if given else kind, f"{name}({passed})" if passed else name
            variables = {key: _value(key, field.args[key].type, values) for key in given}
            yield Operation(f"{root.name}.{name}", f"{head} {{ {call} {selection} }}", variables)


def _value(name: str, type_: Any, values: Values) -> Any:
    """Something to give; a type that nothing is known for is an error, to be mended in the test's values."""
    if name in values:
        return values[name]
    if isinstance(type_, GraphQLNonNull):
        return _value(name, type_.of_type, values)
    if isinstance(type_, GraphQLList):
        return [_value(name, type_.of_type, values)]
    if type_.name in values:
        return values[type_.name]
    if is_enum_type(type_):
        return next(iter(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        wanted = {key: field for key, field in type_.fields.items() if is_required_input_field(field) or key in values}
        return {key: _value(key, field.type, values) for key, field in wanted.items()}
    raise KeyError(f"Nothing is known to give for {name}: {type_}")


def _selections(schema: GraphQLSchema, field: GraphQLField) -> Iterator[str]:
    """One for each object type that the field can answer with; problems go with all of them."""
    type_ = get_named_type(field.type)
    if not is_composite_type(type_):
        yield ""
        return
    members = _members(schema, type_)
    problem = schema.type_map["Problem"]
    assert isinstance(problem, GraphQLInterfaceType)
    wrong = " ... on Problem { code message path hint }" if any(problem in m.interfaces for m in members) else ""
    for member in members:
        if problem not in member.interfaces:
            yield f"{{ __typename ... on {member.name} {{ {_fields(schema, member, DEPTH)} }}{wrong} }}"


def _members(schema: GraphQLSchema, type_: GraphQLNamedType) -> list[GraphQLObjectType]:
    if isinstance(type_, GraphQLUnionType | GraphQLInterfaceType):
        return list(schema.get_possible_types(type_))
    assert isinstance(type_, GraphQLObjectType)
    return [type_]


def _fields(schema: GraphQLSchema, type_: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
    found = []
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        if not is_composite_type(inner):
            found.append(name)
        elif depth and not isinstance(inner, GraphQLUnionType):
            assert isinstance(inner, GraphQLObjectType | GraphQLInterfaceType)
            first = "(first: 2)" if "first" in field.args else ""
            found.append(f"{name}{first} {{ __typename {_fields(schema, inner, depth - 1)} }}")
    return " ".join(found)
