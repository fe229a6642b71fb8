"""uvicorn's WebSocket protocol, with a way to write frames that are made already, and to cut off who does not read."""

import asyncio
from functools import lru_cache
from random import uniform
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

EXTENSION = "bart.wire"  # where an application finds it in its scope
SPREAD_SECONDS = 5.0  # over which those come back that were told to go


class Http(HttpToolsProtocol):
    """Lets go of what a connection needs no more once it is a WebSocket. It would refer to itself, and with it all of a
    closed socket would stay until a collection of garbage that has to look through all open ones."""

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        vars(self).clear()


class Wire(WebSocketsSansIOProtocol):
    """One connection. Needs the extension permessage-deflate to be off: frames are written as they are."""

    on_writable: Any = None  # called when the other end has read most of what was sent
    clear = False  # whether a frame can be written: the other end reads, and nothing is closed
    disconnected = close_sent = served = True  # as it is when all else has been let go of

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.clear = True

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.served = False
            self.scope["extensions"] |= {EXTENSION: {"wire": self}}

    def handle_ping(self) -> None:
        """Answered only while the answers are read: they would pile up without end."""
        answer = b"".join(self.conn.data_to_send())
        if self.clear:
            self.transport.write(answer)

    def handle_close(self, event: Frame) -> None:
        self.clear = False
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        self.clear = False
        super().handle_parser_exception()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._let_go()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self.clear = False
        self.served = True
        self._let_go()

    def _let_go(self) -> None:
        """Refer to nothing when all is over, as `Http` does."""
        if self.disconnected and self.served:
            vars(self).clear()

    def pause_writing(self) -> None:
        self.clear = False
        super().pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.clear = not self.ended
        if self.on_writable:
            self.on_writable()

    @property
    def ended(self) -> bool:
        return self.close_sent or self.disconnected or self.transport.is_closing()

    def end(self, code: int, reason: str) -> None:
        """Close, also where the other end does not read: then it is cut off after a while."""
        if self.ended:
            return
        self.clear = False
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def shutdown(self) -> None:
        """The server ends: its clients find another one, not all at the same moment."""
        if self.handshake_complete:
            self.end(1012, come_back("This server restarts."))
        super().shutdown()

    def keepalive_timeout(self) -> None:
        """uvicorn closes a connection that answers no ping, but closing waits until all that was written has been read:
        for ever, when the other end is there and reads nothing. This one lets go; the client can resume."""
        self.clear = False
        super().keepalive_timeout()
        self.transport.abort()


@lru_cache(maxsize=1_024)
def frame_head(size: int) -> bytes:
    """What stands before a message of so many bytes of UTF-8, sent in one frame (RFC 6455, 5.2)."""
    if size < 126:
        return bytes((0x81, size))
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")


def come_back(why: str) -> str:
    """A reason to close with, and when to come back: another moment for each."""
    return f"{why} Come back after {uniform(0.1, SPREAD_SECONDS):.1f} s."  # noqa: S311 - only to spread them
