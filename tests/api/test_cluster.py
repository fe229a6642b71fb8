import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from api import postgres
from api.cluster import Cluster, default_data_dir
from api.postgres import ClusterError

ROOT = Path(__file__).resolve().parent.parent.parent
IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can be somebody else")

# Starts the cluster, says so, and stops it when its input ends.
HOLD = """
import sys
from pathlib import Path
from api.cluster import Cluster
with Cluster(Path(sys.argv[1]), durable=False) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """An open folder: pytest's own is closed to the account that PostgreSQL runs under when we are root."""
    with tempfile.TemporaryDirectory(prefix="bart-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def made(place: Path) -> Path:
    """The data folder of a stopped cluster that holds one row."""
    data_dir = place / "made"
    with Cluster(data_dir, durable=False) as url:
        run(url, "CREATE TABLE kept AS SELECT 7 AS value")
    return data_dir


@pytest.fixture
def stopped(made: Path) -> Iterator[Cluster]:
    """A cluster on `made`, stopped again afterwards."""
    one = Cluster(made, durable=False)
    yield one
    one.start()
    one.stop()
    assert not one.running


def run(url: str, statement: LiteralString) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def value(url: str, query: LiteralString = "SELECT value FROM kept") -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def hold(
    data_dir: Path, *, python: str = sys.executable, checkout: Path = ROOT, user: str | None = None
) -> subprocess.Popen[str]:
    """Another process, in a process group of its own as a terminal would give it, that has started the cluster."""
    holder = subprocess.Popen(
        [python, "-c", HOLD, data_dir],
        cwd=checkout,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == Cluster(data_dir).url
    return holder


def test_starts_stops_and_keeps_the_data(stopped: Cluster) -> None:
    url = stopped.start()
    assert stopped.started_here
    assert stopped.running
    assert value(url) == 7
    run(url, "CREATE EXTENSION IF NOT EXISTS postgis")
    stopped.stop()
    assert not stopped.running
    assert not stopped.socket_dir.exists()
    assert value(stopped.start(), "SELECT ST_AsText(ST_Point(4.3, 52.07))") == "POINT(4.3 52.07)"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SHOW listen_addresses", ""),
        ("SHOW server_encoding", "UTF8"),
        ("SHOW data_checksums", "on"),
        ("SHOW jit", "off"),
        ("SELECT current_user || ' in ' || current_database()", "bart in bart"),
        ("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", True),
        ("SELECT upper('één') || lower('ÏJ')", "ÉÉNïj"),
        ("SELECT 'Z' < 'a' COLLATE \"default\"", True),
    ],
)
def test_database(stopped: Cluster, query: LiteralString, expected: object) -> None:
    assert value(stopped.start(), query) == expected


def test_writes_are_durable_unless_a_test_says_otherwise(place: Path) -> None:
    with Cluster(place / "durable") as url:
        assert [value(url, "SHOW fsync"), value(url, "SHOW synchronous_commit")] == ["on", "on"]


def test_starting_again_is_harmless(stopped: Cluster) -> None:
    url = stopped.start()
    pid = postmaster(stopped.data_dir)
    assert stopped.start() == url
    assert postmaster(stopped.data_dir) == pid


def test_the_last_one_to_stop_ends_it(stopped: Cluster) -> None:
    holder = hold(stopped.data_dir)
    url = stopped.start()
    assert not stopped.started_here
    stopped.stop()
    assert value(url) == 7
    stopped.start()
    holder.communicate()
    stopped.stop()
    assert not stopped.running


def test_outlives_the_ctrl_c_and_the_kill_of_its_starter(stopped: Cluster) -> None:
    holder = hold(stopped.data_dir)
    pid = postmaster(stopped.data_dir)
    assert os.getpgid(pid) != holder.pid, "the terminal's Ctrl-C goes to the whole process group"
    os.killpg(holder.pid, signal.SIGKILL)
    holder.communicate()
    assert value(stopped.start()) == 7
    assert not stopped.started_here
    assert postmaster(stopped.data_dir) == pid
    stopped.stop()
    assert not stopped.running


def test_starts_after_the_kill_of_postgresql(stopped: Cluster) -> None:
    url = stopped.start()
    run(url, "UPDATE kept SET value = 7")
    os.kill(postmaster(stopped.data_dir), signal.SIGKILL)
    assert value(stopped.start()) == 7


def test_starts_when_the_number_in_the_pid_file_is_another_programs(stopped: Cluster) -> None:
    with subprocess.Popen(["sleep", "60"], user=postgres.owner().pw_uid if IS_ROOT else None) as other:
        (stopped.folder / "postmaster.pid").write_text(f"{other.pid}\n{stopped.folder}\n0\n5432\n/tmp\n\n1 1\nready\n")
        try:
            assert value(stopped.start()) == 7
        finally:
            other.kill()


def test_a_half_made_cluster_is_made_anew(place: Path) -> None:
    half = place / "half" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("15\n")
    with Cluster(place / "half", durable=False) as url:
        assert value(url, "SELECT 1") == 1
    assert not half.exists()


def test_a_path_longer_than_a_socket_may_have(place: Path) -> None:
    data_dir = place / ("long " * 25).strip() / ("é" * 60)
    assert len(os.fsencode(data_dir)) > 120
    with Cluster(data_dir, durable=False) as url:
        assert value(url, "SELECT 1") == 1


def test_data_of_another_version_is_named(place: Path) -> None:
    old = Cluster(place / "old")
    old.folder.mkdir(parents=True)
    shutil.chown(old.folder, postgres.owner().pw_uid)
    (old.folder / "PG_VERSION").write_text("9\n")
    with pytest.raises(ClusterError, match="holds data of PostgreSQL 9 and this machine has PostgreSQL"):
        old.start()


def test_a_failed_start_shows_the_end_of_the_log(stopped: Cluster) -> None:
    config = stopped.folder / "postgresql.conf"
    good = config.read_text()
    config.write_text(good + "\nmax_wal_senders = minus\n")
    try:
        with pytest.raises(ClusterError, match=r'server\.log ends with:(.|\n)*"max_wal_senders": "minus"'):
            stopped.start()
    finally:
        config.write_text(good)


def test_a_socket_folder_that_others_can_enter_is_refused(stopped: Cluster) -> None:
    stopped.socket_dir.mkdir()
    stopped.socket_dir.chmod(0o777)
    with pytest.raises(ClusterError, match="remove it, start again"):
        stopped.start()
    stopped.socket_dir.rmdir()
    stopped.socket_dir.symlink_to(stopped.data_dir)
    with pytest.raises(ClusterError, match="remove it, start again"):
        stopped.start()
    stopped.socket_dir.unlink()


def test_no_postgresql_names_what_to_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find", lambda major=None: None)
    with pytest.raises(ClusterError, match=r"python3 bootstrap\.py"):
        Cluster(place / "none").start()


def test_default_data_dir() -> None:
    one, other = default_data_dir(Path("/srv/a/bart")), default_data_dir(Path("/srv/b/bart"))
    assert one != other
    assert one.parent == (Path("/var/lib/bart") if IS_ROOT else Path("/srv/a/bart"))


@as_root
def test_root_is_told_when_postgresql_cannot_enter_its_folder(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ClusterError, match=f"`postgres`, who cannot enter {closed}/data: set BART_DATA_DIR"):
        Cluster(closed / "data").start()


@as_root
def test_data_of_another_user_is_refused(stopped: Cluster) -> None:
    os.chown(stopped.folder, pwd.getpwnam("nobody").pw_uid, -1)
    try:
        with pytest.raises(ClusterError, match="does not belong to `postgres`"):
            stopped.start()
    finally:
        shutil.chown(stopped.folder, "postgres")


@as_root
def test_an_ordinary_user_in_a_closed_home(place: Path) -> None:
    """With the system's Python and a copy of the two files, for the user may be unable to enter this checkout."""
    python = shutil.which("python3", path=os.defpath)
    if python is None:
        pytest.skip("no system Python")
    home = place / "home"
    (home / "api").mkdir(parents=True)
    for name in ("__init__.py", "cluster.py", "postgres.py"):
        shutil.copy(ROOT / "api" / name, home / "api")
    home.chmod(0o700)
    shutil.chown(home, "nobody")
    holder = hold(home / "data", python=python, checkout=home, user="nobody")
    assert value(Cluster(home / "data").url, "SELECT 1") == 1
    assert (home / "data").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    holder.communicate()
    assert holder.returncode == 0
    assert not Cluster(home / "data").running
