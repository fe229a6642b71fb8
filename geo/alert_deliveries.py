"""How many an alert has reached, for nobody but the authority that published it."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import func, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.db import Database
from geo.errors import TooSlow
from geo.tables import alert, alert_answer, alert_delivery, event, notification

log = structlog.get_logger()


class AlertReach(NamedTuple):
    """Watchers that were sent it live, parties that were notified, those of them that were mailed, and answers."""

    watchers: int
    notified: int
    mailed: int
    answers: int


async def of_alerts(conn: AsyncConnection, alert_ids: Sequence[UUID]) -> dict[UUID, AlertReach]:
    """Of each of the alerts that there is."""
    c = notification.c
    told = (
        select(
            func.count(c.party.distinct()).label("notified"),
            func.count(c.party.distinct()).filter(c.mailed_at.is_not(None)).label("mailed"),
        )
        .join(event, event.c.id == c.event_id)
        .where(event.c.alert_id == alert.c.id)
        .correlate(alert)
        .lateral("told")
    )
    answers = select(func.count()).where(alert_answer.c.alert_id == alert.c.id).scalar_subquery()
    watchers = func.coalesce(alert_delivery.c.watchers, 0)
    statement = (
        select(alert.c.id, watchers, told.c.notified, told.c.mailed, answers)
        .select_from(alert.join(told, true()).outerjoin(alert_delivery))
        .where(alert.c.id.in_(alert_ids))
    )
    return {alert_id: AlertReach(*reach) for alert_id, *reach in await conn.execute(statement)}


async def add_watchers(conn: AsyncConnection, counted: Mapping[UUID, int]) -> None:
    """Count so many more watchers of each alert."""
    # In one order everywhere, so that two processes never wait for each other.
    values = [{"alert_id": alert_id, "watchers": counted[alert_id]} for alert_id in sorted(counted)]
    fresh = insert(alert_delivery)
    more = {"watchers": alert_delivery.c.watchers + fresh.excluded.watchers}
    await conn.execute(fresh.on_conflict_do_update(index_elements=["alert_id"], set_=more), values)


class Watchers:
    """How many watchers this process has sent each alert. Written down by the clock: a statement for each watcher would
    cost more than the sending."""

    def __init__(self, db: Database, *, interval: float = 1.0) -> None:
        self._db = db
        self._interval = interval
        self._counted: Counter[UUID] = Counter()

    def count(self, alert_id: UUID) -> None:
        """One more watcher was sent this alert."""
        self._counted[alert_id] += 1

    async def run(self) -> None:
        """Write down what was counted until cancelled, and what is left then."""
        try:
            while True:
                await asyncio.sleep(self._interval)
                await self.write_down()
        finally:
            await self.write_down()

    async def write_down(self) -> None:
        counted = self._counted.copy()
        if not counted:
            return
        try:
            async with self._db.write() as conn:
                await add_watchers(conn, counted)
        except (SQLAlchemyError, OSError, TooSlow) as error:  # they stay counted, for the next time
            log.warning("alert_watchers_not_written", error=type(error).__name__)
            return
        self._counted -= counted
