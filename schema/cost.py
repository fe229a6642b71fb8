"""What an operation may cost at most, reckoned before it runs.

A field costs 1. A field with `first` costs what its selection costs, that many times; a variable counts as its default,
or as the largest page.
"""

from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    VariableNode,
    get_named_type,
)
from strawberry.extensions import AddValidationRules

from schema.pages import MAX_FIRST


class CostLimiter(AddValidationRules):
    """Refuses operations that could cost more than `limit` fields."""

    def __init__(self, limit: int) -> None:
        super().__init__([_rule(limit)])


def _rule(limit: int) -> type[ValidationRule]:
    class CostRule(ValidationRule):
        context: ValidationContext

        def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
            root = self.context.schema.get_root_type(node.operation)
            cost = self._selection(node.selection_set, root, ())
            if cost > limit:
                self.context.report_error(
                    GraphQLError(
                        f"This operation could cost {cost} fields; the limit is {limit}.",
                        node,
                        extensions={"code": "TooCostly", "path": [], "hint": "Ask for smaller pages or fewer fields."},
                    )
                )

        def _selection(self, selection: SelectionSetNode | None, parent: Any, inside: tuple[str, ...]) -> int:
            return sum(self._cost(node, parent, inside) for node in (selection.selections if selection else ()))

        def _cost(self, node: Any, parent: Any, inside: tuple[str, ...]) -> int:
            match node:
                case FieldNode():
                    name = node.name.value
                    field = None if name.startswith("__") else getattr(parent, "fields", {}).get(name)
                    if field is None:  # introspection, or a field that another rule complains about
                        return 0
                    below = self._selection(node.selection_set, get_named_type(field.type), inside)
                    return 1 + below * _times(node, field)
                case InlineFragmentNode():
                    condition = node.type_condition
                    target = self.context.schema.get_type(condition.name.value) if condition else parent
                    return self._selection(node.selection_set, target, inside)
                case FragmentSpreadNode():
                    fragment = self.context.get_fragment(node.name.value)
                    if fragment is None or node.name.value in inside:  # another rule complains
                        return 0
                    target = self.context.schema.get_type(fragment.type_condition.name.value)
                    return self._selection(fragment.selection_set, target, (*inside, node.name.value))
            return 0

    return CostRule


def _times(node: FieldNode, field: GraphQLField) -> int:
    """How many times what is below the field may be there."""
    if "first" not in field.args:
        return 1
    for argument in node.arguments or ():
        if argument.name.value == "first":
            match argument.value:
                case IntValueNode(value=value):
                    return max(1, int(value))
                case VariableNode():
                    return MAX_FIRST
    default = field.args["first"].default_value
    return default if isinstance(default, int) else MAX_FIRST
