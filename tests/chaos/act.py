"""One act: writers write, watchers watch, a fault runs; then all is held to what was committed."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.chaos import history
from tests.chaos.bulk import BulkWriter
from tests.chaos.checker import Checker, Finding, Rule
from tests.chaos.people import DESK, TEAM
from tests.chaos.records import Interest
from tests.chaos.stage import Stage
from tests.chaos.waiting import until
from tests.chaos.watchers import Reader, node_id
from tests.chaos.writers import Choice, Writer

BULK_SIZE = 40


@dataclass(frozen=True)
class Outcome:
    """What an act came to."""

    fault: str
    seconds: float
    events: int
    mutations: int  # that made events; what else was written, was written below the API
    watchers: int
    deliveries: int
    coalesced: int  # events that were told by later ones
    closings: Counter[str]
    errors: Sequence[str]  # that servers logged
    findings: Sequence[Finding]

    def count(self, rule: Rule) -> int:
        return sum(finding.rule is rule for finding in self.findings)


class Act:
    """Plays one fault."""

    def __init__(self, stage: Stage, name: str, fault: Callable[[Stage], Awaitable[None]]) -> None:
        self._stage = stage
        self._name = name
        self._fault = fault
        self._events = 0
        self._over = False

    async def play(self, interests: Iterable[Interest]) -> Outcome:
        stage, began = self._stage, time.monotonic()
        await self._placed()
        start = await history.position(stage.postgres.url)
        async with stage.watching(interests):
            await asyncio.gather(*(watcher.connected.wait() for watcher in stage.watchers))
            writers = await self._write(start)
            await self._placed()
            committed = await history.read(stage.postgres.url, start)
            checker = Checker(committed)
            await self._heard(checker)
        accepted = [key for writer in writers for key in writer.accepted]
        findings = [*self._kept(accepted, committed), *self._served(writers), *await self._check(checker)]
        return Outcome(
            fault=self._name,
            seconds=time.monotonic() - began,
            events=len(committed.events),
            mutations=len(accepted),
            watchers=len(stage.watchers),
            deliveries=sum(len(watcher.record.entries) for watcher in stage.watchers),
            coalesced=sum(watcher.coalesced for watcher in stage.watchers),
            closings=sum((watcher.closings for watcher in stage.watchers), Counter()),
            errors=[line for server in stage.fleet for line in server.errors()],
            findings=findings,
        )

    async def _write(self, start: int) -> list[Writer]:
        """Until there are enough events and the fault is over. The last event is made at one server, so that the others
        have to hear of it."""
        stage = self._stage
        reports = [node_id(report) for report in (*stage.others, *stage.own[: -len(stage.apart)])]
        steady = [node_id(report) for report in stage.steady]
        writers = [
            Writer(stage.fleet, (DESK, TEAM)[n % 2], Choice(f"{start}, writer {n}", reports, steady), n)
            for n in range(stage.effort.writers)
        ]
        async with asyncio.TaskGroup() as group:
            counting = group.create_task(self._keep_counting(start))
            work = [group.create_task(writer.keep_writing(self._enough)) for writer in writers]
            work.append(group.create_task(self._write_in_bulk()))
            await until(lambda: self._events >= stage.effort.events / 5, stage.effort.patience)
            await self._fault(stage)
            self._over = True
            await asyncio.gather(*work)
            counting.cancel()
        choice = Choice(f"{start}, last", [node_id(stage.apart[0])])
        await writers[0].write([choice.confirm()], server=0)
        return writers

    def _enough(self) -> bool:
        return self._over and self._events >= self._stage.effort.events

    async def _keep_counting(self, start: int) -> None:
        while True:
            with suppress(history.Unreachable):
                self._events = await history.position(self._stage.postgres.url) - start
            await asyncio.sleep(0.2)

    async def _write_in_bulk(self) -> None:
        """As much as is missing to be in time."""
        effort, began = self._stage.effort, time.monotonic()
        writer = BulkWriter(self._stage.postgres.url, self._stage.others, BULK_SIZE)
        while not self._enough():
            due = effort.events * (time.monotonic() - began) / effort.seconds
            if self._events < due:
                await writer.write()
            await asyncio.sleep(BULK_SIZE * effort.seconds / effort.events)

    async def _placed(self) -> None:
        """Until every event has its position; not for ever, for the checker will tell."""

        async def placed() -> bool:
            return await history.unplaced(self._stage.postgres.url) == 0

        await until(placed, self._stage.effort.patience)

    async def _heard(self, checker: Checker) -> None:
        """Until every watcher has its last event, and a moment longer: what is doubled may come behind it."""
        last = {watcher: checker.certain(watcher.record.interest) for watcher in self._stage.watchers}

        def heard() -> bool:
            return all(event is None or watcher.knows(event) for watcher, event in last.items())

        await until(heard, self._stage.effort.patience)
        await asyncio.sleep(0.3)

    def _kept(self, accepted: Sequence[history.Key], committed: history.History) -> Iterator[Finding]:
        """Whether everything that was answered is there, once."""
        for key, times in Counter(accepted).items():
            if key not in committed.by_key:
                yield Finding(Rule.LOST, "writers", f"{key} was accepted")
            elif times > 1:
                yield Finding(Rule.DOUBLED, "writers", f"{key} was accepted {times} times")

    def _served(self, writers: Sequence[Writer]) -> Iterator[Finding]:
        """Whether every server is there still, and every request was answered."""
        for server in self._stage.fleet:
            if not server.alive:
                yield Finding(Rule.UNTRUE, server.url, "ended by itself")
        for trouble in (trouble for writer in writers for trouble in writer.unanswered):
            yield Finding(Rule.UNTRUE, "writers", f"no server answered: {trouble}")

    async def _check(self, checker: Checker) -> list[Finding]:
        records = [watcher.record for watcher in self._stage.watchers]
        reader = Reader(self._stage.fleet, self._stage.postgres.url)
        fresh = await reader.read_all(record.interest for record in records)
        return [finding for record in records for finding in checker.check(record, fresh[record.interest].reports)]
