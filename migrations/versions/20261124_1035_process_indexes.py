"""The indexes of the process on tables that are in use, made while they are in use; and its foreign keys checked.

Revision: 20261124_process_indexes
Follows: 20261124_process
"""

import sqlalchemy as sa
from alembic import op

revision = "20261124_process_indexes"
down_revision = "20261124_process"
branch_labels = None
depends_on = None

INDEXES = (  # name, table, column, condition
    ("report_overdue_idx", "report", "due_at", "escalated_at IS NULL AND stage = 'OPEN' AND merged_into IS NULL"),
    ("report_unclosed_idx", "report", "feedback_until", "closed_at IS NULL AND stage = 'RESOLVED'"),
    ("report_merged_into_idx", "report", "merged_into", "merged_into IS NOT NULL"),
    ("event_alert_id_idx", "event", "alert_id", None),
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, column, condition in INDEXES:
            op.create_index(
                name,
                table,
                [column],
                postgresql_where=condition and sa.text(condition),
                postgresql_concurrently=True,
                if_not_exists=True,
            )
        for table, key in (
            ("report", "report_merged_into_fkey"),
            ("evidence", "evidence_category_fkey"),
            ("event", "event_alert_id_fkey"),
        ):
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {key}")


def downgrade() -> None:
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
