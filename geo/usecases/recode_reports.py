"""Give reports the codes of the areas in force, where a map has been replaced under them."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_, delete, func, or_, select, text, true
from sqlalchemy.ext.asyncio import AsyncConnection

from geo import areas, events, reports
from geo.db import Database
from geo.models import ActorKind, EventKind, Place
from geo.rows import columns, to_report
from geo.tables import area, pending_recode, report

AT_ONCE = 500
LONGEST_TRANSACTION = 30.0  # seconds; the timeouts of `geo.db` end ours well before that
POLL = 0.05  # seconds
KINDS = tuple(Place.__dataclass_fields__)


async def recode_reports(db: Database, progress: Callable[[int, int], None]) -> int:
    """Look over the reports of each municipality whose map has changed; returns how many were moved.

    The municipalities are pending until all is done: what is cut off, the next import does again.
    """
    async with db.read_primary() as conn:
        pending = sorted((await conn.execute(select(pending_recode.c.municipality_code))).scalars())
        if not pending:
            return 0
        await _older_transactions(conn)
        size = select(report.c.municipality, func.count().label("size")).group_by(report.c.municipality)
        rows = await conn.execute(size.where(report.c.municipality.in_(pending)))
        sizes: dict[str, int] = {row.municipality: row.size for row in rows}
    total, seen, moved = sum(sizes.values()), 0, 0
    for municipality in pending:
        after: UUID | None = None
        while municipality in sizes and (page := await _page(db, municipality, after)):
            moved += await _move(db, [report_id for report_id, stale in page if stale])
            after = page[-1][0]
            seen += len(page)
            progress(min(seen, total), total)
        others = await _others(db, municipality)
        for start in range(0, len(others), AT_ONCE):
            moved += await _move(db, others[start : start + AT_ONCE])
    async with db.write() as conn:
        await conn.execute(delete(pending_recode).where(pending_recode.c.municipality_code.in_(pending)))
    return moved


async def _older_transactions(conn: AsyncConnection) -> None:
    """Wait for those under way: one may have found the areas of a new report before the map was replaced."""
    now = (await conn.execute(select(func.clock_timestamp()))).scalar_one()
    older = text("""
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() AND xact_start < :now
    """)
    for _ in range(int(LONGEST_TRANSACTION / POLL)):
        if not (await conn.execute(older, {"now": now})).scalar_one():
            return
        await asyncio.sleep(POLL)


def _stale(place: FromClause) -> ColumnElement[bool]:
    """Whether a report has other codes than the place it lies in; outside every area it keeps what it has."""
    differs = (report.c[kind].is_distinct_from(place.c[kind]) for kind in KINDS)
    return and_(place.c.municipality.is_not(None), or_(*differs))


async def _page(db: Database, municipality: str, after: UUID | None) -> Sequence[tuple[UUID, bool]]:
    """The next reports with the code of the municipality, by id, and which of them are to be moved."""
    place = areas.place_of(report.c.location)
    statement = (
        select(report.c.id, _stale(place))
        .select_from(report.join(place, true()))
        .where(report.c.municipality == municipality)
        .order_by(report.c.id)
        .limit(AT_ONCE)
    )
    if after is not None:
        statement = statement.where(report.c.id > after)
    async with db.read_primary() as conn:
        return [(report_id, stale) for report_id, stale in await conn.execute(statement)]


async def _others(db: Database, municipality: str) -> Sequence[UUID]:
    """The reports that lie in a municipality in force, yet have the code of another one."""
    inside = area.join(report, func.ST_Intersects(area.c.geom, report.c.location))
    whole = and_(areas.live(), area.c.code == municipality, report.c.municipality != municipality)
    async with db.read_primary() as conn:
        return (await conn.execute(select(report.c.id).select_from(inside).where(whole))).scalars().all()


async def _move(db: Database, ids: Sequence[UUID]) -> int:
    """Move those of the reports that still have to be, in one transaction, each with its event."""
    if not ids:
        return 0
    place = areas.place_of(report.c.location)
    statement = (
        select(*columns(), *(place.c[kind].label(f"new_{kind}") for kind in KINDS))
        .select_from(report.join(place, true()))
        .where(report.c.id.in_(ids), _stale(place))
        .order_by(report.c.id)
        .with_for_update(of=report)
    )
    async with db.write() as conn:
        rows = (await conn.execute(statement)).all()
        for row in rows:
            before = to_report(row)
            after = await reports.change(conn, before, **{kind: getattr(row, f"new_{kind}") for kind in KINDS})
            await events.append(conn, EventKind.REPORT_MOVED, ActorKind.SYSTEM, before, after, {})
    return len(rows)
