"""The event log, its feed, and answers that are given once."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from geo.tables.base import Instant, metadata


def _log(name: str) -> Table:
    """A table of events, partitioned by month: ids are UUIDv7, so that a month is a range of them (geo/partitions.py).

    `position`, and `report_id` with `version`, have a unique index in each partition; across partitions, where
    PostgreSQL has none, they are unique because positions are given under one lock, and versions under that of their
    report. Nothing refers to an event by a foreign key: it would hold a month back from the archive.
    """
    return Table(
        name,
        metadata,
        Column("id", UUID, primary_key=True),
        Column("position", BigInteger),
        # What it is about: a report, or an alert; neither where it tells that notifications were made.
        Column("report_id", UUID, ForeignKey("report.id")),
        Column("alert_id", UUID, ForeignKey("alert.id")),
        Column("version", Integer),
        Column("kind", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("party", Text),  # who did it: for whoever must not be told of it, and for nobody to read
        Column("at", Instant, nullable=False),
        Column("visibility", Text, nullable=False),
        Column("before", JSONB),
        Column("after", JSONB),
        Column("detail", JSONB, nullable=False),
        postgresql_partition_by="RANGE (id)",
    )


# The outbox and the public timeline at once. `position` is given after the commit (geo/feed.py says why).
event = _log("event")
Index(None, event.c.alert_id)
Index("event_party_idx", event.c.party, postgresql_where=event.c.party.is_not(None))  # for erasing it
Index("event_unplaced_idx", event.c.at, postgresql_where=event.c.position.is_(None))

# Events older than what can be resumed, each still with the indexes it had in `event`.
event_archive = _log("event_archive")

# One row. A new epoch (a restored back-up) makes every older cursor start over. The version of the map rises with each
# replacement: who watches an area by its code looks again where that leads.
feed = Table(
    "feed",
    metadata,
    Column("only", SmallInteger, primary_key=True, server_default=text("1")),
    Column("epoch", UUID, nullable=False, server_default=func.gen_random_uuid()),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column("map_version", BigInteger, nullable=False, server_default=text("0")),
    Column("revocation_version", BigInteger, nullable=False, server_default=text("0")),  # rises with each revocation
    Column("oldest", BigInteger, nullable=False, server_default=text("0")),  # a cursor before it can't be resumed
)

# The first answer given for a key; `outcome` is null only inside the transaction that is working on it.
idempotency = Table(
    "idempotency",
    metadata,
    Column("party", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("outcome", UUID),
    Column("at", Instant, nullable=False),
)
Index(None, idempotency.c.at)

# How far a consumer of the feed has come. It moves on in the transaction of what it makes of the events.
consumer = Table(
    "consumer",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
