"""What neighbours say of a report: still there, or gone. The last word of each party counts."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.models import Verdict
from geo.tables import confirmation


async def record(conn: AsyncConnection, report_id: UUID, party: str, verdict: Verdict) -> int:
    """Note a party's verdict; returns how many parties now say that it is still there."""
    values = {"report_id": report_id, "party": party, "verdict": verdict, "at": func.now()}
    latest = insert(confirmation).values(values)
    await conn.execute(
        latest.on_conflict_do_update(
            index_elements=["report_id", "party"],
            set_={"verdict": latest.excluded.verdict, "at": latest.excluded.at},
        )
    )
    return await still_there(conn, report_id)


async def still_there(conn: AsyncConnection, report_id: UUID) -> int:
    """How many parties say now that it is still there."""
    saying = select(func.count()).where(
        confirmation.c.report_id == report_id, confirmation.c.verdict == Verdict.STILL_THERE
    )
    return (await conn.execute(saying)).scalar_one()
