"""A cable between a client and a server, to be cut."""

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Cable:
    """Forwards the connections to `url`, one that names a port, from a port of its own."""

    def __init__(self, url: str) -> None:
        self.plug(url)
        self.connections = 0  # that were made so far
        self._ends: set[asyncio.StreamWriter] = set()
        self._whole = asyncio.Event()
        self._whole.set()
        self.url = ""

    def plug(self, url: str) -> None:
        """Lead new connections there."""
        self._parts = urlsplit(url)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = self._parts._replace(netloc=f"127.0.0.1:{port}").geturl()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._server.close()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every connection, and refuse new ones until it is mended."""
        self._whole.clear()
        for end in self._ends:
            end.transport.abort()

    def mend(self) -> None:
        self._whole.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole.is_set():
            writer.transport.abort()
            return
        self.connections += 1
        there_reader, there_writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._ends |= {writer, there_writer}
        await asyncio.gather(self._forward(reader, there_writer), self._forward(there_reader, writer))
        self._ends -= {writer, there_writer}

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
            writer.close()
        except OSError:
            writer.transport.abort()
