"""Revoke tokens: every process hears of it, and nothing more is told to whoever holds one."""

from geo import positions, revocations
from geo.db import Database
from geo.revocations import Revocation


async def revoke(db: Database, revoked: Revocation) -> None:
    async with db.write() as conn:
        await revocations.add(conn, revoked)
        await positions.raise_revocation_version(conn)
