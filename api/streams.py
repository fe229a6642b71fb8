"""Answers that go on: server-sent events and multipart."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from strawberry.http.streaming import MultipartSubscriptionTransport


class Multipart(MultipartSubscriptionTransport):
    def accepts(self, accept: str) -> bool:
        """Read by hand: parameters of a media range can be written in ways that Strawberry's parser stumbles over."""
        plain = accept.lower().replace('"', "").replace(" ", "")
        return plain.startswith("multipart/mixed;") and ";subscriptionspec=1.0" in plain


async def until(stop: asyncio.Event, chunks: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """The chunks that come before `stop` is set, or until nobody listens any more."""
    stopped = asyncio.create_task(stop.wait())
    async with aclosing(chunks):
        chunk = asyncio.ensure_future(anext(chunks, None))
        try:
            while True:
                await asyncio.wait({chunk, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not chunk.done() or (text := chunk.result()) is None:
                    return
                yield text
                chunk = asyncio.ensure_future(anext(chunks, None))
        finally:
            stopped.cancel()
            chunk.cancel()  # a generator that is running can't be closed
            with suppress(asyncio.CancelledError):
                await chunk
