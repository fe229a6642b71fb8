"""From the text of a request to the one operation it asks for."""

from collections.abc import Iterator
from contextlib import suppress

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import ParserCache, SchemaExtension

from schema.errors import InvalidRequest, extensions


class ParsedOnce(ParserCache):
    """Leaves what does not parse to be parsed again by Strawberry, whose handling of errors begins behind this hook."""

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        with suppress(GraphQLError):
            context.graphql_document = self.cached_parse_document(context.query, **context.parse_options)
        yield


class OneOperation(SchemaExtension):
    """Of several operations the caller has to name one: Strawberry would run the first.

    Comes behind `ValidationCache`, whose list of errors others get too.
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
