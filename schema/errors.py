"""How errors leave, all with `extensions: {code, path, hint}`: a caller's mistake by its name, our own by a number that
stands in the log."""

from uuid import uuid4

import structlog
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import MaskErrors
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from geo.errors import Problem

log = structlog.get_logger()

# What GraphQL itself finds wrong with a request, before a resolver of ours has seen it.
_FOUND_BY_GRAPHQL = (GraphQLError, MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


class InvalidRequest(Problem):
    """This is not a request that can be carried out."""


def extensions(problem: Problem) -> dict[str, object]:
    """What tells a caller's program of a problem: its name, where it is, and what would be right."""
    return {"code": problem.code, "path": list(problem.path), "hint": problem.hint}


class NameErrors(MaskErrors):
    """Names every error that has no name yet, and masks what a caller did not cause."""

    def __init__(self) -> None:
        super().__init__(should_mask_error=lambda error: "code" not in (error.extensions or {}))

    def named(self, errors: list[GraphQLError]) -> list[GraphQLError]:
        return self._process_errors(errors)

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        message, named = _named(error)
        return GraphQLError(
            message,
            nodes=error.nodes,
            source=error.source,
            positions=error.positions,
            path=error.path,
            extensions=named,
        )


def _named(error: GraphQLError) -> tuple[str, dict[str, object]]:
    cause = _cause(error)
    if isinstance(cause, Problem):
        return cause.message, extensions(cause)
    unread = error.path is None and isinstance(cause, ValueError | OverflowError)  # a scalar's value, before any field
    if unread or isinstance(cause, _FOUND_BY_GRAPHQL):
        return error.message, extensions(InvalidRequest(hint="What can be asked, and how, stands in the schema."))
    number = uuid4().hex[:12]
    fields = [node.name.value for node in error.nodes or () if hasattr(node, "name") and node.name]
    log.error("unexpected_error", error_id=number, fields=fields, exc_info=cause)
    hint = f"Tell us this number: {number}."
    return f"Something went wrong on our side. {hint}", {"code": "InternalError", "path": [], "hint": hint}


def _cause(error: GraphQLError) -> BaseException:
    """What was raised in our code, behind the errors that GraphQL wrapped around it."""
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause
