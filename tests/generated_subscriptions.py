"""Subscriptions made from the schema itself, so that whatever is added to it is asked too: any selection below their
fields, spread over fragments, under aliases, with directives, arguments and variables."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    parse,
    specified_rules,
    validate,
)
from hypothesis import assume
from hypothesis import strategies as st

from schema.cost import WithinLimits
from tests.clients.refusals import Name, literal

DEPTH = 6
FIELDS = 50  # in one document, more or less
RARELY = 80  # one document in so many has its root in a fragment, or twice
VALUES: dict[str, list[Any]] = {  # what to give, by the type of an argument
    "Language": [Name("NL"), Name("EN")],
    "Int": [1, 2, 3, 5, 5, 5, 0],  # a page of 0 is an error
    "String": [None, None, None, "no cursor"],
}
ROOTS = {  # the arguments of each subscription; they are given as variables, or written in the document
    "reportEvents": ("area", "filter", "after"),
    "report": ("id", "after"),
    "alertEvents": ("area", "after"),
    "notifications": ("after",),
}
ALWAYS_VARIABLES = ("id", "after")  # nobody knows them before there are reports

Allowed = Callable[[GraphQLField], bool]


class Subscription(NamedTuple):
    root: str
    document: str
    operation_name: str | None
    variables: dict[str, Any]  # without `id` and `after`
    plain: bool  # whether it is written in a way that is not served together with others


def everything(_: GraphQLField) -> bool:
    return True


@st.composite
def subscriptions(
    draw: st.DrawFn, schema: GraphQLSchema, root: str, given: dict[str, Any], allowed: Allowed = everything
) -> Subscription:
    """A valid one, of the fields that are allowed. `given` are the arguments of its root."""
    random = draw(st.randoms(use_true_random=True))  # hypothesis itself likes the simplest choices too much
    written = write(random, schema, root, given, allowed)
    assume(written is not None)
    assert written is not None
    return written


def write(
    random: Random, schema: GraphQLSchema, root: str, given: dict[str, Any], allowed: Allowed = everything
) -> Subscription | None:
    """None where it goes beyond a limit."""
    writer = _Writer(random, schema, allowed)
    operation = writer.operation(root, given)
    watch = " ".join([operation, *writer.fragments.values()])
    other = random.choice(["", "", "query Other { viewer { role } } "])
    document, name = other + watch, "Watch" if other else random.choice([None, "Watch"])
    wrong = validate(schema, parse(document), [*specified_rules, WithinLimits])
    if any("code" in (error.extensions or {}) for error in wrong):
        return None
    assert not wrong, (wrong, document)
    return Subscription(root, document, name, writer.variables, writer.plain)


@dataclass
class _Writer:
    random: Random
    schema: GraphQLSchema
    allowed: Allowed
    declared: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)
    plain: bool = False
    _on: dict[str, GraphQLNamedType] = field(default_factory=dict)  # the type of each fragment
    _taken: dict[str, str] = field(default_factory=dict)  # what each name in the answer stands for
    _left: int = FIELDS

    def operation(self, root: str, given: dict[str, Any]) -> str:
        assert self.schema.subscription_type is not None
        target = self.schema.subscription_type.fields[root]
        arguments = [f"{name}: {self._root_argument(target, name, given)}" for name in ROOTS[root]]
        head = f"{self.random.choice(['', 'told: '])}{root}({', '.join(arguments)})"
        kind = get_named_type(target.type)
        called = f"{head} {self.selection(kind, DEPTH)}"
        if self._chance(RARELY):
            self.plain = True
            called = self._elsewhere(called, head, kind)
        declared = ", ".join(f"${name}: {kind}" for name, kind in self.declared.items())
        return f"subscription Watch({declared}) {{ {called} }}"

    def _elsewhere(self, called: str, head: str, kind: GraphQLNamedType) -> str:
        match self.random.randrange(3):
            case 0:
                return f"{called} {head} {self.selection(kind, 1)}"
            case 1:
                return f"... on Subscription {{ {called} }}"
        self.fragments["Root"] = f"fragment Root on Subscription {{ {called} }}"
        return "...Root"

    def _root_argument(self, target: GraphQLField, name: str, given: dict[str, Any]) -> str:
        kind = target.args[name].type
        if name in ALWAYS_VARIABLES or self._chance(2):
            self.declared[name] = str(kind)
            if name not in ALWAYS_VARIABLES:
                self.variables[name] = given.get(name)
            return f"${name}"
        return literal(_named(given.get(name)))

    def selection(self, kind: GraphQLNamedType, depth: int) -> str:
        parts = []
        if isinstance(kind, GraphQLUnionType):  # first what most of them tell
            widest = max(self._narrower(kind), key=lambda one: len(self._possible(one)))
            parts.append(f"... on {widest.name} {self.selection(widest, depth)}")
        parts += [self._part(kind, depth) for _ in range(self.random.randint(1, 5))]
        return f"{{ {' '.join(parts)} }}"

    def _part(self, kind: GraphQLNamedType, depth: int) -> str:
        self._left -= 1
        if self._left < 0:
            return self._field(kind, depth)
        if is_abstract_type(kind) and (isinstance(kind, GraphQLUnionType) or self._chance(4)) and not self._chance(6):
            inner = self.random.choice(self._narrower(kind))
            return f"... on {inner.name}{self._directives()} {self.selection(inner, depth)}"
        if self._chance(6):
            return self._spread(kind, depth)
        if self._chance(12):
            return f"...{self._directives()} {self.selection(kind, depth)}"
        return self._field(kind, depth)

    def _spread(self, kind: GraphQLNamedType, depth: int) -> str:
        fitting = [name for name, on in self._on.items() if set(self._possible(on)) & set(self._possible(kind))]
        if fitting and not self._chance(3):
            return f"...{self.random.choice(fitting)}{self._directives()}"
        selection = self.selection(kind, depth)
        name = f"F{len(self.fragments)}"
        self._on[name] = kind
        self.fragments[name] = f"fragment {name} on {kind.name} {selection}"
        return f"...{name}{self._directives()}"

    def _field(self, kind: GraphQLNamedType, depth: int) -> str:
        found = [] if isinstance(kind, GraphQLUnionType) else [*getattr(kind, "fields", {}).items()]
        fitting = [
            (name, one)
            for name, one in found
            if self.allowed(one) and ((depth > 0 and self._left > 0) or not is_composite_type(get_named_type(one.type)))
        ]
        if not fitting or self._chance(10):
            return f"{self._name('__typename', '', 'String!')}{self._directives()}"
        composite = [(name, one) for name, one in fitting if is_composite_type(get_named_type(one.type))]
        name, one = self.random.choice(composite if composite and self._chance(2) else fitting)
        arguments = ", ".join(self._arguments(one))
        shown = self._name(name, f"({arguments})" if arguments else "", str(one.type))
        inner = get_named_type(one.type)
        below = f" {self.selection(inner, depth - 1)}" if is_composite_type(inner) else ""
        return f"{shown}{self._directives()}{below}"

    def _name(self, name: str, arguments: str, kind: str) -> str:
        """The field, under an alias where its name stands for something else already: the two could not be merged."""
        what = name + arguments + kind
        alias = f"a{len(self._taken)}" if self._chance(8) else name
        if self._taken.setdefault(alias, what) != what:
            alias = f"a{len(self._taken)}"
            self._taken[alias] = what
        return (name if alias == name else f"{alias}: {name}") + arguments

    def _arguments(self, of: GraphQLField) -> list[str]:
        return [f"{name}: {self._value(argument)}" for name, argument in of.args.items() if self._chance(2)]

    def _value(self, argument: GraphQLArgument) -> str:
        kind = get_named_type(argument.type).name
        value = self.random.choice(VALUES[kind])
        if kind == "Int" or self._chance(2):  # a page of variable size counts as the largest
            return literal(value)
        default = self.random.choice(["", f" = {literal(self.random.choice(VALUES[kind]))}"])
        return self._variable(kind, default, value)

    def _directives(self) -> str:
        if not self._chance(8):
            return ""
        name, holds = self.random.choice(["include", "skip"]), self.random.random() < 0.5
        if self._chance(3):
            return f" @{name}(if: {literal(holds)})"
        kind, default = self.random.choice([("Boolean!", ""), ("Boolean", " = true"), ("Boolean", " = false")])
        return f" @{name}(if: {self._variable(kind, default, holds)})"

    def _variable(self, kind: str, default: str, value: Any) -> str:
        name = f"v{len(self.declared)}"
        self.declared[name] = kind + default
        if kind.endswith("!") or self._chance(2):
            self.variables[name] = value
        if default and self._chance(10 * RARELY):  # allowed, and an error where it is used
            self.variables[name], self.plain = None, True
        return f"${name}"

    def _narrower(self, kind: GraphQLNamedType) -> list[GraphQLNamedType]:
        """Its types, and the interfaces that some of them have."""
        possible = self._possible(kind)
        interfaces = {one.name: one for kind in possible for one in kind.interfaces}
        return [*possible, *(interfaces[name] for name in sorted(interfaces) if name != kind.name)]

    def _possible(self, kind: Any) -> list[GraphQLObjectType]:
        return list(self.schema.get_possible_types(kind)) if is_abstract_type(kind) else [kind]

    def _chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0


def _named(value: Any) -> Any:
    """With what is in capitals as values of enumerations, for writing it in a document."""
    match value:
        case dict():
            return {key: _named(inner) for key, inner in value.items()}
        case list():
            return [_named(inner) for inner in value]
        case str() if (value.isupper() and value.isalpha()) or "_" in str(value):
            return Name(value)
    return value
