"""How much each caller may ask for: the rate of requests, and the size of one."""

import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo.viewer import Viewer
from schema.context import Budget

MAX_BODY = 256 * 1024


class RateLimiter:
    """Requests a minute for each caller of this process: by its party, or by its address."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._window = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def take(self, viewer: Viewer, address: str) -> tuple[bool, Budget]:
        """Whether this request is within the limit, and what is left."""
        who = viewer.party or viewer.organisation or address
        allowed = await self._window.hit(self._item, who)
        reset_time, remaining = await self._window.get_window_stats(self._item, who)
        return allowed, Budget(self._item.amount, remaining, max(1, round(reset_time - time.time())))


class BodyLimit:
    """Refuses a larger body with 413, as soon as it is seen to be larger."""

    def __init__(self, app: ASGIApp, *, limit: int = MAX_BODY) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise HTTPException(413, f"The body has more than {self._limit} bytes.")
            return message

        await self._app(scope, counted if scope["type"] == "http" else receive, send)
