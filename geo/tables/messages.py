"""Messages that apps pass on, and the consent of their authors."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from geo.tables.base import Instant, PointColumn, metadata

message = Table(
    "message",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("party", Text, nullable=False),  # the author, under the app's pseudonym
    Column("text", Text, nullable=False),
    Column("place", Text),
    Column("location", PointColumn),
    Column("permalink", Text),
    Column("written_at", Instant),
    Column("received_at", Instant, nullable=False),
    Column("edited_at", Instant),
    Column("category", Text, ForeignKey("category.slug")),
    Column("report_id", UUID, ForeignKey("report.id")),
    Column("evidence_id", UUID, ForeignKey("evidence.id")),  # where it supplemented a report that was there
    Column("piece_ids", ARRAY(UUID), nullable=False, server_default=text("'{}'")),  # all evidence made of it
    Column("event_id", UUID),  # the first answer, given again to whoever asks again
    UniqueConstraint("organisation", "source", "external_id"),
)
Index(None, message.c.report_id)
Index(None, message.c.evidence_id)
Index(None, message.c.party)
Index("message_unanswered_idx", message.c.received_at, postgresql_where=message.c.event_id.is_(None))

consent = Table(
    "consent",
    metadata,
    Column("message_id", UUID, ForeignKey("message.id"), primary_key=True),
    Column("given_at", Instant, nullable=False),
    Column("purposes", ARRAY(Text), nullable=False),
    Column("text_version", Text, nullable=False),
)
