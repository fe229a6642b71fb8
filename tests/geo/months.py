"""Months that pass in tests of the event log."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from uuid_utils.compat import uuid7

from geo import events, ids
from geo.db import Database
from geo.models import Report, ReportStatus
from geo.partitions import month_of, partitions
from geo.tables import event, event_archive
from geo.usecases import keep_events as usecase
from geo.usecases.keep_events import keep_events
from tests.geo.notices import change, place, told
from tests.world import ADMIN

MONTHS = 3
NOW = datetime.now(UTC)
STATUSES = ReportStatus.UNDER_WAY, ReportStatus.ON_HOLD
Clock = Callable[[int], datetime]


def _at(now: int, nanoseconds: int | None = None) -> UUID:
    return uuid7(nanoseconds=nanoseconds or now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Makes it the tenth of so many months later, for all ids of events and for whoever is told what it returns."""

    def turn(months: int) -> datetime:
        at = month_of(NOW, months) + timedelta(days=10)
        for module in (events, ids):
            monkeypatch.setattr(module, "uuid7", partial(_at, int(at.timestamp() * 1e9)))
        return at

    return turn


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usecase, "PAUSE", 0.01)


async def names(db: Database, *, archived: bool) -> list[str]:
    async with db.read() as conn:
        return [month.name for month in await partitions(conn) if month.archived is archived]


async def versions(db: Database, report: Report) -> list[int]:
    async with db.read() as conn:
        return [told.version for told in (await events.timeline(conn, ADMIN, [report.id], None, 500))[report.id]]


async def where(db: Database, report: Report) -> dict[str, int]:
    """How many events of a report each partition has."""
    found: dict[str, int] = {}
    async with db.read() as conn:
        for log in (event, event_archive):
            name = text("tableoid::regclass::text")
            counted = select(name, func.count()).select_from(log).where(log.c.report_id == report.id).group_by(name)
            found |= {row[0]: row[1] for row in await conn.execute(counted)}
    return found


async def go_through(db: Database, clock: Clock, report: Report, months: int) -> None:
    """Let months pass, in each of which the report changes, everybody is told, and the log is kept."""
    for later in range(months):
        at = clock(later)
        await keep_events(db, at, MONTHS)
        await change(db, report, STATUSES[later % 2])
        await told(db)
    await place(db)
