"""One WebSocket: who is calling, how much it may ask, and until when."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)

from api.limits import rate_limited
from api.refusals import as_error
from geo.errors import BadToken, Problem
from schema.context import Context

if TYPE_CHECKING:
    from api.graphql import Endpoint

MAX_OPERATIONS = 100  # at a time on one socket
MAX_REASON = 123  # bytes that fit in the frame that closes a socket


class TooManyOperations(Problem):
    """This socket carries too many operations."""


class Adapter(ASGIWebSocketAdapter):
    """What is sent to a socket that has been closed is dropped: whoever sends is on its way to be cancelled."""

    ws: WebSocket

    @property
    def _open(self) -> bool:
        return self.ws.application_state is WebSocketState.CONNECTED

    async def send_json(self, message: Mapping[str, object]) -> None:
        """As text: the protocol knows no binary frames."""
        if self._open:
            with suppress(WebSocketDisconnect):
                await self.ws.send_text(orjson.dumps(message).decode())

    async def close(self, code: int, reason: str) -> None:
        if self._open:
            with suppress(WebSocketDisconnect):
                await self.ws.close(code, reason.encode()[:MAX_REASON].decode(errors="ignore"))

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        async for message in super().iter_json(ignore_parsing_errors=ignore_parsing_errors):
            if not isinstance(message, dict):
                raise NonJsonMessageReceived
            yield message


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
    _expiry: asyncio.TimerHandle | None = None

    @property
    def endpoint(self) -> "Endpoint":
        return cast("Endpoint", self.view)

    async def handle(self) -> None:
        with self.endpoint.edge.metrics.sockets.track_inprogress():
            await super().handle()

    async def handle_message(self, message: Message) -> None:
        if not _well_formed(message):
            await self.handle_invalid_message("Failed to parse message")
            return
        await super().handle_message(message)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """The payload holds the headers of HTTP, in any case: browsers can't set headers on a socket."""
        if not self.connection_init_received:
            payload = cast("dict[str, object]", message.get("payload") or {})
            try:
                self.context.viewer = self.endpoint.edge.tokens.viewer({k.lower(): v for k, v in payload.items()})
            except BadToken as error:
                await self.websocket.close(4401, error.message)
                return
            if ends := self.context.viewer.expires_at:
                left = max(0.0, (ends - datetime.now(UTC)).total_seconds())
                self._expiry = asyncio.get_running_loop().call_later(left, self._expire)
        await super().handle_connection_init({**message, "payload": message.get("payload") or {}})

    def _expire(self) -> None:
        self._closing = asyncio.create_task(self.websocket.close(4401, "This token has expired."))

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        if self.connection_acknowledged and message["id"] not in self.operations and (problem := await self._full()):
            error: Any = as_error(problem)
            await self.send_message({"id": message["id"], "type": "error", "payload": [error]})
            return
        await super().handle_subscribe(message)

    async def _full(self) -> Problem | None:
        """Why this socket can take no other operation now."""
        if len(self.operations) >= MAX_OPERATIONS:
            return TooManyOperations(hint=f"At most {MAX_OPERATIONS} at a time; complete some, or open another socket.")
        client = cast("WebSocket", self.context.request).client
        allowed, budget = await self.endpoint.edge.rate_limiter.take(self.context.viewer, client.host if client else "")
        return None if allowed else rate_limited(budget)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """None: an operation that can't be read ends by itself, and not the others with it."""
        return None

    async def shutdown(self) -> None:
        if self._expiry:
            self._expiry.cancel()
        await super().shutdown()


def _well_formed(message: Any) -> bool:
    """Whether what the protocol needs has the right type: the handler below trusts it."""
    payload = message.get("payload")
    if not isinstance(payload, dict | None):
        return False
    match message.get("type"):
        case "subscribe":
            return (
                _is_id(message)
                and payload is not None
                and isinstance(payload.get("query"), str)
                and isinstance(payload.get("variables"), dict | None)
                and isinstance(payload.get("operationName"), str | None)
            )
        case "complete":
            return _is_id(message)
        case _:
            return True


def _is_id(message: Any) -> bool:
    return isinstance(message.get("id"), str) and message["id"] != ""
