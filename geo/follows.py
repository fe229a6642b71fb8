"""Following: to be told of what happens in an area, or to a report, without having had to do with it."""

from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.models import Involvement
from geo.tables import area, area_follow, involvement

_FOLLOW = insert(area_follow).values(since=func.now()).on_conflict_do_nothing()


async def follow_area(conn: AsyncConnection, party: str, code: str) -> None:
    await conn.execute(_FOLLOW, {"party": party, "code": code})


async def unfollow_area(conn: AsyncConnection, party: str, code: str) -> None:
    await conn.execute(delete(area_follow).where(area_follow.c.party == party, area_follow.c.code == code))


async def unfollow_report(conn: AsyncConnection, party: str, report_id: UUID) -> None:
    """Whoever has more to do with it than following stays involved."""
    own = involvement.c.report_id == report_id, involvement.c.party == party
    await conn.execute(delete(involvement).where(*own, involvement.c.role == Involvement.FOLLOWER))


async def move_along(conn: AsyncConnection) -> None:
    """Whoever follows a code that has ended follows the one that took its place."""
    ended = area.c.code == area_follow.c.code, area.c.successor_code.is_not(None)
    left = delete(area_follow).where(*ended).returning(area_follow.c.party, area.c.successor_code, area_follow.c.since)
    moved = select(left.cte("left")).distinct()
    await conn.execute(insert(area_follow).from_select(["party", "code", "since"], moved).on_conflict_do_nothing())
