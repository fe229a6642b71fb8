"""Who has to do with a report."""

from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.cursor import PageCursor
from geo.models import Involvement, Report
from geo.rows import columns, to_report
from geo.tables import involvement, report
from geo.viewer import Viewer
from geo.visibility import visible

_INVOLVE = insert(involvement).values(since=func.now()).on_conflict_do_nothing()


async def roles(conn: AsyncConnection, report_id: UUID, party: str) -> set[Involvement]:
    """What a party has to do with a report."""
    own = select(involvement.c.role).where(involvement.c.report_id == report_id, involvement.c.party == party)
    return {Involvement(role) for role in await conn.scalars(own)}


async def reports_of(conn: AsyncConnection, viewer: Viewer, after: PageCursor | None, limit: int) -> list[Report]:
    """The reports that the viewer has to do with, the newest first; of those that it may see."""
    key = report.c.submitted_at, report.c.id
    own = select(involvement.c.report_id).where(involvement.c.party == viewer.party)
    statement = (
        select(*columns())
        .where(report.c.id.in_(own), visible(viewer, report))
        .where(*([tuple_(*key) < tuple_(after.at, after.id)] if after else []))
        .order_by(*(column.desc() for column in key))
        .limit(limit)
    )
    return [to_report(row) for row in await conn.execute(statement)]


async def involve(conn: AsyncConnection, report_id: UUID, party: str | None, role: Involvement) -> None:
    """Remember that a party has this role in a report; nobody is remembered of an anonymous caller."""
    if party is None:
        return
    await conn.execute(_INVOLVE, {"report_id": report_id, "party": party, "role": role})
