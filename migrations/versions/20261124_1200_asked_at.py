"""When addresses were asked whether they are right, so that nobody is asked often.

Revision: 20261124_asked_at
Follows: 20261124_event_party
"""

import sqlalchemy as sa
from alembic import op

revision = "20261124_asked_at"
down_revision = "20261124_event_party"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "address_question",
        sa.Column("address_id", sa.UUID(), primary_key=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("address_question_digest_idx", "address_question", ["digest"])
    op.create_index("address_question_asked_at_idx", "address_question", ["asked_at"])


def downgrade() -> None:
    op.drop_table("address_question")
