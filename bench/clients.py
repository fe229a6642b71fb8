"""HTTP clients that cost little themselves, so that what they measure is the server."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self, cast
from urllib.parse import urlsplit

import httptools

from bench.figures import percentile


@dataclass(frozen=True, slots=True)
class Target:
    """What is posted where, a new body each time, and what every answer must hold."""

    url: str
    headers: Mapping[str, str]
    make_body: Callable[[], bytes]
    wanted: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer, and when it was asked for and whole, in seconds of `time.perf_counter`."""

    body: bytes
    asked_at: float
    at: float


class Connection(asyncio.Protocol):
    """A connection that is kept, with one request at a time."""

    def __init__(self, target: Target) -> None:
        self._target = target
        at = urlsplit(target.url)
        headers = {"Host": at.netloc, "Content-Type": "application/json", **target.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._head = f"POST {at.path} HTTP/1.1\r\n{lines}".encode()
        self._answer: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, target: Target) -> Self:
        at = urlsplit(target.url)
        assert at.hostname
        assert at.port
        _, made = await asyncio.get_running_loop().create_connection(lambda: cls(target), at.hostname, at.port)
        return made

    def close(self) -> None:
        self._transport.close()

    async def post(self) -> Answer:
        """The answer to the next request; raises RuntimeError when it is not the one that is wanted."""
        body = self._target.make_body()
        self._answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._asked_at = time.perf_counter()
        self._transport.write(b"%bContent-Length: %d\r\n\r\n%b" % (self._head, len(body), body))
        answer = await self._answer
        if self._parser.get_status_code() != 200 or self._target.wanted not in answer.body:
            raise RuntimeError(f"The server answered {self._parser.get_status_code()}: {answer.body.decode()}")
        return answer

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
        self._answer.set_result(Answer(bytes(self._body), self._asked_at, time.perf_counter()))


@dataclass(frozen=True, slots=True)
class Load:
    """What a number of connections measured that each asked again when it had its answer."""

    milliseconds: list[float]
    seconds: float
    client_cpu: float  # the part of one processor that the clients themselves took

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds

    def percentile(self, percent: float) -> float:
        return percentile(self.milliseconds, percent)


async def load(target: Target, connections: int, seconds: float) -> Load:
    """Post for some seconds over a number of connections."""
    milliseconds: list[float] = []

    async def keep_posting(connection: Connection, end: float) -> None:
        while time.perf_counter() < end:
            answer = await connection.post()
            milliseconds.append((answer.at - answer.asked_at) * 1000)

    opened = [await Connection.open(target) for _ in range(connections)]
    await asyncio.gather(*(connection.post() for connection in opened))  # a first request costs more
    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(keep_posting(connection, start + seconds) for connection in opened))
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    for connection in opened:
        connection.close()
    return Load(milliseconds, took, cpu / took)
