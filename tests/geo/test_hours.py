"""When something is due: Dutch working hours, holidays, and the two days a year that are not 24 hours long."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.hours import AMSTERDAM, add_working_hours, due
from geo.models import Category, Urgency, Visibility

zones = st.sampled_from([UTC, AMSTERDAM, ZoneInfo("America/Paramaribo"), ZoneInfo("Pacific/Auckland")])
instants = st.datetimes(datetime(2024, 1, 1), datetime(2031, 12, 1), timezones=zones, allow_imaginary=False)  # noqa: DTZ001
amounts = st.integers(0, 400).map(lambda quarters: quarters / 4)


def local(told: str) -> datetime:
    return datetime.fromisoformat(told).replace(tzinfo=AMSTERDAM)


@pytest.mark.parametrize(
    ("at", "hours", "expected"),
    [
        ("2026-11-24 10:30", 2, "2026-11-24 12:30"),  # a Tuesday
        ("2026-11-24 16:30", 2, "2026-11-25 10:30"),  # over night
        ("2026-11-27 16:00", 8, "2026-11-30 16:00"),  # over the weekend
        ("2026-11-24 03:00", 8, "2026-11-24 17:00"),  # to the end of a day
        ("2026-11-28 12:00", 0, "2026-11-30 09:00"),  # from a Saturday
        ("2026-11-24 17:00", 1, "2026-11-25 10:00"),
        ("2026-12-24 16:00", 2, "2026-12-28 10:00"),  # Christmas on Friday and Saturday
        ("2025-12-31 16:00", 2, "2026-01-02 10:00"),
        ("2026-04-02 16:00", 2, "2026-04-07 10:00"),  # Good Friday and Easter Monday
        ("2026-04-24 16:00", 2, "2026-04-28 10:00"),  # King's Day
        ("2025-04-25 16:00", 2, "2025-04-28 10:00"),  # which was on a Saturday in 2025
        ("2025-05-02 16:00", 2, "2025-05-06 10:00"),  # Liberation Day is a day off every fifth year
        ("2026-05-04 16:00", 2, "2026-05-05 10:00"),
        ("2026-05-13 16:00", 2, "2026-05-15 10:00"),  # Ascension Day
        ("2026-05-22 16:00", 2, "2026-05-26 10:00"),  # Whit Monday
        ("2026-03-27 16:00", 2, "2026-03-30 10:00"),  # the clock goes forward
        ("2026-10-23 16:00", 2, "2026-10-26 10:00"),  # and back
    ],
)
def test_counts_the_hours_that_people_work(at: str, hours: float, expected: str) -> None:
    found = add_working_hours(local(at), hours)
    assert found == local(expected)
    assert found.tzinfo is UTC


@given(instants, amounts)
def test_it_is_within_working_hours_and_never_before(at: datetime, hours: float) -> None:
    found = add_working_hours(at, hours)
    assert found >= at + timedelta(hours=hours)
    there = found.astimezone(AMSTERDAM)
    assert there.weekday() < 5
    assert time(9) <= there.time() <= time(17)
    assert (there.month, there.day) not in {(1, 1), (12, 25), (12, 26)}


@given(instants, instants, amounts)
def test_who_comes_first_is_due_first(one: datetime, other: datetime, hours: float) -> None:
    first, last = sorted((one, other))
    assert add_working_hours(first, hours) <= add_working_hours(last, hours)


@given(instants, amounts, amounts)
def test_hours_add_up(at: datetime, some: float, more: float) -> None:
    both = add_working_hours(at, some + more)
    apart = add_working_hours(add_working_hours(at, some), more)
    # The end of one working day is the beginning of the next.
    assert apart == both or (more == 0 and add_working_hours(both, 0) == apart)
    assert add_working_hours(at, some) <= both


def category(*, round_the_clock: bool) -> Category:
    return Category(
        slug="gaslucht",
        parent_slug=None,
        name_nl="Gaslucht",
        name_en="Smell of gas",
        visibility=Visibility.PUBLIC,
        urgency=Urgency.EMERGENCY,
        handling_hours=30,
        active=True,
        round_the_clock=round_the_clock,
    )


@given(instants)
def test_round_the_clock_every_hour_counts(at: datetime) -> None:
    found = due(at, category(round_the_clock=True))
    assert found - at.astimezone(UTC) == timedelta(hours=30)
    assert found.tzinfo is UTC
    assert due(at, category(round_the_clock=False)) == add_working_hours(at, 30)


@pytest.mark.parametrize(
    ("at", "expected"), [("2026-03-28 20:00", "2026-03-30 03:00"), ("2026-10-24 20:00", "2026-10-26 01:00")]
)
def test_round_the_clock_the_clock_may_change(at: str, expected: str) -> None:
    assert due(local(at), category(round_the_clock=True)) == local(expected)
