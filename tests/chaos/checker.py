"""Holds what each client wrote down to what was committed.

Of each event a client is told itself, an entry, a departure or nothing (`Told` in geo/watch.py, here by rules.py). It
is told of it once, in the order of the feed, unless
- a later state of the report is hidden from it and could be known when it was told what follows: then it need not be
  told of what the report was before, and the departure comes;
- a later frame of the report says that it stands for it too;
- it had to read the state again: then it begins anew.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from tests.chaos.history import Event, History, Key
from tests.chaos.records import Interest, Read, Record, Shown, Told
from tests.chaos.rules import Facts, inside, may_see, wanted

ENTERED, LEFT = "ReportEntered", "ReportLeft"


class Rule(StrEnum):
    LOST = "lost"
    DOUBLED = "doubled"
    DISORDERED = "out of order"
    LEAKED = "leaked"
    UNTRUE = "untrue"  # told or shown otherwise than it was committed, or a state in the end that is not the fresh one


class Finding(NamedTuple):
    """What was wrong at one client."""

    rule: Rule
    client: str
    what: str


class Stretch(NamedTuple):
    """What a client was told between two times that it read the state; `last` is behind no other."""

    read: Read
    told: Sequence[Told]
    last: bool


class Checker:
    def __init__(self, history: History) -> None:
        self._history = history
        self.due = cache(self._due)

    def certain(self, interest: Interest) -> Event | None:
        """The last event that a client must be told of, whatever else happened."""
        for key, kind in reversed(self.due(interest).items()):
            if kind == LEFT or self._hidden_later(interest, key) is None:
                return self._history.by_key[key]
        return None

    def check(self, record: Record, fresh: Mapping[str, Shown]) -> Iterator[Finding]:
        """All that is wrong with what a client wrote down, when the state in the end is `fresh`."""
        for stretch in _stretches(record):
            for rule, what in (
                *self._shown(record.interest, stretch),
                *self._order(stretch),
                *self._lost(record, stretch),
            ):
                yield Finding(rule, record.name, what)
        state = record.state()
        for report in state.keys() | fresh.keys():
            if state.get(report) != fresh.get(report):
                what = f"{report} is {state.get(report)}, and freshly read {fresh.get(report)}"
                yield Finding(Rule.UNTRUE, record.name, what)

    def _due(self, interest: Interest) -> dict[Key, str]:
        """What a client is told of each event that it is told of, in the order of the feed."""
        found = {}
        for event in self._history.events:
            if interest.report in (None, event.key.report) and (kind := self._kind(interest, event)):
                found[event.key] = kind
        return found

    def _kind(self, interest: Interest, event: Event) -> str | None:
        before = event.before is not None and self._has(interest, event.key.report, event.before)
        if self._has(interest, event.key.report, event.after):
            new = event.kind == "REPORT_SUBMITTED"
            return event.kind.title().replace("_", "") if before or new else ENTERED
        return LEFT if before else None

    def _has(self, interest: Interest, report: str, facts: Facts) -> bool:
        asked = interest.report is not None or (inside(interest.area, facts) and wanted(interest.filter, facts))
        return asked and self._sees(interest, report, facts)

    def _sees(self, interest: Interest, report: str, facts: Facts) -> bool:
        involved = report in self._history.involved.get(interest.person.party or "", ())
        return may_see(interest.person, facts, involved)

    def _hidden_later(self, interest: Interest, key: Key) -> float | None:
        """When the report was first hidden from a client behind this event."""
        for event in self._history.of_report[key.report]:
            if event.key > key and not self._sees(interest, key.report, event.after):
                return event.at
        return None

    def _shown(self, interest: Interest, stretch: Stretch) -> Iterator[tuple[Rule, str]]:
        """Whether what was told and shown is true, and for these eyes."""
        for report, shown in stretch.read.reports.items():
            yield from self._state(interest, Key(report, shown.version), shown)
        due = self.due(interest)
        for told in stretch.told:
            event = self._history.by_key.get(told.key)
            if event is None:
                yield Rule.UNTRUE, f"{told.key} was told and not committed"
            elif told.key not in due:
                seen = event.before if told.kind == LEFT else event.after
                open_to_it = seen is not None and self._sees(interest, told.key.report, seen)
                yield (Rule.UNTRUE if open_to_it else Rule.LEAKED), f"{told.key} was told as {told.kind}"
            elif told.kind != due[told.key] and not told.coalesced:
                yield Rule.UNTRUE, f"{told.key} was told as {told.kind} and is {due[told.key]}"
            if told.shown:
                if told.kind == LEFT:
                    yield Rule.LEAKED, f"{told.key} was told with a report that had left"
                if told.shown.version < told.key.version:
                    yield Rule.UNTRUE, f"{told.key} was told with version {told.shown.version}"
                yield from self._state(interest, Key(told.key.report, told.shown.version), told.shown)

    def _state(self, interest: Interest, key: Key, shown: Shown) -> Iterator[tuple[Rule, str]]:
        """Whether a report that was shown was ever like that, and for these eyes."""
        facts = self._history.states.get(key)
        if facts is None or (facts["status"], facts["visibility"]) != (shown.status, shown.visibility):
            yield Rule.UNTRUE, f"{key} was shown as {shown}"
        elif not self._sees(interest, key.report, facts):
            yield Rule.LEAKED, f"{key} was shown, for {facts['visibility']}"

    def _order(self, stretch: Stretch) -> Iterator[tuple[Rule, str]]:
        """Whether everything came once and in order."""
        heard: set[Key] = set()
        place, versions = 0, defaultdict[str, int](int)
        for told in stretch.told:
            key = told.key
            if key in heard:
                yield Rule.DOUBLED, f"{key} was told again"
                continue
            event = self._history.by_key.get(key)
            if key.version < versions[key.report] or (event and event.position < place):
                yield Rule.DISORDERED, f"{key} was told late"
            heard.add(key)
            versions[key.report] = max(versions[key.report], key.version)
            place = max(place, event.position if event else 0)

    def _lost(self, record: Record, stretch: Stretch) -> Iterator[tuple[Rule, str]]:
        """Whether everything came that had to."""
        by_key = self._history.by_key
        told = [told for told in stretch.told if told.key in by_key]
        places = [by_key[one.key].position for one in told]
        heard = {one.key: one for one in told}
        end = None if stretch.last else max(places, default=stretch.read.until)
        missed: dict[str, list[Key]] = defaultdict(list)
        for key, kind in self.due(record.interest).items():
            place = by_key[key].position
            if place <= stretch.read.until or (end is not None and place > end):
                continue
            if key in heard:
                for gone in missed.pop(key.report, [])[: -heard[key].coalesced or None]:
                    yield Rule.LOST, f"{gone} never came"
                continue
            hidden = None if kind == LEFT else self._hidden_later(record.interest, key)
            following = bisect_right(places, place)
            if hidden is None or (following < len(told) and told[following].at < hidden):
                missed[key.report].append(key)
        for keys in missed.values():
            for gone in keys:
                yield Rule.LOST, f"{gone} never came"


def _stretches(record: Record) -> Iterator[Stretch]:
    """The parts of a record that each begin with a state that was read."""
    begins = [n for n, entry in enumerate(record.entries) if isinstance(entry, Read)]
    for begin, end in zip(begins, [*begins[1:], None], strict=True):
        read, *told = record.entries[begin:end]
        assert isinstance(read, Read)
        yield Stretch(read, [one for one in told if isinstance(one, Told)], end is None)
