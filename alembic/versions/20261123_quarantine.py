"""The same unreadable bytes once a source, by a constraint."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "DELETE FROM quarantine a USING quarantine b WHERE a.app_id = b.app_id AND a.source_id = b.source_id "
        "AND a.fingerprint = b.fingerprint AND a.id > b.id"
    )
    op.create_unique_constraint(
        op.f("uq_quarantine_app_id_source_id_fingerprint"), "quarantine", ["app_id", "source_id", "fingerprint"]
    )
    op.drop_index("ix_quarantine_app_id_source_id", "quarantine")


def downgrade() -> None:
    op.create_index("ix_quarantine_app_id_source_id", "quarantine", ["app_id", "source_id"])
    op.drop_constraint(op.f("uq_quarantine_app_id_source_id_fingerprint"), "quarantine")
