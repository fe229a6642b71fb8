"""From the value of a subscription to its JSON, without an executor: the selection compiled into plain functions.

Only what is the same for all and at hand can be made so (schema/alike.py). It gives exactly what executing the
operation gives; where that would be an error, it gives up, and the operation is executed.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    Executor,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    get_argument_values,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetailsList, collect_fields, collect_subfields
from strawberry.schema.schema_converter import CustomGraphQLEnumType
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

Read = Callable[[Any], Any]


class Unprojectable(Exception):
    """This value has to be executed."""


@dataclass
class Projection:
    """One operation with its variables, compiled.

    `alike` tells whether all callers get the same; `from_memory` whether `project` can be called.
    """

    executor: Executor[Any]
    alike: bool = True
    from_memory: bool = True

    def __post_init__(self) -> None:
        root = self.executor.schema.subscription_type
        assert root is not None
        operation = self.executor
        fields = collect_fields(
            operation.schema, operation.fragments, operation.variable_values, root, operation.operation
        ).grouped_field_set
        ((self._name, details),) = fields.items()
        field = operation.schema.get_field(root, details[0].node.name.value)
        assert field is not None
        self._info = SimpleNamespace(context=operation.context_value)
        self._complete = self._completion(field.type, details)

    def project(self, value: object) -> dict[str, Any]:
        """The `data` of one event; raises `Unprojectable`."""
        return {self._name: self._complete(value)}

    def _completion(self, kind: GraphQLOutputType, details: FieldDetailsList) -> Read:
        """What makes JSON of a resolved value of this type."""
        if isinstance(kind, GraphQLNonNull):
            return _required(self._presence(kind.of_type, details))
        return _unless_null(self._presence(kind, details))

    def _presence(self, kind: GraphQLOutputType, details: FieldDetailsList) -> Read:
        """The same, of a value that is no null."""
        if isinstance(kind, GraphQLList):
            return _each(self._completion(kind.of_type, details))
        if is_leaf_type(kind):
            return _leaf(kind)
        if is_abstract_type(kind):
            return self._by_type(self.executor.schema.get_possible_types(kind), details)
        return self._object(cast("GraphQLObjectType", kind), details)

    def _by_type(self, kinds: list[GraphQLObjectType], details: FieldDetailsList) -> Read:
        reads = {kind.name: self._object(kind, details) for kind in kinds}
        return lambda value: reads[type(value).__strawberry_definition__.name](value)

    def _object(self, kind: GraphQLObjectType, details: FieldDetailsList) -> Read:
        e = self.executor
        collected = collect_subfields(e.schema, e.fragments, e.variable_values, e.operation, kind, details)
        reads = [(name, self._field(kind, below)) for name, below in collected.grouped_field_set.items()]
        return lambda value: {name: read(value) for name, read in reads}

    def _field(self, kind: GraphQLObjectType, details: FieldDetailsList) -> Read:
        node = details[0].node
        if node.name.value == "__typename":
            return lambda _: kind.name
        field = self.executor.schema.get_field(kind, node.name.value)
        assert field is not None
        resolve = self._resolution(field, field.extensions["strawberry-definition"], details)
        complete = self._completion(field.type, details)
        return lambda value: complete(resolve(value))

    def _resolution(self, field: GraphQLField, made: StrawberryField, details: FieldDetailsList) -> Read:
        """What a field's resolver makes of the object it belongs to."""
        resolver, name = made.base_resolver, made.python_name
        if resolver is None:
            return lambda value: getattr(value, name)
        call: Any = resolver.wrapped_func
        arguments = self._arguments(field, made, details)
        takes_info = resolver.info_parameter is not None
        self._note(made, takes_info=takes_info)
        if takes_info:
            arguments["info"] = self._info
        if resolver.is_async:
            return lambda value: _finished(call(value, **arguments))
        return (lambda value: call(value, **arguments)) if arguments else call

    def _note(self, made: StrawberryField, *, takes_info: bool) -> None:
        alike = made.metadata.get("alike")
        self.alike &= alike is not None or not takes_info
        self.from_memory &= alike == "memory" or not takes_info

    def _arguments(self, field: GraphQLField, made: StrawberryField, details: FieldDetailsList) -> dict[str, Any]:
        """By their names in Python. Input objects, which nothing told by a subscription takes, would be left raw."""
        values = get_argument_values(
            field, details[0].node, self.executor.variable_values, details[0].fragment_variable_values
        )
        names = {to_camel_case(argument.python_name): argument.python_name for argument in made.arguments}
        return {names[name]: value for name, value in values.items()}


def _leaf(kind: GraphQLLeafType) -> Read:
    """The type's own coercion, spared where it is known to change nothing."""
    coerce = kind.coerce_output_value
    if kind.name in {"String", "ID"}:
        return lambda value: value if type(value) is str else coerce(value)
    if kind.name == "Int":
        return lambda value: (
            value if type(value) is int and GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT else coerce(value)
        )
    if isinstance(kind, CustomGraphQLEnumType):
        names: dict[object, Any] = {member: coerce(member) for member in list[Any](kind.wrapped_cls)}
        return lambda value: names.get(value) or coerce(value)
    return coerce


def _required(complete: Read) -> Read:
    def completed(value: Any) -> Any:
        if value is None:
            raise Unprojectable
        return complete(value)

    return completed


def _unless_null(complete: Read) -> Read:
    return lambda value: None if value is None else complete(value)


def _each(complete: Read) -> Read:
    return lambda values: [complete(value) for value in values]


def _finished(running: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns that has nothing to wait for."""
    try:
        running.send(None)
    except StopIteration as stop:
        return stop.value
    running.close()
    raise Unprojectable
