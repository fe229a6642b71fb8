"""Helpers of a benchmark: processes of their own that answer a line of JSON with a line of JSON."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 1 << 28  # bytes of a line: thousands of subscriptions are one


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours."""
    return [sys.executable, "-m", module, *arguments]


class Helper:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        self._stdin, self._stdout = process.stdin, process.stdout

    async def ask(self, given: object) -> Any:
        """The next answer; raises RuntimeError when the helper has ended, for a reason that it told on its way."""
        self.tell(given)
        return await self.answer()

    def tell(self, given: object) -> None:
        self._stdin.write(orjson.dumps(given, option=orjson.OPT_APPEND_NEWLINE))

    async def answer(self) -> Any:
        line = await self._stdout.readline()
        if not line:
            raise RuntimeError("A helper of the benchmark has ended: see above.")
        return orjson.loads(line)


@asynccontextmanager
async def helper(module: str) -> AsyncIterator[Helper]:
    """The module at work in a process of its own, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *python(module), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=LONGEST
    )
    try:
        yield Helper(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def say(answer: object) -> None:
    """Answer from inside a helper."""
    sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


async def serve(handle: Callable[[Any], Awaitable[None]]) -> None:
    """Handle line after line, one at a time, until there are no more."""
    lines = asyncio.StreamReader(limit=LONGEST)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        await handle(orjson.loads(line))
