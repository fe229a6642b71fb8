"""Tokens that are not to be accepted any more, and how every process hears of it.

Revision: 20261124_revocation
Follows: 20261124_feed_oldest
"""

import sqlalchemy as sa
from alembic import op

revision = "20261124_revocation"
down_revision = "20261124_feed_oldest"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revocation",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token_id", sa.Text()),
        sa.Column("organisation", sa.Text()),
        sa.Column("subject", sa.Text()),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
    )
    op.add_column("feed", sa.Column("revocation_version", sa.BigInteger(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    op.drop_column("feed", "revocation_version")
    op.drop_table("revocation")
