"""One who writes, in a process of its own so that no reading delays its clock: `Writer`, `python -m bench.writer`."""

import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import orjson

from bench.helpers import Helper, helper, say

IDLE = 1.0  # seconds after which a connection is made anew, before a server ends it


@dataclass(frozen=True, slots=True)
class Post:
    url: str
    headers: Mapping[str, str]
    body: str


class Written(NamedTuple):
    """The answer to a post, and when it was asked and answered, in seconds of `time.time`."""

    asked_at: float
    at: float
    answer: str


class Writer:
    def __init__(self, process: Helper) -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def ready(cls) -> AsyncIterator[Self]:
        async with helper("bench.writer") as process:
            yield cls(process)

    async def write(self, post: Post) -> Written:
        """Raises RuntimeError when it is refused."""
        status, *written = await self._process.ask(asdict(post))
        if status not in (200, 201):
            raise RuntimeError(f"{post.url} answered {status}: {written[-1]}")
        return Written(*written)


def main() -> None:
    connections: dict[str, tuple[HTTPConnection, float]] = {}
    for line in sys.stdin.buffer:
        post = Post(**orjson.loads(line))
        at = urlsplit(post.url)
        connection, used = connections.get(at.netloc, (HTTPConnection(at.netloc), 0.0))
        if time.time() - used > IDLE:
            connection.close()
            connection.connect()
        asked_at = time.time()
        connection.request("POST", at.path, post.body, {"Content-Type": "application/json", **post.headers})
        response = connection.getresponse()
        answer = response.read().decode()
        connections[at.netloc] = connection, time.time()
        say([response.status, asked_at, time.time(), answer])


if __name__ == "__main__":
    main()
