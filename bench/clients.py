"""Clients that cost little themselves: what they measure is the server. One HTTP connection, and one watcher."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httptools
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.figures import percentile


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer, and when it was sent for and whole, in seconds of `time.perf_counter`."""

    body: bytes
    sent_at: float
    at: float


class Connection(asyncio.Protocol):
    """A connection that is kept, with one request at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, url: str) -> Self:
        at = urlsplit(url)
        _, made = await asyncio.get_running_loop().create_connection(cls, at.hostname, at.port)
        return made

    def close(self) -> None:
        self._transport.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to a POST of JSON; raises when it is not a 200."""
        at = urlsplit(url)
        fields = {"Host": at.netloc, "Content-Type": "application/json", "Content-Length": f"{len(body)}", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._sent_at = time.perf_counter()
        self._transport.write(f"POST {at.path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        return await self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError("The server closed the connection."))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        assert self._answer is not None
        if (status := self._parser.get_status_code()) == 200:
            self._answer.set_result(Answer(bytes(self._body), self._sent_at, time.perf_counter()))
        else:
            self._answer.set_exception(RuntimeError(f"The server answered {status}: {self._body.decode()}"))


@dataclass(frozen=True, slots=True)
class Load:
    """What a number of connections measured that each sent its next request when it had its answer."""

    milliseconds: list[float]
    seconds: float
    client_cpu: float  # the part of one processor that the clients themselves took

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds

    def percentile(self, percent: float) -> float:
        return percentile(self.milliseconds, percent)


async def load(
    url: str, headers: Mapping[str, str], make_body: Callable[[], bytes], wanted: bytes, *, connections: int, seconds: float
) -> Load:
    """Post for some seconds over a number of connections. Every answer must hold what is `wanted` of it."""
    milliseconds: list[float] = []

    async def post(connection: Connection) -> Answer:
        answer = await connection.post(url, headers, make_body())
        if wanted not in answer.body:
            raise RuntimeError(f"The server answered: {answer.body.decode()}")
        return answer

    async def keep_posting(connection: Connection, end: float) -> None:
        while time.perf_counter() < end:
            answer = await post(connection)
            milliseconds.append((answer.at - answer.sent_at) * 1000)

    opened = [await Connection.open(url) for _ in range(connections)]
    for connection in opened:
        await post(connection)
    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(keep_posting(connection, start + seconds) for connection in opened))
    took = time.perf_counter() - start
    for connection in opened:
        connection.close()
    return Load(milliseconds, took, (time.process_time() - cpu) / took)
