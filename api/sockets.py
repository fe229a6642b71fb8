"""One WebSocket: who is calling, how much it may ask, and until when."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from starlette.websockets import WebSocket
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)

from api.auth import BadToken
from schema.context import Context

if TYPE_CHECKING:
    from api.graphql import Endpoint


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
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
        payload = cast("dict[str, object]", message.get("payload") or {})
        if isinstance(payload, dict):
            try:
                headers = {str(name).lower(): value for name, value in payload.items()}
                self.context.viewer = self.endpoint.edge.tokens.viewer(headers)
            except BadToken as error:
                await self.websocket.close(4401, str(error))
                return
        ends = self.context.viewer.expires_at
        if ends is not None:
            left = max(0.0, (ends - datetime.now(UTC)).total_seconds())
            self._expiry = asyncio.get_running_loop().call_later(left, self._expire)
        await super().handle_connection_init({**message, "payload": payload})

    def _expire(self) -> None:
        self._closing = asyncio.create_task(self.websocket.close(4401, "This token has expired."))

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        client = cast("WebSocket", self.context.request).client
        allowed, budget = await self.endpoint.edge.rate_limiter.take(self.context.viewer, client.host if client else "")
        if allowed:
            await super().handle_subscribe(message)
            return
        extensions = {"code": "RateLimited", "path": [], "hint": f"Wait {budget.resets_in} seconds."}
        error: Any = {"message": f"At most {budget.limit} requests a minute.", "extensions": extensions}
        await self.send_message({"id": message["id"], "type": "error", "payload": [error]})

    async def shutdown(self) -> None:
        if expiry := getattr(self, "_expiry", None):
            expiry.cancel()
        await super().shutdown()


def _well_formed(message: Any) -> bool:
    """Whether what the protocol needs has the right type: the handler below trusts it."""
    payload = message.get("payload")
    match message.get("type"):
        case "subscribe":
            return (
                isinstance(message.get("id"), str)
                and isinstance(payload, dict)
                and isinstance(payload.get("query"), str)
                and isinstance(payload.get("variables"), dict | None)
                and isinstance(payload.get("operationName"), str | None)
            )
        case "complete":
            return isinstance(message.get("id"), str)
        case _:
            return True
