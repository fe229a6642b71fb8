"""What a query or a subscription is refused with."""

import json
import math
from typing import Any

from tests.clients.caller import Caller, Json

SSE = {"Accept": "text/event-stream"}


class Name(str):
    """A value of an enumeration."""


def literal(value: Any) -> str:
    """A value as it is written in a document."""
    match value:
        case Name():
            return value
        case dict():
            return "{" + " ".join(f"{name}: {literal(inner)}" for name, inner in value.items()) + "}"
        case list():
            return "[" + " ".join(map(literal, value)) + "]"
        case float() if math.isinf(value):
            return "-1e999" if value < 0 else "1e999"
        case _:
            return json.dumps(value)


async def refusal(caller: Caller, document: str, variables: Json | None = None) -> Json:
    """The extensions of the only error, after checking that they are whole and that there is no data."""
    asked = {"query": document, "variables": variables}
    live = document.startswith("subscription")
    answer = await caller.http.post(caller.url, json=asked, headers=SSE if live else {})
    assert answer.status_code == 200, answer.text
    told = answer.text.partition("data: ")[2].partition("\r\n")[0] if live else answer.text
    body = json.loads(told)
    assert not any((body.get("data") or {}).values()), body
    (error,) = body["errors"]
    assert error["message"]
    assert len(error["message"]) < 500, "it does not send back what it was sent"
    assert error["extensions"]["hint"]
    found: Json = error["extensions"]
    return found
