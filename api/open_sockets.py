"""The sockets of this process: how many there may be, and that they are known to live."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import Gauge

if TYPE_CHECKING:
    from api.sockets import Socket

PING_SECONDS = 30.0
SLICE = 256  # sockets that are written to before others have their turn


class OpenSockets:
    def __init__(self, most: int, gauge: Gauge) -> None:
        self._most = most
        self._gauge = gauge
        self._open: set[Socket] = set()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def full(self) -> bool:
        return len(self._open) > self._most

    @contextmanager
    def __call__(self, socket: "Socket") -> Iterator[None]:
        """Count the socket as long as the block runs."""
        self._open.add(socket)
        self._gauge.inc()
        try:
            yield
        finally:
            self._open.discard(socket)
            self._gauge.dec()

    async def keep_alive(self) -> None:
        """Send each a `ping` of the protocol now and then, until cancelled: browsers see no others."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            for count, socket in enumerate(tuple(self._open)):
                if count % SLICE == SLICE - 1:
                    await asyncio.sleep(0)
                socket.ping()
