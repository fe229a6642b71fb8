"""What a client writes down, and nothing else: the checker judges it by this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.chaos.history import Key
from tests.chaos.people import Person


@dataclass(frozen=True, eq=False)
class Interest:
    """Who watches what: an area with a filter, as GraphQL asks for them, or one report by its id.

    A `wide` one asks for so much of every event that a socket which is not read is soon full.
    """

    name: str
    person: Person
    area: Mapping[str, Any] | None = None
    filter: Mapping[str, Any] | None = None
    report: str | None = None
    wide: bool = False


class Shown(NamedTuple):
    """A report as a client was shown it."""

    version: int
    status: str
    visibility: str
    confirmations: int


class Read(NamedTuple):
    """The state as it was read. No position behind `until` can be behind its cursor."""

    reports: Mapping[str, Shown]
    until: int
    cursor: str


class Told(NamedTuple):
    """One event that was told; `coalesced` is how many earlier ones of the report it stands for."""

    at: float
    kind: str
    key: Key
    coalesced: int
    shown: Shown | None


@dataclass
class Record:
    """All of one client: the state it read first, what it was told, and the state it was made to read again."""

    name: str
    interest: Interest
    entries: list[Read | Told] = field(default_factory=list)

    def state(self) -> dict[str, Shown]:
        """The reports that the client has on its map in the end, by the rules of docs/maps.md."""
        reports: dict[str, Shown] = {}
        for entry in self.entries:
            match entry:
                case Read():
                    reports = dict(entry.reports)
                case Told(kind="ReportLeft"):
                    reports.pop(entry.key.report, None)
                case Told(shown=Shown() as shown):
                    if entry.key.report not in reports or entry.key.version > reports[entry.key.report].version:
                        reports[entry.key.report] = shown
        return reports
