"""A private PostgreSQL cluster: one data folder and one unix socket, no port."""

import fcntl
import hashlib
import os
import shlex
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import TracebackType

from api import postgres
from api.postgres import ClusterError, Postgres

# Code-point order and UTF-8 letters, under the name each system has for it.
_LOCALE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    # Compiling a query takes longer than our queries run.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Details and statements would write residents' words into the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_START_SECONDS = 120
_STOP_SECONDS = 120


def default_data_dir(checkout: Path) -> Path:
    """Where a checkout keeps its data: inside it, or for root (whose home is closed to others) below /var/lib/bart."""
    if os.geteuid() != 0:
        return checkout / ".data"
    return Path("/var/lib/bart") / f"{checkout.name}-{_digest(checkout.resolve())}"


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


class Cluster:
    """The private cluster of one data folder, shared by all processes that start it: the last to stop it ends it.

    PostgreSQL outlives its starter's Ctrl-C (connections are drained first) and its `kill -9` (the next start reuses
    it). `durable=False` trades safety in a crash for speed: for tests only.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir.absolute()
        self.folder = self.data_dir / "postgres"
        self.log = self.folder / "server.log"
        # A socket's path may have 107 bytes at most, and data folders can be longer.
        self.socket_dir = Path("/tmp") / f"bart-{_digest(self.data_dir)}"  # noqa: S108
        self.url = f"postgresql:///bart?host={self.socket_dir}&user=bart"
        self.started_here = False
        self._durable = durable
        self._in_use: int | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether this folder's PostgreSQL accepts connections."""
        return self.folder.exists() and self._ping() == 0

    def start(self) -> str:
        """Make the cluster if there is none, start it unless it runs, and return its libpq URL. Again is harmless.

        Raises ClusterError when it cannot be started.
        """
        self._make_data_dir()
        with self._starting_or_stopping():
            if not self.folder.exists():
                self._initialise()
            elif self.folder.stat().st_uid != postgres.owner().pw_uid:
                raise ClusterError(
                    f"{self.folder} does not belong to `{postgres.owner().pw_name}`: start BART as the user who made "
                    "it, or set BART_DATA_DIR to another folder."
                )
            self._make_socket_dir()
            if self._in_use is None:
                self._in_use = os.open(self.folder, os.O_RDONLY)
                fcntl.flock(self._in_use, fcntl.LOCK_SH)
            try:
                if not self._answers():
                    self._launch()
            except BaseException:
                self._leave()
                raise
        return self.url

    def stop(self) -> None:
        """Let go of the cluster; PostgreSQL is stopped, cleanly, unless another process still uses it."""
        if self._in_use is None:
            return
        with self._starting_or_stopping():
            try:
                if self._alone() and self._answers():
                    self._pg_ctl("stop", "--mode=fast", f"--timeout={_STOP_SECONDS}")
            finally:
                self._leave()

    @contextmanager
    def _starting_or_stopping(self) -> Iterator[None]:
        """One process at a time. The lock is on the folder itself and ends with the process, however that ends."""
        lock = os.open(self.data_dir, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _alone(self) -> bool:
        """Whether no other process uses the cluster: each user holds a shared lock on the cluster's folder."""
        assert self._in_use is not None
        try:
            fcntl.flock(self._in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            # Changing a lock lets go of the old one first, also when the new one is refused.
            fcntl.flock(self._in_use, fcntl.LOCK_SH)
        return True

    def _leave(self) -> None:
        assert self._in_use is not None
        os.close(self._in_use)
        self._in_use = None
        self.started_here = False
        # Not empty, and so kept, for as long as PostgreSQL has its socket there.
        with suppress(OSError):
            self.socket_dir.rmdir()

    def _make_data_dir(self) -> None:
        """Make the data folder, and be sure that PostgreSQL's account can enter it."""
        owner, is_root = postgres.owner(), os.geteuid() == 0
        for folder in reversed([self.data_dir, *self.data_dir.parents]):
            if not folder.exists():
                folder.mkdir(mode=0o700)
                os.chown(folder, -1, owner.pw_gid)
                folder.chmod(0o710 if is_root else 0o700)
        if is_root and postgres.as_owner(Path("/bin/sh"), "-c", 'cd "$0"', str(self.data_dir)).returncode != 0:
            raise ClusterError(
                f"PostgreSQL does not run as root but as `{owner.pw_name}`, who cannot enter {self.data_dir}: "
                "set BART_DATA_DIR to a folder that it can enter, such as /var/lib/bart/data."
            )

    def _make_socket_dir(self) -> None:
        """Names in /tmp are anybody's to take: a folder that is not ours alone is refused, its socket may be a trap."""
        owner = postgres.owner()
        with suppress(FileExistsError):
            self.socket_dir.mkdir(mode=0o700)
            os.chown(self.socket_dir, owner.pw_uid, owner.pw_gid)
        found = self.socket_dir.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.pw_uid or found.st_mode & 0o077:
            raise ClusterError(f"{self.socket_dir} is not a folder of `{owner.pw_name}` alone: remove it, start again.")

    @cached_property
    def _postgres(self) -> Postgres:
        """The server that fits the data: PostgreSQL reads only what its own major version wrote."""
        version = self.folder / "PG_VERSION"
        held = int(version.read_text()) if version.exists() else None
        if found := postgres.find(held):
            return found
        if other := postgres.find():
            raise ClusterError(
                f"{self.folder} holds data of PostgreSQL {held} and this machine has PostgreSQL {other.major}: install "
                f"PostgreSQL {held} with PostGIS beside it, or carry the data over with pg_dump, or move the folder "
                "away to start empty."
            )
        raise ClusterError("This machine has no PostgreSQL with PostGIS: run `python3 bootstrap.py` to install it.")

    def _initialise(self) -> None:
        """Make the cluster and its database under another name first: a folder called `postgres` is always whole."""
        owner, new = postgres.owner(), self.folder.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        os.chown(new, owner.pw_uid, owner.pw_gid)
        options = ["--username=bart", "--auth=trust", "--encoding=UTF8", f"--locale={_LOCALE}", "--data-checksums"]
        made = self._postgres.run("initdb", f"--pgdata={new}", *options, *([] if self._durable else ["--no-sync"]))
        if made.returncode == 0:
            single = ["--single", "-D", str(new), "-c", "exit_on_error=on", "postgres"]
            made = self._postgres.run("postgres", *single, stdin="CREATE DATABASE bart\n")
        if made.returncode != 0:
            raise ClusterError(f"PostgreSQL could not make a cluster in {new}:\n{made.stdout}")
        new.rename(self.folder)

    def _launch(self) -> None:
        if not self._alone():
            raise ClusterError(
                f"Another process uses {self.folder}, whose PostgreSQL does not answer here: stop that process first."
            )
        # The process number that a crash left in them may be another program's by now; PostgreSQL would give way to it.
        for stale in (self.folder / "postmaster.pid", *self.socket_dir.iterdir()):
            stale.unlink(missing_ok=True)
        settings = _SETTINGS | {"unix_socket_directories": str(self.socket_dir)}
        if not self._durable:
            settings |= _NOT_DURABLE
        options = shlex.join(chain.from_iterable(("-c", f"{name}={value}") for name, value in settings.items()))
        self._pg_ctl("start", f"--log={self.log}", f"--timeout={_START_SECONDS}", f"--options={options}")
        self.started_here = True

    def _pg_ctl(self, action: str, *arguments: str) -> None:
        done = self._postgres.run("pg_ctl", action, "--silent", "--wait", f"--pgdata={self.folder}", *arguments)
        if done.returncode != 0:
            log = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
            raise ClusterError("\n".join([done.stdout.strip(), f"{self.log} ends with:", *log[-15:]]))

    def _ping(self) -> int:
        """As pg_isready: 0 accepts connections, 1 is starting or stopping, 2 is not there."""
        return self._postgres.run("pg_isready", f"--host={self.socket_dir}", "--username=bart").returncode

    def _answers(self) -> bool:
        """Whether it accepts connections, once it has finished starting or stopping."""
        deadline = time.monotonic() + _START_SECONDS
        while (state := self._ping()) == 1:
            if time.monotonic() > deadline:
                raise ClusterError(f"PostgreSQL has been starting or stopping for {_START_SECONDS} s, see {self.log}.")
            time.sleep(0.1)
        return state == 0
