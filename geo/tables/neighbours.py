"""What neighbours do with reports: evidence, confirmation, adoption, judgement; and what joins two reports."""

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from geo.tables.base import Instant, PointColumn, metadata

upload = Table(
    "upload",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("party", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("stored_at", Instant),
    Column("width", Integer),
    Column("height", Integer),
)
Index(None, upload.c.expires_at)

evidence = Table(
    "evidence",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("report_id", UUID, ForeignKey("report.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("remark", Text),
    Column("upload_id", UUID, ForeignKey("upload.id"), unique=True),
    Column("party", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
    # A correction: what it should be, and what became of the proposal.
    Column("location", PointColumn),
    Column("category", Text, ForeignKey("category.slug")),
    Column("decision", Text),
    # A measurement.
    Column("quantity", Text),
    Column("value", Double),
    Column("unit", Text),
    # As with reports: what was written, where `remark` is not, and why it is hidden.
    Column("original", Text),
    Column("hidden_reason", Text),
)
Index(None, evidence.c.report_id, evidence.c.added_at, evidence.c.id)

confirmation = Table(
    "confirmation",
    metadata,
    Column("report_id", UUID, ForeignKey("report.id"), primary_key=True),
    Column("party", Text, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

adoption = Table(
    "adoption",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("report_id", UUID, ForeignKey("report.id"), nullable=False),
    Column("party", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ending", Text),
)
Index("adoption_current_key", adoption.c.report_id, unique=True, postgresql_where=adoption.c.ended_at.is_(None))
Index("adoption_until_idx", adoption.c.until, postgresql_where=adoption.c.ended_at.is_(None))
Index(None, adoption.c.report_id, adoption.c.since)

thanks = Table(
    "thanks",
    metadata,
    Column("adoption_id", UUID, ForeignKey("adoption.id"), primary_key=True),
    Column("party", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)

# What the involved say of a resolution, once for each time that it was resolved.
rating = Table(
    "rating",
    metadata,
    Column("report_id", UUID, ForeignKey("report.id"), primary_key=True),
    Column("party", Text, primary_key=True),
    Column("resolved_at", Instant, primary_key=True),
    Column("solved", Boolean, nullable=False),
    Column("score", SmallInteger),
    Column("why", Text),
    Column("at", Instant, nullable=False),
)

# What a merge moved, so that it can be undone.
merge = Table(
    "merge",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("duplicate_id", UUID, ForeignKey("report.id"), nullable=False),
    Column("into_id", UUID, ForeignKey("report.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("moved", JSONB, nullable=False),
    Column("undone_at", Instant),
)
Index(None, merge.c.duplicate_id, merge.c.at)
Index(None, merge.c.into_id)
