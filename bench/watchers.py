"""WebSockets that cost little themselves, thousands of them: what they are told is counted, not read."""

import asyncio
import base64
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
ENDS = (b'"error', b'"complete"')  # in a message after which no more events come


@dataclass(frozen=True, slots=True)
class Manner:
    """How one watches at some kind of server: where, and by what in its messages one knows what they are."""

    path: str
    protocol: str  # the WebSocket subprotocol; empty for none
    welcome: str  # stands in the answer to the first message
    event: str  # stands in every event, and in nothing else


class Audience:
    """What a number of watchers has heard together."""

    heard: int
    at: float  # when all that was expected had been heard, in seconds of `time.time`
    last: bytes  # the event that completed it

    def __init__(self) -> None:
        self.closed = 0
        self.trouble = b""  # the first message after which no more events come
        self.expect(0)

    def expect(self, events: int) -> None:
        """Begin to count anew."""
        self.heard, self.at, self.last = 0, 0.0, b""
        self._expected, self._complete = events, asyncio.Event()

    def hear(self, event: bytes) -> None:
        self.heard += 1
        if self.heard == self._expected:
            self.at, self.last = time.time(), event
            self._complete.set()

    async def complete(self, patience: float) -> bool:
        """Whether all that is expected is heard in time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._complete.wait(), patience)
        return self._complete.is_set()


class Watcher(asyncio.Protocol):
    """A socket that says hello, subscribes when it is welcome, and answers pings."""

    __slots__ = ("_audience", "_event", "_hello", "_manner", "_opened", "_rest", "_subscribe", "_transport", "welcome")

    def __init__(self, manner: Manner, hello: str, subscribe: str, audience: Audience) -> None:
        self._manner = manner
        self._hello = hello
        self._subscribe = subscribe
        self._audience = audience
        self._event = manner.event.encode()
        self._opened = False
        self._rest = b""
        self.welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def close(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        lines = [
            f"GET {self._manner.path} HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}",
            "Sec-WebSocket-Version: 13",
        ]
        if self._manner.protocol:
            lines.append(f"Sec-WebSocket-Protocol: {self._manner.protocol}")
        self._transport.write("\r\n".join([*lines, "", ""]).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self._audience.closed += 1
        if not self.welcome.done():
            self.welcome.set_exception(ConnectionError("The server closed a socket that was about to watch."))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0 if self._opened else self._open(data)
        end = len(data)
        while self._opened and at + 2 <= end:
            length, begin = data[at + 1], at + 2
            if length >= 126:
                begin += 2 if length == 126 else 8
                length = int.from_bytes(data[at + 2 : begin], "big")
            if begin + length > end:
                break
            self._take(data[at] & 15, data[begin : begin + length])
            at = begin + length
        self._rest = data[at:]

    def _open(self, data: bytes) -> int:
        """Where the frames begin, once the server's consent is whole."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        if not data.startswith(b"HTTP/1.1 101"):
            self.welcome.set_exception(ConnectionError(data[:end].decode()))
            self.close()
            return len(data)
        self._opened = True
        self._send(self._hello.encode())
        return end + 4

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == TEXT and self._event in payload:
            self._audience.hear(payload)
        elif kind == PING:
            self._send(payload, PONG)
        elif kind == TEXT and not self.welcome.done() and self._manner.welcome.encode() in payload:
            self._send(self._subscribe.encode())
            self.welcome.set_result(None)
        elif kind == TEXT and b'"type":"ping"' in payload:
            self._send(b'{"type":"pong"}')
        elif not self._audience.trouble and (kind == CLOSE or any(word in payload for word in ENDS)):
            self._audience.trouble = payload

    def _send(self, payload: bytes, kind: int = TEXT) -> None:
        """One frame, masked with zeros: the payload stays as it is."""
        length = len(payload)
        if length < 126:
            head = bytes([0x80 | kind, 0x80 | length])
        elif length < 1 << 16:
            head = bytes([0x80 | kind, 0xFE]) + length.to_bytes(2, "big")
        else:
            head = bytes([0x80 | kind, 0xFF]) + length.to_bytes(8, "big")
        self._transport.write(head + bytes(4) + payload)
