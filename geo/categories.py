"""Categories: a short list that every report refers to, so each process keeps it for a few seconds."""

import asyncio
from collections.abc import Mapping

from cachetools import TTLCache
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.db import Database
from geo.errors import UnknownCategory
from geo.geometry import Path
from geo.models import Borrow, Category, Urgency, Visibility
from geo.tables import category

KEPT_SECONDS = 5


async def everything(conn: AsyncConnection) -> dict[str, Category]:
    """All categories by slug, the main ones first."""
    rows = await conn.execute(select(category).order_by(category.c.parent_slug.nulls_first(), category.c.slug))
    return {
        row.slug: Category(
            slug=row.slug,
            parent_slug=row.parent_slug,
            name_nl=row.name_nl,
            name_en=row.name_en,
            visibility=Visibility(row.visibility),
            urgency=Urgency(row.urgency),
            handling_hours=row.handling_hours,
            active=row.active,
            round_the_clock=row.round_the_clock,
            terms=tuple(row.terms),
            related=tuple(row.related),
            feedback_days=row.feedback_days,
            contact_days=row.contact_days,
            guidance_nl=row.guidance_nl,
            guidance_en=row.guidance_en,
            borrow=tuple(Borrow(**thing) for thing in row.borrow),
        )
        for row in rows
    }


class Categories:
    """The categories, at most a few seconds old."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: TTLCache[None, dict[str, Category]] = TTLCache(maxsize=1, ttl=KEPT_SECONDS)
        self._reading: asyncio.Task[dict[str, Category]] | None = None

    async def all(self) -> Mapping[str, Category]:
        """Those that are at hand, or else are read: by a task of its own, for all who wait, also for who gives up."""
        if (known := self._kept.get(None)) is None:
            self._reading = self._reading or asyncio.create_task(self._read())
            known = await asyncio.shield(self._reading)
        return known

    async def _read(self) -> dict[str, Category]:
        try:
            async with self._db.read_primary() as conn:
                known = self._kept[None] = await everything(conn)
        finally:
            self._reading = None
        return known

    async def usable(self, slug: str, path: Path) -> Category:
        """The category a new report may have; raises `UnknownCategory`."""
        known = await self.all()
        if (found := known.get(slug)) is None or not found.active:
            names = ", ".join(c.slug for c in known.values() if c.active)
            raise UnknownCategory(f'"{slug[:80]}" is not a category.', path=path, hint=f"One of: {names}.")
        return found

    async def with_children(self, slugs: tuple[str, ...], path: Path) -> tuple[str, ...]:
        """The slugs and those below them, for a filter; raises `UnknownCategory`."""
        known = await self.all()
        for place, slug in enumerate(slugs):
            if slug not in known:
                where = (*path, place)
                raise UnknownCategory(f'"{slug[:80]}" is not a category.', path=where, hint="See `categories`.")
        return tuple(c.slug for c in known.values() if c.slug in slugs or c.parent_slug in slugs)
