"""Survey answers, tickets and persons beside the verbatims."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("verbatims", sa.Column("person", sa.Text(), nullable=True))
    op.add_column("verbatims", sa.Column("thread", sa.Text(), nullable=True))
    op.create_index(
        "ix_verbatims_app_id_thread",
        "verbatims",
        ["app_id", "kind", "thread"],
        postgresql_where=sa.text("thread IS NOT NULL"),
    )
    _person_index("verbatims")
    op.create_table(
        "survey_answers",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("survey", sa.Text(), nullable=False),
        sa.Column("wave", sa.Text(), server_default="", nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("respondent", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("score", sa.REAL(), nullable=False),
        sa.Column("low", sa.SmallInteger(), nullable=False),
        sa.Column("high", sa.SmallInteger(), nullable=False),
        sa.Column("segment", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_survey_answers_app_id_apps"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("app_id", "id", name=op.f("pk_survey_answers")),
        sa.UniqueConstraint(
            "app_id",
            "survey",
            "wave",
            "question",
            "respondent",
            name=op.f("uq_survey_answers_app_id_survey_wave_question_respondent"),
        ),
    )
    op.create_index(
        "ix_survey_answers_app_id_type_day", "survey_answers", ["app_id", "type", sa.literal_column("day DESC")]
    )
    _person_index("survey_answers")
    op.create_table(
        "tickets",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_answer_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("satisfied", sa.Boolean(), nullable=True),
        sa.Column("rating", sa.SmallInteger(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_tickets_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("app_id", "kind", "external_id", name=op.f("uq_tickets_app_id_kind_external_id")),
    )
    op.create_index("ix_tickets_app_id_day", "tickets", ["app_id", sa.literal_column("day DESC")])
    _person_index("tickets")
    op.create_table(
        "person_keys",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_person_keys_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "key", name=op.f("pk_person_keys")),
    )
    op.create_index("ix_person_keys_app_id_person", "person_keys", ["app_id", "person"])


def _person_index(table: str) -> None:
    op.create_index(
        f"ix_{table}_app_id_person", table, ["app_id", "person"], postgresql_where=sa.text("person IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_table("person_keys")
    op.drop_table("tickets")
    op.drop_table("survey_answers")
    op.drop_index("ix_verbatims_app_id_person", "verbatims")
    op.drop_index("ix_verbatims_app_id_thread", "verbatims")
    op.drop_column("verbatims", "thread")
    op.drop_column("verbatims", "person")
