"""What each municipality decided for itself."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.tables import municipality_policy


async def allows_anonymous(conn: AsyncConnection, municipality: str) -> bool:
    """Whether somebody without a token may report here; only where the municipality said so."""
    row = await conn.execute(
        select(municipality_policy.c.anonymous_submit).where(municipality_policy.c.code == municipality)
    )
    return bool(row.scalar())
