"""From which position on the feed can be resumed.

Revision: 20261124_feed_oldest
Follows: 20261124_asked_at
"""

from alembic import op

revision = "20261124_feed_oldest"
down_revision = "20261124_asked_at"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE feed ADD COLUMN oldest bigint NOT NULL DEFAULT 0")


def downgrade() -> None:
    op.drop_column("feed", "oldest")
