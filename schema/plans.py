"""Which subscriptions can be served together, found out once for each document.

What is no plain subscription, or not even valid, has no plan: it goes the ordinary way, which also says what is wrong.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from cachetools import LRUCache
from graphql import (
    DocumentNode,
    Executor,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    create_source_event_stream,
    parse,
    specified_rules,
    validate,
    visit,
)

from schema.context import Context
from schema.cost import MAX_TOKENS, WithinLimits
from schema.listening import Listener
from schema.projection import Projection

PLANS = 2_000
LONGEST = 10_000  # characters of a document that is kept


@dataclass(frozen=True, eq=False)
class Plan:
    """A subscription of one field. `deciding` are the variables that have a say in what its events look like; others
    only decide which events there are."""

    document: DocumentNode
    operation_name: str | None
    deciding: tuple[str, ...]

    def key(self, variables: Mapping[str, object]) -> tuple["Plan", bytes]:
        """The same for requests whose events look the same."""
        given = {name: variables[name] for name in self.deciding if name in variables}
        return self, orjson.dumps(given, option=orjson.OPT_SORT_KEYS)


class Plans:
    """The plans of the documents that came lately."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema._schema
        self._kept: LRUCache[tuple[str, str | None], Plan | None] = LRUCache(PLANS)
        self._alike: LRUCache[tuple[Plan, bytes], bool | None] = LRUCache(PLANS)

    def find(self, query: str, operation_name: str | None) -> Plan | None:
        if len(query) + len(operation_name or "") > LONGEST:
            return None
        key = query, operation_name
        if key not in self._kept:
            self._kept[key] = self._make(query, operation_name)
        return self._kept[key]

    def _make(self, query: str, operation_name: str | None) -> Plan | None:
        try:
            document = parse(query, max_tokens=MAX_TOKENS)
        except GraphQLError:
            return None
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        chosen = [node for node in operations if operation_name is None or _name(node) == operation_name]
        if len(chosen) != 1 or chosen[0].operation is not OperationType.SUBSCRIPTION:
            return None
        if validate(self._schema, document, [*specified_rules, WithinLimits]):
            return None
        match chosen[0].selection_set.selections:
            case (FieldNode(selection_set=selection),) if selection:
                fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
                return Plan(document, operation_name, tuple(_variables_in([selection, *fragments])))
        return None

    def executor(self, plan: Plan, variables: dict[str, Any], context: Context) -> Executor[Any] | None:
        """None where the variables can't be used."""
        made = Executor.build(
            self._schema,
            plan.document,
            context_value=context,
            raw_variable_values=variables,
            operation_name=plan.operation_name,
        )
        return made if isinstance(made, Executor) else None

    def alike(self, plan: Plan, variables: Mapping[str, object], executor: Executor[Any]) -> bool | None:
        """Whether its events look the same to all callers; None where each is an error, as of a variable that is null
        where it must not be."""
        key = plan.key(variables)
        if len(key[1]) > LONGEST:
            return None
        if key not in self._alike:
            try:
                self._alike[key] = Projection(executor).alike
            except GraphQLError:
                self._alike[key] = None
        return self._alike[key]

    async def listener(self, executor: Executor[Any]) -> Listener[Any] | None:
        """What the field's resolver listens to; None where it finds something wrong."""
        made: Any = create_source_event_stream(executor)
        if executor.is_awaitable(made):
            made = await made
        return made if isinstance(made, Listener) else None


def _name(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name else None


def _variables_in(nodes: Iterable[Node]) -> list[str]:
    found: set[str] = set()

    class Collector(Visitor):
        def enter_variable(self, node: VariableNode, *_: object) -> None:
            found.add(node.name.value)

    for node in nodes:
        visit(node, Collector())
    return sorted(found)
