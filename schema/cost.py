"""What an operation may cost at most, reckoned before it runs.

- cost: a field costs 1; one with `first` costs what its selection costs, that many times. A variable counts as the
  largest page.
- depth: fields with fields below them, one inside the other. Introspection is free of both: GraphQL limits its depth.
- aliases: fields asked under another name, or once more, which is how one field is asked many times.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    VariableNode,
    get_named_type,
)
from graphql.validation.validate import ValidationAbortedError
from strawberry.extensions import SchemaExtension

from geo.errors import Problem
from schema.errors import extensions
from schema.pages import MAX_FIRST

MAX_COST = 20_000
MAX_DEPTH = 14
MAX_ALIASES = 30
MAX_TOKENS = 1_000


class TooCostly(Problem):
    """This operation could cost too much."""


class TooDeep(Problem):
    """This operation is nested too deeply."""


class TooManyAliases(Problem):
    """This operation asks for too many fields again or under another name."""


class Measure(NamedTuple):
    """The size of a selection."""

    cost: int = 0
    depth: int = 0
    aliases: int = 0

    def problem(self) -> Problem | None:
        """The first limit that it exceeds."""
        if self.depth > MAX_DEPTH:
            return TooDeep(f"This operation is {self.depth} levels deep.", hint=f"At most {MAX_DEPTH} levels.")
        if self.aliases > MAX_ALIASES:
            return TooManyAliases(
                f"This operation has {self.aliases} aliases.", hint=f"At most {MAX_ALIASES}; send several operations."
            )
        if self.cost > MAX_COST:
            return TooCostly(
                f"This operation could cost {self.cost} fields; the limit is {MAX_COST}.",
                hint="Ask for smaller pages or fewer fields.",
            )
        return None


class WithinLimits(ValidationRule):
    """Stops at an operation beyond the limits, before other rules spend time on it.

    Each fragment is measured once, however often it is spread: a few that spread each other can stand for billions of
    fields.
    """

    context: ValidationContext

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._fragments: dict[str, Measure] = {}

    def enter_document(self, node: DocumentNode, *_: Any) -> None:
        for definition in node.definitions:
            if isinstance(definition, OperationDefinitionNode):
                root = self.context.schema.get_root_type(definition.operation)
                if problem := self._selection(definition.selection_set, root).problem():
                    raise ValidationAbortedError(problem.message, definition, extensions=extensions(problem))

    def _selection(self, selection: SelectionSetNode, parent: Any) -> Measure:
        found = [self._measure(node, parent) for node in selection.selections]
        names = [(node.alias or node.name).value for node in selection.selections if isinstance(node, FieldNode)]
        return Measure(
            cost=sum(m.cost for m in found),
            depth=max((m.depth for m in found), default=0),
            aliases=sum(m.aliases for m in found) + len(names) - len(set(names)),
        )

    def _measure(self, node: SelectionNode, parent: Any) -> Measure:
        if isinstance(node, FieldNode):
            return self._field(node, getattr(parent, "fields", {}).get(node.name.value))
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        assert isinstance(node, InlineFragmentNode)
        on = node.type_condition
        return self._selection(node.selection_set, self.context.schema.get_type(on.name.value) if on else parent)

    def _field(self, node: FieldNode, field: GraphQLField | None) -> Measure:
        """Introspection, and what another rule complains of, has no `field`: only its aliases count."""
        target = get_named_type(field.type) if field else None
        below = self._selection(node.selection_set, target) if node.selection_set else Measure()
        return Measure(
            cost=1 + below.cost * _times(node, field) if field else 0,
            depth=below.depth + 1 if field and node.selection_set else 0,
            aliases=below.aliases + (node.alias is not None),
        )

    def _fragment(self, name: str) -> Measure:
        if name not in self._fragments:
            self._fragments[name] = Measure()  # for one that spreads itself, of which another rule complains
            if fragment := self.context.get_fragment(name):
                target = self.context.schema.get_type(fragment.type_condition.name.value)
                self._fragments[name] = self._selection(fragment.selection_set, target)
        return self._fragments[name]


def _times(node: FieldNode, field: GraphQLField) -> int:
    """How many times what is below the field may be there."""
    if "first" not in field.args:
        return 1
    for argument in node.arguments or ():
        if argument.name.value == "first":
            match argument.value:
                case IntValueNode(value=value):
                    # More than a page is refused later, and may have more digits than Python wants to read.
                    return max(1, min(int(value[:9]), MAX_FIRST))
                case VariableNode():
                    return MAX_FIRST
    default = field.args["first"].default_value
    return default if isinstance(default, int) else MAX_FIRST


class Limits(SchemaExtension):
    """Puts `WithinLimits` and a number of tokens before each operation."""

    def on_operation(self) -> Iterator[None]:
        self.execution_context.parse_options["max_tokens"] = MAX_TOKENS
        self.execution_context.validation_rules += (WithinLimits,)
        yield
