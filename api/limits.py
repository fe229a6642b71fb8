"""How much each caller may ask for in a minute."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from geo.errors import RateLimited
from geo.viewer import Viewer
from schema.context import Budget


class RateLimiter:
    """Requests a minute for each caller of this process: by its party, or by its address."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._window = FixedWindowRateLimiter(MemoryStorage())

    async def take(self, viewer: Viewer, address: str) -> tuple[bool, Budget]:
        """Whether this request is within the limit, and what is left."""
        who = viewer.party or viewer.organisation or address
        allowed = await self._window.hit(self._item, who)
        reset_time, remaining = await self._window.get_window_stats(self._item, who)
        return allowed, Budget(self._item.amount, remaining, max(1, math.ceil(reset_time - time.time())))


def rate_limited(budget: Budget) -> RateLimited:
    return RateLimited(f"At most {budget.limit} requests a minute.", hint=f"Wait {budget.resets_in} seconds.")
