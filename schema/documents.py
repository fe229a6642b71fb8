"""From the text of a request to the one operation it asks for.

What was parsed and validated is kept, for the next request with the same text. Not so a change with strings written
into it: each is another one, and its strings are what somebody wrote, which nobody agreed to have kept.
"""

from collections.abc import Iterator
from contextlib import suppress

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache

from schema.errors import InvalidRequest, extensions


def _keepable(query: str | None) -> bool:
    return query is not None and not ('"' in query and "mutation" in query)


class ParsedOnce(ParserCache):
    """Leaves what does not parse to be parsed again by Strawberry, whose handling of errors begins behind this hook."""

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        if _keepable(context.query):
            with suppress(GraphQLError):
                context.graphql_document = self.cached_parse_document(context.query, **context.parse_options)
        yield


class ValidatedOnce(ValidationCache):
    """Leaves what is not to be kept to Strawberry."""

    def on_validate(self) -> Iterator[None]:
        if _keepable(self.execution_context.query):
            yield from super().on_validate()
        else:
            yield


class OneOperation(SchemaExtension):
    """Of several operations the caller has to name one: Strawberry would run the first.

    Comes behind `ValidatedOnce`, whose list of errors others get too.
    """

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        assert context.graphql_document is not None
        several = sum(isinstance(d, OperationDefinitionNode) for d in context.graphql_document.definitions) > 1
        if several and context._provided_operation_name is None:
            problem = InvalidRequest("This document has several operations.", hint="Say which in `operationName`.")
            error = GraphQLError(problem.message, extensions=extensions(problem))
            context.pre_execution_errors = [*(context.pre_execution_errors or ()), error]
        yield
