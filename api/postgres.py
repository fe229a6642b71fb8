"""The PostgreSQL that this machine has: where its programs are, and the account they run under.

Only the standard library is used here: bootstrap.py looks for PostgreSQL before there is a venv.
"""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

# Where packages put the server's programs: Debian and Ubuntu, PostgreSQL's own RPMs, Fedora, Homebrew, Postgres.app.
_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
_PROGRAMS = ("initdb", "pg_ctl", "postgres", "pg_isready")

# Nothing of the caller's environment (PGDATA, PGOPTIONS, ...) may change what the programs do.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


class ClusterError(Exception):
    """The private cluster cannot be used; the message says what to do about it."""


@dataclass(frozen=True)
class Postgres:
    """An installed server that has PostGIS: the folder of its programs and its major version."""

    folder: Path
    major: int

    def run(self, program: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of its programs as `owner()`, output and errors together in `stdout`."""
        return as_owner(self.folder / program, *arguments, stdin=stdin)


def find(major: int | None = None) -> Postgres | None:
    """The server to use, of that major version if one is named: the one on PATH, else the newest that is installed."""
    return next((found for found in _installed() if major in (None, found.major)), None)


def owner() -> pwd.struct_passwd:
    """Whom PostgreSQL runs as: ourselves, and for root, whom it refuses, the account that its packages make for it.

    Not `nobody`: whatever else runs under that shared name could read and change the data.
    """
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise ClusterError(
            "PostgreSQL does not run as root and there is no user `postgres` to run it as: "
            "make one (`useradd --system postgres`) or start BART as an ordinary user."
        ) from None


def as_owner(program: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program as `owner()`, from `/`: it may be unable to enter our own working folder."""
    other = owner() if os.geteuid() == 0 else None
    return subprocess.run(  # noqa: S603
        [program, *arguments],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd="/",
        env=_ENVIRONMENT,
        umask=0o077,
        user=other and other.pw_uid,
        group=other and other.pw_gid,
        extra_groups=other and [],
    )


def _installed() -> Iterator[Postgres]:
    if on_path := shutil.which("initdb"):
        yield from _inspect(Path(on_path).resolve().parent)
    for folder in sorted(chain.from_iterable(map(Path("/").glob, _FOLDERS)), key=_version, reverse=True):
        yield from _inspect(folder)


def _version(folder: Path) -> int:
    return max(map(int, re.findall(r"\d+", str(folder))), default=0)


def _inspect(folder: Path) -> Iterator[Postgres]:
    """The server in a folder, if it is complete; by initdb, for pg_config is often not installed with it."""
    if not all((folder / program).exists() for program in _PROGRAMS):
        return
    shown = as_owner(folder / "initdb", "--show", "--pgdata=/").stdout
    version = re.search(r"^VERSION=(\d+)", shown, re.MULTILINE)
    share = re.search(r"^share_path=(.+)$", shown, re.MULTILINE)
    if version and share and (Path(share[1]) / "extension" / "postgis.control").exists():
        yield Postgres(folder, int(version[1]))
