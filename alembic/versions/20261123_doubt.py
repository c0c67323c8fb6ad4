"""Where walks of a source have ended without a confirmation."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sources", sa.Column("doubt", sa.Text(), server_default="", nullable=False))
    op.add_column("sources", sa.Column("doubt_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sources", sa.Column("doubt_walks", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    for name in ("doubt_walks", "doubt_since", "doubt"):
        op.drop_column("sources", name)
