"""The version of the map, for those who watch an area by its code.

Revision: 20261124_map_version
Follows: 20261124_first
"""

import sqlalchemy as sa
from alembic import op

revision = "20261124_map_version"
down_revision = "20261124_first"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feed", sa.Column("map_version", sa.BigInteger(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    op.drop_column("feed", "map_version")
