"""The checker on histories of a few events: each rule finds what breaks it, and nothing else does."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tests.chaos.checker import ENTERED, LEFT, Checker, Rule
from tests.chaos.history import NEVER, Event, History, Key
from tests.chaos.people import ANYBODY, DESK
from tests.chaos.records import Interest, Read, Record, Shown, Told
from tests.chaos.rules import Facts, in_ring

HERE, THERE = ("WK1", "GM1"), ("WK2", "GM1")
WATCH = Interest("anybody", ANYBODY, {"code": "WK1"})


def facts(visibility: str = "PUBLIC", codes: Sequence[str] = HERE, status: str = "REPORTED") -> dict[str, Any]:
    urgent = {"category": "glas", "urgency": "NORMAL", "location": [4.3, 52.07]}
    return {"status": status, "visibility": visibility, "codes": [*codes], **urgent}


def committed(*states: Facts, report: str = "a", first: int = 1) -> History:
    """One report that goes through these states, one a second; the first was there before."""
    events = [
        Event(Key(report, version + 1), first + version, "REPORT_CONFIRMED", before, after, float(version))
        for version, (before, after) in enumerate(pairwise(states), start=1)
    ]
    return History(events, {Key(report, 1): states[0]})


def shown(version: int, of: Facts) -> Shown:
    return Shown(version, of["status"], of["visibility"], 0)


def told(version: int, of: Facts | None, kind: str = "ReportConfirmed", at: float = 100.0, coalesced: int = 0) -> Told:
    return Told(at, kind, Key("a", version), coalesced, shown(version, of) if of else None)


def found(
    history: History, entries: Sequence[Read | Told], fresh: Facts | None = None, who: Interest = WATCH
) -> set[Rule]:
    """The rules that are broken where the first state is read, and these entries follow."""
    start = history.states[Key("a", 1)]
    checker, record = Checker(history), Record("client", who, [Read({"a": shown(1, start)}, 1, ""), *entries])
    last = max(history.states)
    wanted = {"a": shown(last.version, fresh)} if fresh else {}
    return {finding.rule for finding in checker.check(record, wanted)}


OPEN, SHUT, AWAY = facts(), facts("AUTHORITIES"), facts(codes=THERE)
THREE = committed(OPEN, OPEN, OPEN, OPEN)


def test_what_came_once_and_in_order_is_right() -> None:
    assert found(THREE, [told(2, OPEN), told(3, OPEN), told(4, OPEN)], OPEN) == set()


def test_an_event_that_never_came_is_lost() -> None:
    assert found(THREE, [told(2, OPEN), told(4, OPEN)], OPEN) == {Rule.LOST}
    assert found(THREE, [told(2, OPEN), told(3, OPEN)], OPEN) == {Rule.LOST, Rule.UNTRUE}


def test_an_event_without_a_position_is_lost_too() -> None:
    late = History([*THREE.events[:2], THREE.events[2]._replace(position=NEVER)], dict(THREE.states))
    assert Rule.LOST in found(late, [told(2, OPEN), told(3, OPEN)], OPEN)


def test_a_frame_stands_for_as_many_as_it_says() -> None:
    assert found(THREE, [told(4, OPEN, coalesced=2)], OPEN) == set()
    assert found(THREE, [told(4, OPEN, coalesced=1)], OPEN) == {Rule.LOST}


def test_a_state_that_was_read_again_stands_for_what_was_before() -> None:
    again = Read({"a": shown(3, OPEN)}, 3, "")
    assert found(THREE, [told(2, OPEN), again, told(4, OPEN)], OPEN) == set()
    assert found(THREE, [told(2, OPEN), again], OPEN) == {Rule.LOST, Rule.UNTRUE}
    assert found(THREE, [again, told(3, OPEN), told(4, OPEN)], OPEN) == set(), "a cursor may be behind what was read"


def test_twice_is_doubled_and_late_is_out_of_order() -> None:
    twice = [told(2, OPEN), told(2, OPEN), told(3, OPEN), told(4, OPEN)]
    assert found(THREE, twice, OPEN) == {Rule.DOUBLED}
    assert found(THREE, [told(3, OPEN), told(2, OPEN), told(4, OPEN)], OPEN) == {Rule.DISORDERED}


def test_the_feed_has_one_order_over_all_reports() -> None:
    other = [event._replace(key=Key("b", event.key.version)) for event in committed(OPEN, OPEN, first=2).events]
    both = History([*committed(OPEN, OPEN).events, *other], {Key("a", 1): OPEN, Key("b", 1): OPEN})
    of_other = told(2, OPEN)._replace(key=Key("b", 2))
    assert Rule.DISORDERED not in found(both, [told(2, OPEN), of_other])
    assert Rule.DISORDERED in found(both, [of_other, told(2, OPEN)])


def test_a_departure_is_told_and_shows_nothing() -> None:
    for gone in (SHUT, AWAY):
        leaving = committed(OPEN, gone)
        assert found(leaving, [told(2, None, LEFT)]) == set()
        assert found(leaving, []) == {Rule.LOST, Rule.UNTRUE}
        assert Rule.LEAKED in found(leaving, [told(2, gone, LEFT)])


def test_what_is_not_for_these_eyes_is_leaked() -> None:
    hidden = committed(OPEN, SHUT, SHUT)
    assert Rule.LEAKED in found(hidden, [told(2, SHUT), told(3, None, LEFT)])
    assert found(hidden, [told(2, None, LEFT), told(3, None, LEFT)]) == {Rule.LEAKED}, "that it is there is told too"
    everything = Interest("desk", DESK, {"code": "WK1"})
    city = committed(facts(codes=("WK1", "GM0518")), facts("AUTHORITIES", ("WK1", "GM0518")))
    assert found(city, [told(2, SHUT)], SHUT, everything) == set()


def test_an_entry_is_told_as_one() -> None:
    coming = committed(OPEN, AWAY, OPEN)
    assert found(coming, [told(2, None, LEFT), told(3, OPEN, ENTERED)], OPEN) == set()
    assert found(coming, [told(2, None, LEFT), told(3, OPEN)], OPEN) == {Rule.UNTRUE}


def test_what_is_hidden_again_may_stay_away_as_far_as_that_could_be_known() -> None:
    """The report is hidden at second 3; the second event is left out of what is told at second 100, and at second 2."""
    hiding = committed(OPEN, OPEN, OPEN, SHUT)
    assert found(hiding, [told(4, None, LEFT)]) == set()
    assert found(hiding, [told(3, OPEN, at=2.5), told(4, None, LEFT)]) == {Rule.LOST}


def test_a_state_that_never_was_is_untrue() -> None:
    assert found(THREE, [told(2, SHUT), told(3, OPEN), told(4, OPEN)], OPEN) == {Rule.UNTRUE}
    older = told(3, OPEN)._replace(shown=shown(2, OPEN))
    assert Rule.UNTRUE in found(THREE, [told(2, OPEN), older, told(4, OPEN)], OPEN)
    assert found(THREE, [*(told(version, OPEN) for version in (2, 3, 4, 5))]) >= {Rule.UNTRUE}


def test_each_finding_says_who_and_what() -> None:
    record = Record("client", WATCH, [Read({"a": shown(1, OPEN)}, 1, "")])
    findings = [*Checker(THREE).check(record, {"a": shown(4, OPEN)})]
    assert Counter(finding.rule for finding in findings) == {Rule.LOST: 3, Rule.UNTRUE: 1}
    assert {finding.client for finding in findings} == {"client"}


def test_a_point_lies_in_a_ring_or_outside() -> None:
    ring = [[0, 0], [4, 0], [4, 4], [2, 1], [0, 4], [0, 0]]
    assert in_ring(1, 1, ring)
    assert not in_ring(2, 3, ring)
    assert not in_ring(5, 1, ring)
