"""Waiting for what gives no signal: another process, a database, a set of clients."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable

LOOK_EVERY = 0.1  # seconds


async def until(holds: Callable[[], bool | Awaitable[bool]], seconds: float) -> bool:
    """Look again and again until it holds; false where it did not in so many seconds."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        held = holds()
        if await held if isawaitable(held) else held:
            return True
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(LOOK_EVERY)
