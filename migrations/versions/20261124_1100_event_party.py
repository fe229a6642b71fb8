"""Who made a change, so that nobody is told of their own; where mail may go; and where notifying begins.

Revision: 20261124_event_party
Follows: 20261124_process_indexes
"""

import sqlalchemy as sa
from alembic import op

revision = "20261124_event_party"
down_revision = "20261124_process_indexes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # As often as it takes: the index below is made outside of a transaction, and can fail after all this has been done.
    op.execute("ALTER TABLE event ADD COLUMN IF NOT EXISTS party text")
    op.execute(
        "ALTER TABLE preference ADD COLUMN IF NOT EXISTS address_id uuid CONSTRAINT preference_address_id_key UNIQUE"
    )
    op.execute("ALTER TABLE contact ADD COLUMN IF NOT EXISTS unsubscribed_at timestamptz")
    op.execute("CREATE INDEX IF NOT EXISTS notification_unread_idx ON notification (party) WHERE read_at IS NULL")
    op.execute("INSERT INTO consumer SELECT 'notifications', position FROM feed ON CONFLICT DO NOTHING")  # not the past
    with op.get_context().autocommit_block():
        op.create_index(
            "event_party_idx",
            "event",
            ["party"],
            postgresql_where=sa.text("party IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    raise NotImplementedError("Who made what would be lost; restore a back-up instead.")
