"""Who has to do with a report."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.models import Involvement
from geo.tables import involvement

_INVOLVE = insert(involvement).values(since=func.now()).on_conflict_do_nothing()


async def roles(conn: AsyncConnection, report_id: UUID, party: str) -> set[Involvement]:
    """What a party has to do with a report."""
    own = select(involvement.c.role).where(involvement.c.report_id == report_id, involvement.c.party == party)
    return {Involvement(role) for role in await conn.scalars(own)}


async def involve(conn: AsyncConnection, report_id: UUID, party: str | None, role: Involvement) -> None:
    """Remember that a party has this role in a report; nobody is remembered of an anonymous caller."""
    if party is None:
        return
    await conn.execute(_INVOLVE, {"report_id": report_id, "party": party, "role": role})
