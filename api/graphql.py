"""The one endpoint: GraphQL over HTTP, WebSocket (graphql-transport-ws), server-sent events and multipart.

Answers as https://graphql.github.io/graphql-over-http/draft/ prescribes.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter
from cross_web import HTTPException as ViewRefusal
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.streaming import HTTPStreamTransport, SSETransport
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import (
    GRAPHQL_SSE_PROTOCOL,
    GRAPHQL_TRANSPORT_WS_PROTOCOL,
    MULTIPART_SUBSCRIPTION_PROTOCOL,
)
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from api.auth import Tokens
from api.limits import RateLimiter, rate_limited
from api.metrics import Metrics
from api.open_sockets import OpenSockets
from api.refusals import Refused
from api.requests import HTTPRequest, invalid, parameters
from api.sockets import Adapter, Socket
from api.streams import Multipart, until
from geo.errors import BadToken
from geo.viewer import ANONYMOUS
from schema.context import Context, Services
from schema.hub import Hub

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
INIT_TIMEOUT = timedelta(seconds=10)  # for `connection_init` on a socket


@dataclass(frozen=True)
class Edge:
    """What stands between a caller and the schema."""

    tokens: Tokens
    rate_limiter: RateLimiter
    metrics: Metrics
    allowed_origins: list[str]
    page: str  # the HTML of GraphiQL
    page_policy: str  # its Content-Security-Policy


class Endpoint(GraphQL[Context, None]):
    request_adapter_class = HTTPRequest
    websocket_adapter_class = Adapter
    graphql_transport_ws_handler_class = Socket
    stream_transport_classes_by_protocol: Mapping[str, type[HTTPStreamTransport]] = {
        MULTIPART_SUBSCRIPTION_PROTOCOL: Multipart,
        GRAPHQL_SSE_PROTOCOL: SSETransport,
    }

    def __init__(
        self, schema: BaseSchema, services: Services, edge: Edge, hub: Hub | None = None, max_sockets: int = 20_000
    ) -> None:
        """Without a hub each subscription has a generator of its own."""
        super().__init__(
            schema,
            subscription_protocols=(
                GRAPHQL_TRANSPORT_WS_PROTOCOL,
                GRAPHQL_SSE_PROTOCOL,
                MULTIPART_SUBSCRIPTION_PROTOCOL,
            ),
            connection_init_wait_timeout=INIT_TIMEOUT,
            max_subscriptions_per_connection=None,  # `Socket` counts, and says so by name
            allowed_origins=edge.allowed_origins,
        )
        self.services = services
        self.edge = edge
        self.hub = hub
        self.open_sockets = OpenSockets(max_sockets, edge.metrics.sockets)
        self.draining = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self.run(request)
        except Refused as refused:
            response = refused.response(_media_type(request))
        except ViewRefusal as refusal:  # the one that is left to Strawberry
            response = invalid(refusal.reason, "GET or POST.", 405, allow="GET, POST").response(_media_type(request))
        except ClientDisconnect:
            response = Response(status_code=400)  # for the logs: there is nobody left to answer
        await response(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        if isinstance(request, WebSocket):  # who is calling stands in `connection_init`
            return Context(self.services, ANONYMOUS, request=request)
        try:
            viewer = self.edge.tokens.viewer(request.headers)
        except BadToken as error:
            raise Refused(401, error, www_authenticate="Bearer") from None
        allowed, budget = await self.edge.rate_limiter.take(viewer, request.client.host if request.client else "")
        if not allowed:
            raise Refused(429, rate_limited(budget), retry_after=str(budget.resets_in))
        return Context(self.services, viewer, budget, request=request)

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        response = await super().get_sub_response(request)
        response.media_type = _media_type(request)
        return response

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        asked = await parameters(cast("HTTPRequest", request))
        transport = self._get_stream_transport_from_headers(request.headers)
        return GraphQLRequestData(
            query=asked["query"],
            variables=asked["variables"],
            operation_name=asked["operationName"],
            extensions=asked["extensions"],
            protocol=transport.protocol if transport else "http",
        )

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        by_post = {OperationType.MUTATION} if request.method == "POST" else set()
        try:
            result = await self.schema.execute(
                request_data.query,
                request_data.variables,
                context_value=context,
                operation_name=request_data.operation_name,
                allowed_operation_types={OperationType.QUERY, *by_post},
            )
        except CannotGetOperationTypeError as error:
            raise invalid(error.as_http_error_reason(), "`operationName` names an operation of the `query`.") from None
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.MUTATION:
                raise invalid("A mutation is not carried out by GET.", "POST it.", 405, allow="POST") from None
            hint = "`Accept: text/event-stream`, `Accept: multipart/mixed;subscriptionSpec=1.0`, or a WebSocket."
            raise invalid("A subscription needs an answer that goes on.", hint, 406) from None
        if not _begun(result) and sub_response.media_type == GRAPHQL_JSON:
            sub_response.status_code = 400
        return result

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        """Ends when this server does, in time for its client to go on at another."""
        return StreamingResponse(until(self.draining, cast("AsyncGenerator[str]", stream())), headers=headers)

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        response = await super().process_result(request, result)
        if not _begun(result):  # so there is not even empty data
            del response["data"]
        return response

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        return Response(
            orjson.dumps(response_data),
            status_code=sub_response.status_code or 200,
            media_type=f"{sub_response.media_type}; charset=utf-8",
        )

    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        return (
            request.method == "GET"
            and "query" not in request.query_params
            and "text/html" in request.headers.get("accept", "")
        )

    async def render_graphql_ide(self, request: Request) -> Response:
        headers = {"Content-Security-Policy": self.edge.page_policy, "Cache-Control": "no-cache"}
        return HTMLResponse(self.edge.page, headers=headers)

    def decode_json(self, data: str | bytes) -> Any:
        return orjson.loads(data)  # refuses NaN, which is no JSON

    def encode_json(self, data: object) -> str | bytes:
        return orjson.dumps(data)


def _begun(result: ExecutionResult) -> bool:
    """Whether it came to carrying the request out: then every error has a place in the answer."""
    if isinstance(result, PreExecutionError):
        return False
    return not result.errors or any(error.path for error in result.errors)


def _media_type(request: Request | WebSocket) -> str:
    """The newer media type only for who asks for it: the older one is what plain HTTP clients understand."""
    return GRAPHQL_JSON if GRAPHQL_JSON in request.headers.get("accept", "") else JSON
