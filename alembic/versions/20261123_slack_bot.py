"""Where the Slack bot's messages are, its pace, and the presses of its buttons."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "slack_posts",
        sa.Column("destination_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("channel", sa.Text(), server_default="", nullable=False),
        sa.Column("ts", sa.Text(), server_default="", nullable=False),
        sa.Column("file_id", sa.Text(), server_default="", nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destinations.id"],
            name=op.f("fk_slack_posts_destination_id_destinations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("destination_id", "key", name=op.f("pk_slack_posts")),
    )
    op.create_table(
        "slack_paces",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_slack_paces")),
    )
    op.create_table(
        "slack_clicks",
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("signature", name=op.f("pk_slack_clicks")),
    )


def downgrade() -> None:
    op.drop_table("slack_clicks")
    op.drop_table("slack_paces")
    op.drop_table("slack_posts")
