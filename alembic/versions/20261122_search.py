"""French text search that forgives accents: the configuration `cocoon`."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    op.execute("CREATE TEXT SEARCH CONFIGURATION cocoon (COPY = french)")
    op.execute(
        "ALTER TEXT SEARCH CONFIGURATION cocoon ALTER MAPPING FOR hword, hword_part, word WITH unaccent, french_stem"
    )


def downgrade() -> None:
    op.execute("DROP TEXT SEARCH CONFIGURATION cocoon")
