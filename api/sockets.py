"""One WebSocket that speaks graphql-transport-ws: who is calling, how much it may ask, and until when.

Subscriptions that can be served together join the hub; they cost this socket no task. All else runs the ordinary way.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import uuid4

import orjson
import structlog
from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)

from api.limits import rate_limited
from api.outbox import Outbox
from api.refusals import as_error
from api.wire import EXTENSION, come_back
from geo.errors import BadToken, Problem
from schema.context import Context
from schema.groups import Member

if TYPE_CHECKING:
    from api.graphql import Endpoint

MAX_OPERATIONS = 100  # at a time on one socket
log = structlog.get_logger()
MAX_ID = 1_000  # characters of the id of an operation
MAX_REASON = 123  # bytes that fit in the frame that closes a socket


class TooManyOperations(Problem):
    """This socket carries too many operations."""


class Adapter(ASGIWebSocketAdapter):
    """What is sent to a socket that has been closed is dropped: whoever sends is on its way to be cancelled.

    All goes out by its outbox, where the server is one that gives us its wire.
    """

    ws: WebSocket
    outbox: Outbox | None = None

    def __init__(self, view: Any, request: WebSocket, response: WebSocket) -> None:
        super().__init__(view, request, response)
        if given := request.scope["extensions"].get(EXTENSION):
            self.outbox = Outbox(given["wire"])

    @property
    def _open(self) -> bool:
        return self.ws.application_state is WebSocketState.CONNECTED

    async def send_json(self, message: Mapping[str, object]) -> None:
        """As text: the protocol knows no binary frames."""
        if self.outbox:
            await self.outbox.drained()  # before: it waits here, and not in the outbox
            self.outbox.send(orjson.dumps(message)[:-1], b"")
        elif self._open:
            with suppress(WebSocketDisconnect):
                await self.ws.send_text(orjson.dumps(message).decode())

    async def close(self, code: int, reason: str) -> None:
        short = reason.encode()[:MAX_REASON].decode(errors="ignore")
        if self.outbox:
            self.outbox.end(code, short)
        elif self._open:
            with suppress(WebSocketDisconnect):
                await self.ws.close(code, short)

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        async for message in super().iter_json(ignore_parsing_errors=ignore_parsing_errors):
            if not isinstance(message, dict):
                raise NonJsonMessageReceived
            yield message


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
    _until: ExitStack | None = None  # what ends with a caller's token

    @property
    def endpoint(self) -> "Endpoint":
        return cast("Endpoint", self.view)

    async def handle(self) -> None:
        with self.endpoint.open_sockets(self):
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
            if self.endpoint.open_sockets.full:
                await self.websocket.close(1013, come_back("This server has all the sockets that it can hold."))
                return
            if ends := self.context.viewer.expires_at:
                left = max(0.0, (ends - datetime.now(UTC)).total_seconds())
                expiry = asyncio.get_running_loop().call_later(left, self._end, "This token has expired.")
                self._until = ExitStack()
                self._until.callback(expiry.cancel)
                revoked = partial(self._end, "This token was revoked.")
                self._until.enter_context(self.context.services.revocations.ending(self.context.viewer, revoked))
        await super().handle_connection_init({**message, "payload": message.get("payload") or {}})

    def ping(self) -> None:
        """Show the client that we are here; it answers with a `pong`."""
        if self.connection_acknowledged and (outbox := cast("Adapter", self.websocket).outbox):
            outbox.send(b'{"type":"ping"', b"", "ping")

    def _end(self, reason: str) -> None:
        self._closing = asyncio.create_task(self.websocket.close(4401, reason))

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

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        try:
            joined = await self._joined(operation)
        except Exception as error:  # such as a database that is away: clients of 4500 would not come back
            await self.websocket.close(1013, come_back(_ours_to_know(error)))
            return
        if not joined:
            await super().run_operation(operation)

    async def _joined(self, operation: Operation[Context, None]) -> bool:
        """Whether the hub tells the operation from now on."""
        hub, sink = self.endpoint.hub, cast("Adapter", self.websocket).outbox
        if hub is None or sink is None:
            return False
        head = b'{"id":%b,"type":"next","payload":' % orjson.dumps(operation.id)
        name, variables = operation.operation_name, operation.variables or {}
        member = await hub.join(sink, head, operation.query, variables, name, self.context)
        if member:
            self.operations[operation.id] = cast("Any", Joined(member))
        return member is not None

    async def cleanup_operation(self, operation_id: str) -> None:
        operation: object = self.operations.get(operation_id)
        if isinstance(operation, Joined) and self.endpoint.hub:
            self.endpoint.hub.leave(operation.member)
            del self.operations[operation_id]
        else:
            await super().cleanup_operation(operation_id)

    async def handle_task_exception(self, error: Exception) -> None:
        """Something that nobody caused by what they asked; the client resumes elsewhere."""
        await self.websocket.close(4500, _ours_to_know(error))

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """None: an operation that can't be read ends by itself, and not the others with it."""
        return None

    async def shutdown(self) -> None:
        if self._until:
            self._until.close()
        await super().shutdown()


class Joined(NamedTuple):
    """An operation that the hub looks after: it has no task."""

    member: Member
    task: None = None


def _ours_to_know(error: Exception) -> str:
    """What a client is told of an error that it did not cause: the number of what stands in the log."""
    number = uuid4().hex[:12]
    log.error("socket_failed", error_id=number, exc_info=error)
    return f"Something went wrong on our side. Tell us this number: {number}."


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
    return isinstance(message.get("id"), str) and 0 < len(message["id"]) <= MAX_ID
