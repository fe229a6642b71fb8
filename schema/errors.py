"""How errors leave: a caller's mistake by its name, our own by a number that stands in the log."""

from uuid import uuid4

import structlog
from graphql import GraphQLError
from strawberry.extensions import MaskErrors

from geo.errors import Problem

log = structlog.get_logger()


class NameErrors(MaskErrors):
    """Gives problems `extensions: {code, path, hint}`, and masks what a caller did not cause."""

    def __init__(self) -> None:
        super().__init__(should_mask_error=_is_from_our_code)

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        cause = _cause(error)
        if isinstance(cause, Problem):
            message = cause.message
            extensions: dict[str, object] = {"code": cause.code, "path": list(cause.path), "hint": cause.hint}
        else:
            number = uuid4().hex[:12]
            log.error("unexpected_error", error_id=number, path=error.path, exc_info=cause)
            message = f"Something went wrong on our side. Tell us this number: {number}."
            extensions = {"code": "InternalError", "id": number}
        return GraphQLError(message, nodes=error.nodes, source=error.source, path=error.path, extensions=extensions)


def _cause(error: GraphQLError) -> BaseException:
    """What was raised in our code, behind the errors that GraphQL wrapped around it."""
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _is_from_our_code(error: GraphQLError) -> bool:
    return not isinstance(_cause(error), GraphQLError)
