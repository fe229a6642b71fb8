"""By when something is due: in hours of the clock, or in working hours, which public holidays have none of."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from geo.models import Category

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
OPENS, CLOSES = time(9), time(17)  # Monday to Friday


def add_working_hours(at: datetime, hours: float) -> datetime:
    """The instant after so many working hours, 0 or more; in UTC, within working hours or at their end."""
    left = timedelta(hours=hours)
    day = at.astimezone(AMSTERDAM).date()
    while True:
        if _works_on(day):
            start = max(at.astimezone(UTC), _instant(day, OPENS))
            working = _instant(day, CLOSES) - start
            if timedelta() <= working >= left:
                return start + left
            left -= max(working, timedelta())
        day += timedelta(days=1)


def due(at: datetime, category: Category) -> datetime:
    """By when a report of this category, made at that time, should be resolved; in UTC."""
    if category.round_the_clock:
        return at.astimezone(UTC) + timedelta(hours=category.handling_hours)
    return add_working_hours(at, category.handling_hours)


def _instant(day: date, of_clock: time) -> datetime:
    return datetime.combine(day, of_clock, AMSTERDAM).astimezone(UTC)


def _works_on(day: date) -> bool:
    return day.weekday() < 5 and day not in _holidays(day.year)


@lru_cache(maxsize=16)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("NL", years=year))
