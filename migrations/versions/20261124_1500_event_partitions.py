"""The event log by month. No row is copied: the table as it is becomes the first partition.

Revision: 20261124_event_partitions
Follows: 20261124_revocation
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError, OperationalError

revision = "20261124_event_partitions"
down_revision = "20261124_revocation"
branch_labels = None
depends_on = None

ATTEMPTS = 60
# All that is touched, in the order in which most transactions take it.
TOUCHED = "message, report, alert, event, notification"
REFERENCES = (("message", "event_id"), ("notification", "event_id"), ("notification", "notice_id"))
INDEXES = ("pkey", "position_key", "report_id_version_key", "alert_id_idx", "party_idx", "unplaced_idx")
MONTHS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent IN ({}) ORDER BY 1"


def upgrade() -> None:
    soon = datetime.now(UTC) + timedelta(days=7)  # nobody is refused an event at the turn of the month
    month = datetime(soon.year + soon.month // 12, soon.month % 12 + 1, 1, tzinfo=UTC)
    end = UUID(int=int(month.timestamp() * 1000) << 80)  # a UUIDv7 begins with its millisecond
    bound = f"ADD CONSTRAINT event_id_check CHECK (id < '{end}') NOT VALID"
    _locked("event", lambda: op.execute(f"ALTER TABLE event DROP CONSTRAINT IF EXISTS event_id_check, {bound}"))
    try:
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE event VALIDATE CONSTRAINT event_id_check")
        _locked(TOUCHED, lambda: _part(f"event_{soon:%Y_%m}", end))
    except DBAPIError:
        with op.get_context().autocommit_block():  # for else it would refuse the events of later months
            op.execute("ALTER TABLE event DROP CONSTRAINT event_id_check")
        raise


def _locked(tables: str, do: Callable[[], None]) -> None:
    """Do something when tables are locked.

    Whoever waits longer than a second for a lock looks for a deadlock, and may be the one who is cut off; and others
    wait behind us. So this gives up sooner, lets all go, and tries again.
    """
    connection = op.get_bind()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with connection.begin_nested():
                op.execute("SET LOCAL lock_timeout = '400ms'")
                op.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
                do()
        except OperationalError as error:
            if attempt == ATTEMPTS or getattr(error.orig, "sqlstate", None) != "55P03":  # lock_not_available
                raise
            time.sleep(0.2)
        else:
            return


def _part(first: str, end: UUID) -> None:
    for table, column in REFERENCES:
        op.drop_constraint(f"{table}_{column}_fkey", table, type_="foreignkey")
    op.rename_table("event", first)
    for name in INDEXES:
        op.execute(f"ALTER INDEX event_{name} RENAME TO {first}_{name}")
    op.execute(f"ALTER TABLE {first} RENAME CONSTRAINT event_id_check TO {first}_id_check")
    for table in ("event", "event_archive"):
        op.execute(f"CREATE TABLE {table} (LIKE {first}) PARTITION BY RANGE (id)")
        op.create_primary_key(f"{table}_pkey", table, ["id"])
        for other in ("report", "alert"):
            op.create_foreign_key(f"{table}_{other}_id_fkey", table, other, [f"{other}_id"], ["id"])
    op.create_index("event_alert_id_idx", "event", ["alert_id"])
    op.create_index("event_party_idx", "event", ["party"], postgresql_where=sa.text("party IS NOT NULL"))
    op.create_index("event_unplaced_idx", "event", ["at"], postgresql_where=sa.text("position IS NULL"))
    op.execute(f"ALTER TABLE event ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO ('{end}')")
    op.execute("CREATE TABLE event_default PARTITION OF event DEFAULT")
    op.create_unique_constraint("event_default_position_key", "event_default", ["position"])
    op.create_unique_constraint("event_default_report_id_version_key", "event_default", ["report_id", "version"])


def downgrade() -> None:
    """The first month takes in the rows of all others."""
    _locked(TOUCHED, _join)
    with op.get_context().autocommit_block():
        for table, column in REFERENCES:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {table}_{column}_fkey")


def _join() -> None:
    parents = "'event'::regclass, 'event_archive'::regclass"
    first, *others = op.get_bind().execute(sa.text(MONTHS.format(parents))).scalars()
    columns = "id, position, report_id, version, kind, actor, at, visibility, before, after, detail, alert_id, party"
    archived = op.get_bind().execute(sa.text(MONTHS.format("'event_archive'::regclass"))).scalars().all()
    op.execute(f"ALTER TABLE {'event_archive' if first in archived else 'event'} DETACH PARTITION {first}")
    op.execute(f"ALTER TABLE {first} DROP CONSTRAINT {first}_id_check")
    for other in others:
        op.execute(f"INSERT INTO {first} ({columns}) SELECT {columns} FROM {other}")  # noqa: S608 - our own names
    op.execute("DROP TABLE event, event_archive")
    op.rename_table(first, "event")
    for name in INDEXES:
        op.execute(f"ALTER INDEX {first}_{name} RENAME TO event_{name}")
    for table, column in REFERENCES:
        op.create_foreign_key(f"{table}_{column}_fkey", table, "event", [column], ["id"], postgresql_not_valid=True)
