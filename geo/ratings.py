"""What the involved say of a resolution: solved or not, 1 to 5, and why. Once for each time that it was resolved."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.models import RatingSummary
from geo.tables import rating, report
from geo.viewer import Viewer


async def record(
    conn: AsyncConnection,
    report_id: UUID,
    party: str,
    resolved_at: datetime,
    *,
    solved: bool,
    score: int | None,
    why: str | None,
) -> None:
    """Note a party's judgement; a second one takes the place of the first."""
    key = {"report_id": report_id, "party": party, "resolved_at": resolved_at}
    said = {"solved": solved, "score": score, "why": why, "at": func.clock_timestamp()}
    noted = insert(rating).values(**key, **said)
    await conn.execute(noted.on_conflict_do_update(index_elements=[*key], set_=said))


async def of_reports(conn: AsyncConnection, viewer: Viewer, report_ids: Sequence[UUID]) -> dict[UUID, RatingSummary]:
    """What was said of the present resolution of each report; of one that is not resolved, nothing."""
    present = and_(rating.c.report_id == report.c.id, rating.c.resolved_at == report.c.resolved_at)
    statement = (
        select(
            report.c.id,
            func.count(rating.c.party).label("ratings"),
            func.count().filter(rating.c.solved).label("solved"),
            func.avg(rating.c.score).label("score"),
            func.bool_or(rating.c.solved).filter(rating.c.party == viewer.party).label("mine"),
            func.array_remove(func.array_agg(aggregate_order_by(rating.c.why, rating.c.at)), None).label("comments"),
        )
        .select_from(report.outerjoin(rating, present))
        .where(report.c.id.in_(report_ids), report.c.resolved_at.is_not(None))
        .group_by(report.c.id)
    )
    return {
        row.id: RatingSummary(
            count=row.ratings,
            solved=row.solved,
            score=None if row.score is None else float(row.score),
            mine=row.mine,
            comments=tuple(row.comments),
        )
        for row in await conn.execute(statement)
    }
