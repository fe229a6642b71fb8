"""BART in processes of its own, as an operator starts it."""

import asyncio
import socket
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from api.auth import Tokens
from api.settings import ROOT
from geo.db import Database
from tests.conftest import SECRET, Served


def _command(database_url: str, *arguments: str, **settings: str) -> list[str]:
    settings = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET, **settings}
    environment = [f"BART_{name}={value}" for name, value in settings.items()]
    return ["env", *environment, sys.executable, "-m", "api", *arguments]


def bart(database_url: str, *arguments: str, said: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """A command that was carried out, with `said` on its standard input."""
    command = _command(database_url, *arguments, **settings)
    return subprocess.run(command, cwd=ROOT, input=said, capture_output=True, text=True, timeout=60, check=False)


@asynccontextmanager
async def serving(
    database_url: str, db: Database, folder: Path, *options: str
) -> AsyncIterator[tuple[Served, Process]]:
    """Started with these options. What it says on standard error stands in the file `log` of the folder."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = _command(database_url, "serve", *options, PORT=str(port), DATA_DIR=str(folder))
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=log)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            while b"Serving" not in await process.stdout.readline():
                assert process.returncode is None, (folder / "log").read_text()
        yield Served(f"http://127.0.0.1:{port}", db, Tokens(SECRET)), process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
