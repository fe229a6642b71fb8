"""A Redis of the benchmark's own, where the machine has the program."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from bench.environment import World, free_port, process


@contextmanager
def redis(world: World) -> Iterator[str | None]:
    """Its address; None where there is none."""
    program = shutil.which("redis-server")
    if program is None:
        print("Redis is left out: there is no redis-server.")
        yield None
        return
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(world.folder)]
    with process(command, world.folder / "redis.log", {}, listens=b"Ready to accept connections"):
        yield f"redis://127.0.0.1:{port}"
