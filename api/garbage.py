"""Collecting garbage without stopping all sockets: a full collection looks through every object there is, for most of
a second where thousands of sockets are open.

What dies young is collected as usual, a few milliseconds at a time. What has lived for a minute is put aside, where no
collection looks. It is freed as soon as nothing refers to it, but for cycles of objects (closed sockets leave none):
these wait for a full collection, which comes when few sockets are open, or once a day.
"""

import asyncio
import gc
import time
from collections.abc import Callable

YOUNG, MIDDLE, OLD = 5_000, 10, 1_000  # objects, and collections of the younger generation, before one of each
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
FEW_SOCKETS = 1_000


async def keep_tidy(open_sockets: Callable[[], int]) -> None:
    """Begin when all that lasts has been made; go on until cancelled."""
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    collect_all()
    last = time.monotonic()
    while True:
        await asyncio.sleep(MINUTE)
        age = time.monotonic() - last
        if age > DAY or (age > HOUR and open_sockets() <= FEW_SOCKETS):
            collect_all()
            last = time.monotonic()
        gc.freeze()


def collect_all() -> None:
    gc.unfreeze()
    gc.collect()
    gc.freeze()
