"""What authorities tell an area, and what they hear back."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from geo.tables.base import Instant, MultiPolygonColumn, PointColumn, metadata

alert = Table(
    "alert",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("advice", Text),
    Column("code", Text),  # of the area, where it was published to one that has a code
    Column("geom", MultiPolygonColumn, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("valid_until", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    Column("version", Integer, nullable=False),
)
Index(None, alert.c.geom, postgresql_using="gist")
Index(None, alert.c.published_at, alert.c.id)
Index("alert_active_idx", alert.c.valid_until, postgresql_where=alert.c.withdrawn_at.is_(None))

alert_answer = Table(
    "alert_answer",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("alert_id", UUID, ForeignKey("alert.id"), nullable=False),
    Column("party", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("location", PointColumn),
    Column("upload_id", UUID, ForeignKey("upload.id"), unique=True),
    Column("at", Instant, nullable=False),
)
Index(None, alert_answer.c.alert_id, alert_answer.c.at, alert_answer.c.id)

# How many watchers have been sent an alert while they were connected.
alert_delivery = Table(
    "alert_delivery",
    metadata,
    Column("alert_id", UUID, ForeignKey("alert.id"), primary_key=True),
    Column("watchers", BigInteger, nullable=False),
)
