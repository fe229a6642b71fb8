"""Ids are UUIDv7: they begin with the millisecond in which they were made, so a span of time is a range of ids."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def first_id(at: datetime) -> UUID:
    """The smallest id that can be made at a time."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def made_at(some_id: UUID) -> datetime:
    """When an id was made."""
    return datetime.fromtimestamp((some_id.int >> 80) / 1000, UTC)


def first_beside(some_id: UUID) -> UUID:
    """The smallest id of the same millisecond."""
    return UUID(int=some_id.int >> 80 << 80)


def id_about(earlier: UUID) -> UUID:
    """A new id, not before that of what it is about, even where the clock is: what is sought by it begins there."""
    made, first = uuid7(), first_beside(earlier)
    return made if made >= first else uuid7(nanoseconds=(first.int >> 80) * 1_000_000)
