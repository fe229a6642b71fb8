"""Tokens that are not to be accepted any more."""

from sqlalchemy import Column, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from geo.tables.base import Instant, metadata

# One token by its id, or all of an organisation (or of one of its subjects) that were issued until `at`.
revocation = Table(
    "revocation",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    Column("at", Instant, nullable=False),
    Column("token_id", Text),
    Column("organisation", Text),
    Column("subject", Text),
    Column("expires_at", Instant),  # of the last token it is about; null where that is not known
)
