"""A server in a process of its own, as an operator starts it."""

import asyncio
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from api.auth import Tokens
from api.settings import ROOT
from geo.db import Database
from tests.conftest import SECRET, Served


@asynccontextmanager
async def serving(database_url: str, db: Database, folder: Path) -> AsyncIterator[tuple[Served, Process]]:
    """What it says on standard error stands in the file `log` of the folder."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    settings = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET, "PORT": str(port), "DATA_DIR": str(folder)}
    environment = [f"BART_{name}={value}" for name, value in settings.items()]
    command = ["env", *environment, sys.executable, "-m", "api", "serve"]
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
