"""The one endpoint: GraphQL over HTTP, WebSocket (graphql-transport-ws), server-sent events and multipart.

Answers as https://graphql.github.io/graphql-over-http/draft/ prescribes.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from cross_web import AsyncHTTPRequestAdapter
from cross_web import HTTPException as ViewRefusal
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.exceptions import NonJsonMessageReceived
from strawberry.schema import BaseSchema
from strawberry.subscriptions import (
    GRAPHQL_SSE_PROTOCOL,
    GRAPHQL_TRANSPORT_WS_PROTOCOL,
    MULTIPART_SUBSCRIPTION_PROTOCOL,
)
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from api.auth import BadToken, Tokens
from api.limits import RateLimiter
from api.metrics import Metrics
from api.sockets import Socket
from geo.viewer import ANONYMOUS
from schema.context import Context, Services

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"


@dataclass(frozen=True)
class Edge:
    """What stands between a caller and the schema."""

    tokens: Tokens
    rate_limiter: RateLimiter
    metrics: Metrics
    allowed_origins: list[str]
    page: str  # the HTML of GraphiQL
    page_policy: str  # its Content-Security-Policy


class Adapter(ASGIWebSocketAdapter):
    async def send_json(self, message: Mapping[str, object]) -> None:
        """As text: the protocol knows no binary frames."""
        await self.ws.send_text(orjson.dumps(message).decode())

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        async for message in super().iter_json(ignore_parsing_errors=ignore_parsing_errors):
            if not isinstance(message, dict):
                raise NonJsonMessageReceived
            yield message


class Endpoint(GraphQL[Context, None]):
    websocket_adapter_class = Adapter
    graphql_transport_ws_handler_class = Socket

    def __init__(self, schema: BaseSchema, services: Services, edge: Edge) -> None:
        super().__init__(
            schema,
            subscription_protocols=(
                GRAPHQL_TRANSPORT_WS_PROTOCOL,
                GRAPHQL_SSE_PROTOCOL,
                MULTIPART_SUBSCRIPTION_PROTOCOL,
            ),
            allowed_origins=edge.allowed_origins,
        )
        self.services = services
        self.edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self.run(request)
        except ViewRefusal as refusal:
            response = _refused(refusal, _media_type(request))
        await response(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        if isinstance(request, WebSocket):  # who is calling stands in `connection_init`
            return Context(self.services, ANONYMOUS, request=request)
        try:
            viewer = self.edge.tokens.viewer(request.headers)
        except BadToken as error:
            raise HTTPException(401, str(error), {"WWW-Authenticate": "Bearer"}) from None
        allowed, budget = await self.edge.rate_limiter.take(viewer, request.client.host if request.client else "")
        if not allowed:
            raise HTTPException(
                429, f"At most {budget.limit} requests a minute.", {"Retry-After": str(budget.resets_in)}
            )
        return Context(self.services, viewer, budget, request=request)

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        response = await super().get_sub_response(request)
        response.media_type = _media_type(request)
        return response

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        result = await super().execute_single(
            request=request,
            request_adapter=request_adapter,
            request_data=request_data,
            context=context,
            root_value=root_value,
            sub_response=sub_response,
        )
        if isinstance(result, PreExecutionError) and sub_response.media_type == GRAPHQL_JSON:
            sub_response.status_code = 400
        return result

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

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)  # refuses NaN, which is no JSON

    def parse_json(self, data: str | bytes) -> Any:
        found = super().parse_json(data)
        if not isinstance(found, dict | list):
            raise ViewRefusal(400, "A request is a JSON object with a `query`.")
        return found

    def encode_json(self, data: object) -> str | bytes:
        return orjson.dumps(data)


def _media_type(request: Request | WebSocket) -> str:
    """The newer media type only for who asks for it: the older one is what plain HTTP clients understand."""
    return GRAPHQL_JSON if GRAPHQL_JSON in request.headers.get("accept", "") else JSON


def _refused(refusal: ViewRefusal, media_type: str) -> Response:
    status = 415 if refusal.reason == "Unsupported content type" else refusal.status_code
    body = orjson.dumps({"errors": [{"message": refusal.reason}]})
    headers = {"Allow": "GET, POST"} if status == 405 else None
    return Response(body, status, headers, f"{media_type}; charset=utf-8")
