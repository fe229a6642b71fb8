"""Several server processes on one port: replaced when they die, restarted one after the other, stopped together.

All accept from the one socket that the supervisor holds open: whoever connects finds one, whatever becomes of another.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api import logs, serve
from api.settings import Settings

BACKLOG = 2048
DOOR_SECONDS = 0.5  # for those who have just come in to say what they want
LEAVE_SECONDS = serve.DRAIN_SECONDS + 5
RETRY_SECONDS = 1  # before another one is started, where one could not
_spawn = get_context("spawn")
log = structlog.get_logger()


class Server(serve.Server):
    """Tells the supervisor when it listens, and leaves when that says so or is gone."""

    def __init__(self, config: uvicorn.Config, supervisor: Connection) -> None:
        super().__init__(config, self._tell)
        self._supervisor = supervisor

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().add_reader(self._supervisor.fileno(), self._leave)
        await super().startup(sockets)

    def _tell(self) -> None:
        with suppress(ConnectionError):  # it is gone
            self._supervisor.send_bytes(b"listening")

    def _leave(self) -> None:
        asyncio.get_running_loop().remove_reader(self._supervisor.fileno())
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await close_door(self)
        await super().shutdown(sockets)


async def close_door(server: uvicorn.Server) -> None:
    """Let nobody in any more, and hear those who have just come in: cut off now, they would see a failure."""
    for door in server.servers:
        door.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(DOOR_SECONDS):
            while any(map(_unheard, server.server_state.connections)):  # noqa: ASYNC110 - uvicorn does not tell
                await asyncio.sleep(0.01)


def _unheard(connection: object) -> bool:
    match connection:
        case HttpToolsProtocol():
            return connection.cycle is None
        case WebSocketsSansIOProtocol():
            return not connection.handshake_complete
        case _:
            return False


def _serve(database_url: str, listening: socket.socket, supervisor: Connection) -> None:
    """What a server process does. It reads the code and the settings itself: a restart brings in what has changed."""
    serve.exit_on_signals()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor's: a terminal sends it to all of us
    settings = Settings()
    logs.configure(as_json=settings.log_json)
    Server(serve.config(settings, database_url), supervisor).run([listening])
    os._exit(0)  # to take all of it apart would hold up the restart of the next one by a second


class Process:
    """One server process."""

    def __init__(self, database_url: str, listening: socket.socket) -> None:
        self._pipe, theirs = _spawn.Pipe()
        self._process = _spawn.Process(target=_serve, args=(database_url, listening, theirs))
        self._process.start()
        theirs.close()
        self.end = asyncio.create_task(self._end())
        log.info("server_process_started", pid=self.pid)

    @property
    def pid(self) -> int | None:
        return self._process.pid

    async def _end(self) -> int | None:
        await _readable(self._process.sentinel)
        self._process.join()
        return self._process.exitcode

    async def listens(self) -> bool:
        """Waits until it does; False where it ended before."""
        await _readable(self._pipe.fileno())
        try:
            self._pipe.recv_bytes()
        except (EOFError, ConnectionError):
            return False
        return True

    async def leave(self) -> None:
        """Have it close its sockets so that clients come back, finish what it is doing, and end."""
        with suppress(ConnectionError):  # it has ended
            self._pipe.send_bytes(b"leave")
        await asyncio.wait({self.end}, timeout=LEAVE_SECONDS)
        if not self.end.done():
            log.error("server_process_killed", pid=self.pid)
            self._process.kill()
            await asyncio.wait({self.end})


async def _readable(descriptor: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


class Supervisor:
    """So many places, each with a process that `start` made."""

    def __init__(self, count: int, start: Callable[[], Process]) -> None:
        self._make = start
        self._running: set[Process] = set()
        self._places = [self._start() for _ in range(count)]
        self.restart = asyncio.Event()

    def _start(self) -> Process:
        process = self._make()
        self._running.add(process)
        process.end.add_done_callback(lambda _: self._running.discard(process))
        return process

    async def run(self, announce: Callable[[], None]) -> None:
        """Until cancelled, or until a process could not start at first. `announce` is called when all listen."""
        if not all(await asyncio.gather(*(process.listens() for process in self._places))):
            return
        announce()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._restarts())
            for place in range(len(self._places)):
                group.create_task(self._keep(place))

    async def _keep(self, place: int) -> None:
        """Have a process in this place, whatever becomes of the one that is there."""
        while True:
            process = self._places[place]
            await asyncio.wait({process.end})
            if self._places[place] is process:
                log.error("server_process_died", pid=process.pid, exit_code=process.end.result())
                self._places[place] = fresh = self._start()
                if not await fresh.listens():
                    await asyncio.sleep(RETRY_SECONDS)

    async def _restarts(self) -> None:
        while True:
            await self.restart.wait()
            self.restart.clear()
            for place in range(len(self._places)):
                fresh = self._start()
                if not await fresh.listens():  # and so would the others
                    log.error("restart_given_up", pid=fresh.pid)
                    break
                old, self._places[place] = self._places[place], fresh
                await old.leave()

    async def stop(self) -> None:
        await asyncio.gather(*(process.leave() for process in self._running))


def supervise(settings: Settings, database_url: str, hello: str) -> None:
    """Serve in `settings.workers` processes until SIGINT or SIGTERM; SIGHUP restarts one after the other.

    `hello` is printed once all listen.
    """
    logs.configure(as_json=settings.log_json)

    async def main() -> bool:
        supervisor = Supervisor(settings.workers, partial(Process, database_url, listening))
        work = asyncio.create_task(supervisor.run(lambda: print(hello, flush=True)))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, work.cancel)
        loop.add_signal_handler(signal.SIGHUP, supervisor.restart.set)
        try:
            await work
        except asyncio.CancelledError:
            return True
        finally:
            await supervisor.stop()
        return False

    with _listen(settings.host, settings.port) as listening:
        if not asyncio.run(main()):
            sys.exit("A server process could not start; the log says why.")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        sys.exit(f"Can't listen on {host}, port {port}: {error.strerror}.")
