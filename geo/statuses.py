"""The status machine, kept as data in `status_transition`."""

from collections.abc import Mapping
from types import MappingProxyType

from cachetools import TTLCache
from sqlalchemy import select

from geo.db import Database
from geo.errors import TransitionNotAllowed
from geo.geometry import Path
from geo.models import Report, ReportStatus, Role, Standing
from geo.tables import status_transition
from geo.viewer import Viewer

KEPT_SECONDS = 5

Steps = Mapping[tuple[str, str], tuple[ReportStatus, ...]]  # (from, role or standing) -> to


class Statuses:
    """Who may take a report from where to where, at most a few seconds old."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: TTLCache[None, Steps] = TTLCache(maxsize=1, ttl=KEPT_SECONDS)

    async def _steps(self) -> Steps:
        if (known := self._kept.get(None)) is None:
            found: dict[tuple[str, str], tuple[ReportStatus, ...]] = {}
            async with self._db.read_primary() as conn:
                for row in await conn.execute(select(status_transition).order_by(*status_transition.c)):
                    step = row.from_status, row.role
                    found[step] = (*found.get(step, ()), ReportStatus(row.to_status))
            known = self._kept[None] = MappingProxyType(found)
        return known

    async def check(self, report: Report, to: ReportStatus, who: Role | Standing, path: Path) -> None:
        """Whether this role, or this standing in the report, may take it there; raises `TransitionNotAllowed`."""
        allowed = (await self._steps()).get((report.status, who), ())
        if to not in allowed:
            raise TransitionNotAllowed(
                f"A report that is {report.status} can't become {to}.",
                path=path,
                hint=f"One of: {', '.join(allowed)}." if allowed else "You can't take it anywhere from here.",
                allowed=allowed,
            )

    async def allowed(self, viewer: Viewer, report: Report) -> tuple[ReportStatus, ...]:
        """The statuses to which this authority may take the report now; none outside its territory."""
        if not viewer.works_in(report.place.codes):
            return ()
        return (await self._steps()).get((report.status, viewer.role), ())
