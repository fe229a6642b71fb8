"""What a process has used, as Linux counts it."""

from contextlib import suppress
from pathlib import Path


def cpu(pid: int) -> float:
    """Seconds of processor that all its threads have taken."""
    nanoseconds = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # a thread that has just ended
            nanoseconds += int(file.read_text().split()[0])
    return nanoseconds / 1e9


def memory(pid: int) -> int:
    """Bytes that it has in memory (RSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (kibibytes,) = (int(line.split()[1]) for line in lines if line.startswith("Rss:"))
    return kibibytes * 1024
