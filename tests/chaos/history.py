"""What was committed, read from PostgreSQL by plain SQL."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg

from tests.chaos.rules import Facts

_EVENTS = """
    SELECT report_id::text, version, position, kind, before, after, extract(epoch FROM at)::float8
    FROM event WHERE report_id IS NOT NULL AND (position > %s OR position IS NULL)
    ORDER BY position NULLS LAST, report_id, version
"""
_STATES = """
    SELECT DISTINCT ON (report_id) report_id::text, version, after
    FROM event WHERE report_id IS NOT NULL AND position <= %s
    ORDER BY report_id, version DESC
"""
_INVOLVED = "SELECT party, report_id::text FROM involvement WHERE role <> 'FOLLOWER' AND party LIKE 'chaos/%'"
Unreachable = psycopg.OperationalError
NEVER = 1 << 62  # the position of an event that has not got one: behind all others


class Key(NamedTuple):
    """What names an event, and a state of a report."""

    report: str
    version: int


class Event(NamedTuple):
    """One committed change. `at` is shortly before its commit, in seconds since 1970."""

    key: Key
    position: int
    kind: str
    before: Facts | None
    after: Facts
    at: float


@dataclass
class History:
    """The events behind a position, in the order of the feed, and the states of all reports from there on."""

    events: list[Event] = field(default_factory=list)
    states: dict[Key, Facts] = field(default_factory=dict)
    involved: Mapping[str, set[str]] = field(default_factory=dict)  # party -> reports

    def __post_init__(self) -> None:
        self.by_key = {event.key: event for event in self.events}
        self.of_report: dict[str, list[Event]] = defaultdict(list)
        for event in sorted(self.events, key=lambda event: event.key):
            self.of_report[event.key.report].append(event)
            self.states[event.key] = event.after


async def read(url: str, behind: int) -> History:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        events = [
            Event(Key(report, version), NEVER if position is None else position, *rest)
            async for report, version, position, *rest in await conn.execute(_EVENTS, (behind,))
        ]
        rows = await conn.execute(_STATES, (behind,))
        states = {Key(report, version): facts async for report, version, facts in rows}
        involved: dict[str, set[str]] = defaultdict(set)
        async for party, report in await conn.execute(_INVOLVED):
            involved[party].add(report)
    return History(events, states, involved)


async def position(url: str) -> int:
    """The last one that was given out."""
    return await _number(url, b"SELECT coalesce(max(position), 0) FROM event")


async def unplaced(url: str) -> int:
    """How many committed events have no position yet."""
    return await _number(url, b"SELECT count(*) FROM event WHERE position IS NULL")


async def _number(url: str, statement: bytes) -> int:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        row = await (await conn.execute(statement)).fetchone()
    assert row is not None
    found: int = row[0]
    return found
