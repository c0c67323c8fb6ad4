"""Irritants told apart from another of the same topic."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apart = postgresql.ARRAY(sa.Text())
    op.add_column("irritants", sa.Column("apart", apart, server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("irritants", "apart")
