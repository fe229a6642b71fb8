"""A GraphQL request over HTTP, read with care: its size, its media type, its JSON, its parameters."""

from email.message import Message
from typing import Any

import orjson
from cross_web import StarletteRequestAdapter

from api.refusals import Refused
from geo.errors import Problem
from schema.errors import InvalidRequest

MAX_BODY = 256 * 1024
PARAMETERS = {"query": str, "variables": dict, "operationName": str, "extensions": dict}
EXAMPLE = 'Such as {"query": "query($code: String) { area(code: $code) { name } }", "variables": {"code": "GM0518"}}.'


class BodyTooLarge(Problem):
    """This body is too large."""


def invalid(message: str, hint: str, status: int = 400, **headers: str) -> Refused:
    return Refused(status, InvalidRequest(message, hint=hint), **headers)


class HTTPRequest(StarletteRequestAdapter):
    async def get_body(self) -> bytes:
        """All that is sent; raises `Refused` as soon as that is seen to be too much."""
        received = bytearray()
        async for chunk in self._request.stream():
            received += chunk
            if len(received) > MAX_BODY:
                problem = BodyTooLarge(f"This body has more than {MAX_BODY} bytes.", hint=f"At most {MAX_BODY} bytes.")
                raise Refused(413, problem)
        return bytes(received)


def read_json(data: str | bytes) -> Any:
    """Raises `Refused`. NaN and Infinity are no JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise invalid(f"This is not JSON: {error}.", EXAMPLE) from None


async def parameters(request: HTTPRequest) -> dict[str, Any]:
    """The four parameters of a request, each of the right type, or None when absent or empty; raises `Refused`."""
    if request.method == "GET":
        found: Any = dict(request.query_params)
        for name in ("variables", "extensions"):
            if name in found:
                found[name] = read_json(found[name])
    else:
        # Nothing that a page of another site can send without asking first: that is what keeps its forms out.
        if not _is_json(request.content_type or ""):
            raise invalid("This media type is not taken.", "Content-Type: application/json, in UTF-8.", 415)
        found = read_json(await request.get_body())
    if not isinstance(found, dict):
        raise invalid("This is not one request, which is a JSON object.", EXAMPLE)
    for name, kind in PARAMETERS.items():
        if not isinstance(found.get(name), kind | None):
            what = "a string" if kind is str else "an object"
            raise invalid(f"`{name}` is not {what}.", EXAMPLE)
    if not found.get("query"):
        raise invalid("There is no `query`.", EXAMPLE)
    return {name: found.get(name) or None for name in PARAMETERS}


def _is_json(content_type: str) -> bool:
    parsed = Message()
    parsed["Content-Type"] = content_type
    return parsed.get_content_type() == "application/json" and parsed.get_content_charset("utf-8") == "utf-8"
