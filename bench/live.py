"""Rivals with a crowd that watches: how long an event takes from its commit until the last who wants it has it."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Self

from bench.crowd import Crowd
from bench.figures import Effort, Figure, Params, percentile
from bench.rivals import Rival
from bench.usage import cpu
from bench.writer import Writer, Written

PATIENCE = 100.0  # seconds for one event
TRIES = 5  # the first events may come before all subscriptions are in force
PAUSE = 0.1  # seconds between events
REST = 2.0  # seconds after all have come
ALONE = 10  # writes that are measured before anybody watches


@dataclass(slots=True)
class Run:
    """What the events of one run took."""

    milliseconds: list[float] = field(default_factory=list)  # from the commit until the last has it
    answers: list[float] = field(default_factory=list)  # milliseconds, of whoever wrote
    cpu: list[float] = field(default_factory=list)  # seconds of the server
    telling: list[float] = field(default_factory=list)  # those of them that are not for the write itself


class Stage:
    """A rival with its crowd in place. `receivers` of them want the events."""

    watchers: int
    last: str  # the event that was heard last

    def __init__(self, rival: Rival, crowd: Crowd, writer: Writer, receivers: int) -> None:
        self.rival = rival
        self.alone: list[float] = []  # milliseconds of an answer while nobody watched
        self._crowd = crowd
        self._writer = writer
        self._receivers = receivers

    @classmethod
    @asynccontextmanager
    async def set(cls, rival: Rival, watchers: int, receivers: int) -> AsyncIterator[Self]:
        async with Crowd.gather() as crowd, Writer.ready() as writer:
            stage = cls(rival, crowd, writer, receivers)
            stage.watchers = watchers
            await stage._write_alone()
            await rival.watched_by(crowd, range(watchers))
            await stage._warm_up()
            await asyncio.sleep(REST)
            yield stage

    async def _write_alone(self) -> None:
        """What a write takes while nobody watches; the first ones cost more."""
        for _ in range(ALONE):
            await self._writer.write(self.rival.post())
        taken = []
        for _ in range(ALONE):
            used = cpu(self.rival.server.pid)
            self.alone.append(_answered(await self._writer.write(self.rival.post())))
            await asyncio.sleep(PAUSE)
            taken.append(cpu(self.rival.server.pid) - used)
        self._writing = median(taken)

    async def _warm_up(self) -> None:
        for _ in range(TRIES):
            await self._crowd.expect(self._receivers)
            await self._writer.write(self.rival.post())
            if (heard := await self._crowd.heard(PATIENCE / TRIES)).complete:
                self.last = heard.last
                return
        raise RuntimeError(f"{self.rival.name}: {heard.events} of {self._receivers} heard of it. {heard.trouble}")

    async def run(self, seconds: float) -> Run:
        """One event after the other, each when all have heard the last one."""
        run, pid = Run(), self.rival.server.pid
        end = time.perf_counter() + seconds
        while not run.milliseconds or time.perf_counter() < end:
            used = cpu(pid)
            await self._crowd.expect(self._receivers)
            written, heard = await asyncio.gather(self._writer.write(self.rival.post()), self._crowd.heard(PATIENCE))
            await asyncio.sleep(PAUSE)
            used = cpu(pid) - used
            exact = await self._crowd.heard()
            if not heard.complete or exact.events != self._receivers or exact.closed or exact.trouble:
                raise RuntimeError(f"{self.rival.name}, to {self._receivers}: {exact}")
            run.milliseconds.append((heard.at - self.rival.committed(written)) * 1000)
            run.answers.append(_answered(written))
            run.cpu.append(used)
            run.telling.append(used - self._writing)
        return run


def _answered(written: Written) -> float:
    return (written.at - written.asked_at) * 1000


async def compare(bench: str, rivals: Sequence[Rival], watchers: int, receivers: int, effort: Effort) -> list[Figure]:
    """The figures of the first rival, beside those of each other one; they take turns, run by run."""
    async with AsyncExitStack() as stack:
        stages = [await stack.enter_async_context(Stage.set(rival, watchers, receivers)) for rival in rivals]
        runs: list[list[Run]] = [[] for _ in rivals]
        for _ in range(effort.runs):
            for stage, done in zip(stages, runs, strict=True):
                done.append(await stage.run(effort.seconds))
    params, mine = {"sockets": watchers}, runs[0]
    figures = []
    for rival, theirs in zip(rivals[1:], runs[1:], strict=True):
        for percent in (50, 99):
            last = [[percentile(run.milliseconds, percent) for run in each] for each in (mine, theirs)]
            figures.append(Figure.of(f"{bench}.last.p{percent}", "ms", params, last[0], rival.name, last[1]))
        used = [[median(run.cpu) for run in each] for each in (mine, theirs)]
        telling = [[median(run.telling) for run in each] for each in (mine, theirs)]
        figures += [
            Figure.of(f"{bench}.cpu", "s/event", params, used[0], rival.name, used[1]),
            Figure.of(f"{bench}.cpu_of_telling", "s/event", params, telling[0], rival.name, telling[1]),
        ]
    return figures + [
        _answer(bench, stage, done) for stage, done in zip(stages, runs, strict=True) if stage.rival.answers
    ]


def _answer(bench: str, stage: Stage, runs: Sequence[Run]) -> Figure:
    """How long whoever writes waits for the answer, beside what that took while nobody watched."""
    params: Params = {"sockets": stage.watchers, "of": stage.rival.name}
    answers = [median(run.answers) for run in runs]
    return Figure.of(f"{bench}.answer", "ms", params, answers, "unwatched", [median(stage.alone)] * len(runs))
