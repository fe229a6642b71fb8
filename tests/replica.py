"""A streaming replica of a private cluster, to be paused, killed and started again."""

import os
import shlex
import shutil
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import make_url

from api import postgres
from tests.conftest import execute, named

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",  # no fewer than the primary's
    "shared_buffers": "64MB",
    "fsync": "off",
    "hot_standby_feedback": "on",
    "max_standby_streaming_delay": "100ms",  # then a read that stands in the way is cancelled
}


class Replica:
    """Made from the PostgreSQL at a URL, in a folder that PostgreSQL's account can enter."""

    def __init__(self, primary_url: str, folder: Path) -> None:
        found = postgres.find()
        assert found is not None
        self._postgres = found
        self._primary = make_url(primary_url)
        self._folder = folder / "replica"
        self._sockets = folder / "socket"
        self.url = self._primary.update_query_dict({"host": str(self._sockets)}).render_as_string(hide_password=False)
        self._maintenance = named(self.url, "postgres")  # where nothing is replayed that could cancel a statement

    def __enter__(self) -> Self:
        owner = postgres.owner()
        for made in (self._folder, self._sockets):
            made.mkdir(mode=0o700)
            os.chown(made, owner.pw_uid, owner.pw_gid)
        host = self._primary.query["host"]
        source = [f"--host={host}", f"--username={self._primary.query['user']}"]
        self._run("pg_basebackup", *source, f"--pgdata={self._folder}", "-R", "--checkpoint=fast", "--no-sync")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        settings = _SETTINGS | {"unix_socket_directories": str(self._sockets)}
        options = shlex.join(chain.from_iterable(("-c", f"{name}={value}") for name, value in settings.items()))
        log = f"--log={self._folder / 'server.log'}"
        self._run("pg_ctl", "start", "--silent", "--wait", f"--pgdata={self._folder}", log, f"--options={options}")

    def kill(self) -> None:
        """At once, in the middle of whatever it does."""
        self._run("pg_ctl", "stop", "--silent", "--mode=immediate", f"--pgdata={self._folder}")

    def pause(self) -> None:
        """It goes on to receive and to answer, and shows nothing new."""
        execute(self._maintenance, "SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        execute(self._maintenance, "SELECT pg_wal_replay_resume()")

    def _run(self, program: str, *arguments: str) -> None:
        done = self._postgres.run(program, *arguments)
        assert done.returncode == 0, done.stdout
