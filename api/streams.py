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
    """The chunks that come before `stop` is set."""
    stopped = asyncio.create_task(stop.wait())
    try:
        async with aclosing(chunks):
            while True:
                chunk = asyncio.ensure_future(anext(chunks, None))
                await asyncio.wait({chunk, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not chunk.done():
                    chunk.cancel()
                    with suppress(asyncio.CancelledError):
                        await chunk
                    return
                if (text := chunk.result()) is None:
                    return
                yield text
    finally:
        stopped.cancel()
