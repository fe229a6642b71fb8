"""What the clock does to reports: adoptions lapse, overdue reports are escalated, resolutions become final.

Each batch is one transaction, with an event for each report. One statement finds and locks, and steps over what
somebody else has locked: so any number of processes can do this at once, and each report has its turn once.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from geo import adoptions, contacts, events, reports
from geo.categories import Categories
from geo.db import Database
from geo.models import ActorKind, AdoptionEnding, EventKind, Report, ReportStatus, Standing
from geo.statuses import Statuses
from geo.usecases.release_report import give_back

AT_ONCE = 100

Due = Callable[[AsyncConnection, datetime, int], Awaitable[Sequence[Report]]]
Step = Callable[[AsyncConnection, Report], Awaitable[None]]


async def keep_time(db: Database, categories: Categories, statuses: Statuses, now: datetime) -> int:
    """Do all that is due by now; returns how many reports were changed."""
    known = await categories.all()

    async def lapse(conn: AsyncConnection, report: Report) -> None:
        await statuses.check(report, ReportStatus.REPORTED, Standing.SYSTEM, ())
        await give_back(conn, report, AdoptionEnding.LAPSED, ActorKind.SYSTEM, None)

    async def escalate(conn: AsyncConnection, report: Report) -> None:
        after = await reports.change(conn, report, escalated_at=now)
        await events.append(conn, EventKind.REPORT_ESCALATED, ActorKind.SYSTEM, report, after, {})

    async def close(conn: AsyncConnection, report: Report) -> None:
        after = await reports.change(conn, report, closed_at=now)
        await contacts.expire(conn, report.id, now + timedelta(days=known[report.category].contact_days))
        await events.append(conn, EventKind.REPORT_CLOSED, ActorKind.SYSTEM, report, after, {})

    changed = 0
    for due, step in (
        (adoptions.lock_lapsed, lapse),
        (reports.lock_overdue, escalate),
        (reports.lock_unclosed, close),
    ):
        changed += await _each(db, now, due, step)
    async with db.write() as conn:
        await contacts.purge(conn, now)
    return changed


async def _each(db: Database, now: datetime, due: Due, step: Step) -> int:
    """Take a step with each report that is due, batch by batch; returns how many there were."""
    total = 0
    while True:
        async with db.write() as conn:
            batch = await due(conn, now, AT_ONCE)
            for report in batch:
                await step(conn, report)
        total += len(batch)
        if len(batch) < AT_ONCE:
            return total
