"""What residents answer to an alert, for nobody but the authority that published it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, func, insert, literal, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from geo.cursor import PageCursor
from geo.geometry import sql_point
from geo.models import Point
from geo.tables import alert_answer


@dataclass(frozen=True, slots=True)
class AlertAnswer:
    id: UUID
    alert_id: UUID
    text: str
    location: Point | None
    upload_id: UUID | None
    at: datetime


_COLUMNS = [
    *(alert_answer.c[name] for name in ("id", "alert_id", "text", "upload_id", "at")),
    func.ST_X(alert_answer.c.location).label("lon"),
    func.ST_Y(alert_answer.c.location).label("lat"),
]


def _to_answer(row: Row[Any]) -> AlertAnswer:
    location = None if row.lon is None else Point(row.lon, row.lat)
    return AlertAnswer(row.id, row.alert_id, row.text, location, row.upload_id, row.at)


async def add(
    conn: AsyncConnection, alert_id: UUID, *, party: str, text: str, location: Point | None, upload_id: UUID | None
) -> AlertAnswer:
    values = {"id": uuid7(), "alert_id": alert_id, "party": party, "text": text, "upload_id": upload_id}
    spot = None if location is None else sql_point(location)
    statement = insert(alert_answer).values(**values, location=spot, at=func.clock_timestamp())
    return _to_answer((await conn.execute(statement.returning(*_COLUMNS))).one())


async def of_alerts(
    conn: AsyncConnection, alert_ids: Sequence[UUID], after: PageCursor | None, limit: int
) -> dict[UUID, list[AlertAnswer]]:
    """The first `limit` answers behind `after` to each alert, oldest first."""
    of = (
        func.unnest(literal(list(alert_ids), ARRAY(alert_answer.c.alert_id.type)))
        .table_valued("id", name="of")
        .render_derived()
    )
    inner = (
        select(*_COLUMNS)
        .where(alert_answer.c.alert_id == of.c.id)
        .where(*([tuple_(alert_answer.c.at, alert_answer.c.id) > tuple_(after.at, after.id)] if after else []))
        .order_by(alert_answer.c.at, alert_answer.c.id)
        .limit(limit)
        .correlate(of)
        .lateral("answers")
    )
    found: dict[UUID, list[AlertAnswer]] = {alert_id: [] for alert_id in alert_ids}
    for row in await conn.execute(select(inner).select_from(of.join(inner, text("true")))):
        found[row.alert_id].append(_to_answer(row))
    return found
