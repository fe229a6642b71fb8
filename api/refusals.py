"""What the GraphQL endpoint answers instead of a result: in the shape of one, so that every client can read it."""

import orjson
from starlette.responses import Response

from geo.errors import Problem
from schema.errors import extensions


class Refused(Exception):
    """The problem with a request, and the status and headers to answer it with."""

    def __init__(self, status: int, problem: Problem, **headers: str) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self._status = status
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self, media_type: str) -> Response:
        return Response(
            orjson.dumps({"errors": [as_error(self.problem)]}),
            self._status,
            self._headers,
            f"{media_type}; charset=utf-8",
        )


def as_error(problem: Problem) -> dict[str, object]:
    """A problem as a GraphQL error."""
    return {"message": problem.message, "extensions": extensions(problem)}
