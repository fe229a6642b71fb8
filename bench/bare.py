"""The least that can be done for those who watch: a loop over sockets. `python -m bench.bare PORT`.

It knows no schema, no areas, no rights and no database. What is posted to it is what it sends.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import typer
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from api import serve
from bench.environment import Server, World, free_port, process
from bench.helpers import python

BARE = "bare loop"
HERE = "\0"  # where each socket's operation id is put in what is posted


class Loop:
    def __init__(self) -> None:
        self._sockets: dict[WebSocket, str] = {}

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/send", self._send, methods=["POST"]), WebSocketRoute("/graphql", self._watch)])

    async def _watch(self, socket: WebSocket) -> None:
        await socket.accept("graphql-transport-ws")
        await socket.receive_text()
        await socket.send_text('{"type":"connection_ack"}')
        self._sockets[socket] = orjson.loads(await socket.receive_text())["id"]
        async for _ in socket.iter_text():
            pass
        del self._sockets[socket]

    async def _send(self, request: Request) -> Response:
        """Answers when it had the bytes: with it that is what the commit is elsewhere."""
        before, after = (await request.body()).decode().split(HERE)
        at = time.time()
        for socket, operation in list(self._sockets.items()):
            await socket.send_text(before + operation + after)
        return JSONResponse({"at": at})


@contextmanager
def bare(world: World) -> Iterator[Server]:
    port = free_port()
    with process(python("bench.bare", str(port)), world.folder / f"bare_{port}.log", {}) as pid:
        yield Server(port, pid)


def main(port: int) -> None:
    config = uvicorn.Config(
        Loop().app(), port=port, http="httptools", ws="websockets-sansio", access_log=False, log_config=None
    )
    serve.Announced(config, lambda: print("Serving", flush=True)).run()


if __name__ == "__main__":
    typer.run(main)
