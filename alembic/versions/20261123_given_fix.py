"""The release that people say mends an irritant."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("irritants", sa.Column("given_fix", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("irritants", "given_fix")
