"""A server whose clock steps: `python -m tests.chaos.clock FILE serve`, the file being how many seconds it is wrong.

All that asks Python for the time of day gets it wrong alike: tokens, links, the ids of events. What measures how long
something takes does not, as when a real clock is set.
"""

import runpy
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any


class Clock:
    """The clock of a server, to be set while it runs."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.module: Sequence[str] = "tests.chaos.clock", str(file)
        self.step(timedelta(0))

    def step(self, wrong: timedelta) -> None:
        """Make it wrong by so much, and no more by what it was wrong before."""
        new = self._file.with_suffix(".new")
        new.write_text(str(wrong.total_seconds()))
        new.replace(self._file)


def main(file: Path) -> None:
    """Puts the wrong clock in the place of the right one, before anything has taken hold of that."""
    right, right_ns = time.time, time.time_ns

    def wrong() -> float:
        return float(file.read_text())

    class Kind(type):
        """So that a time which others made is one too."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, datetime)

    class WrongTime(datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=wrong())

    import datetime as module

    import uuid_utils.compat

    right_id = uuid_utils.compat.uuid7
    time.time = lambda: right() + wrong()
    time.time_ns = lambda: right_ns() + int(wrong() * 1e9)
    module.datetime = WrongTime  # type: ignore[misc]
    uuid_utils.compat.uuid7 = lambda **given: right_id(**given or {"nanoseconds": time.time_ns()})


if __name__ == "__main__":
    main(Path(sys.argv.pop(1)))
    runpy.run_module("api", run_name="__main__", alter_sys=True)
