"""Every table of the first version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_table(
        "apps",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), server_default="Europe/Paris", nullable=False),
        sa.Column("language", sa.Text(), server_default="fr", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apps")),
        sa.UniqueConstraint("name", name=op.f("uq_apps_name")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_table(
        "host_pauses",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("strikes", sa.Integer(), server_default="1", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_host_pauses")),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
    )
    op.create_index(op.f("ix_inbox_delivery_id"), "inbox", ["delivery_id"], unique=False)
    op.create_table(
        "daily_stars",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("storefront", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("s1", sa.Integer(), nullable=False),
        sa.Column("s2", sa.Integer(), nullable=False),
        sa.Column("s3", sa.Integer(), nullable=False),
        sa.Column("s4", sa.Integer(), nullable=False),
        sa.Column("s5", sa.Integer(), nullable=False),
        sa.Column("negative", sa.Integer(), nullable=False),
        sa.Column("positive", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_daily_stars_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "day", "channel", "storefront", "version", name=op.f("pk_daily_stars")),
    )
    op.create_table(
        "daily_topics",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("negative", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_daily_topics_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "day", "channel", "version", "topic", name=op.f("pk_daily_topics")),
    )
    op.create_index("ix_daily_topics_app_id_topic_day", "daily_topics", ["app_id", "topic", "day"], unique=False)
    op.create_table(
        "destinations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("disabled_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_destinations_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destinations")),
        sa.UniqueConstraint("name", name=op.f("uq_destinations_name")),
    )
    op.create_table(
        "incident_events",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="cocoon", nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_incident_events_app_id_apps"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("app_id", "id", name=op.f("pk_incident_events")),
    )
    op.create_index("ix_incident_events_app_id_incident_id", "incident_events", ["app_id", "incident_id"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), server_default="live", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_day", sa.Date(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("silenced_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_above_day", sa.Date(), nullable=False),
        sa.Column("baseline_to", sa.Date(), nullable=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("peak_score", sa.Double(), nullable=False),
        sa.Column("effect", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_incidents_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "id", name=op.f("pk_incidents")),
    )
    op.create_index(
        "ix_incidents_app_id_opened_at", "incidents", ["app_id", sa.literal_column("opened_at DESC")], unique=False
    )
    op.create_index(
        "uq_incidents_live",
        "incidents",
        ["app_id", "rule", "subject"],
        unique=True,
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.create_table(
        "listings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_listings_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
        sa.UniqueConstraint("app_id", "channel", "external_id", name=op.f("uq_listings_app_id_channel_external_id")),
    )
    op.create_table(
        "rating_snapshots",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("storefront", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("average", sa.Double(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=True),
        sa.Column("histogram", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.ForeignKeyConstraint(
            ["app_id"], ["apps.id"], name=op.f("fk_rating_snapshots_app_id_apps"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("app_id", "channel", "storefront", "taken_at", name=op.f("pk_rating_snapshots")),
    )
    op.create_table(
        "releases",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("build", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column("inferred", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_releases_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "channel", "version", name=op.f("pk_releases")),
    )
    op.create_table(
        "sources",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("rhythm_minutes", sa.Integer(), nullable=True),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("high_water", sa.DateTime(timezone=True), nullable=True),
        sa.Column("walk_top", sa.DateTime(timezone=True), nullable=True),
        sa.Column("walk_resume", sa.Text(), nullable=True),
        sa.Column("history_done", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_sources_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
    )
    op.create_index(op.f("ix_sources_app_id"), "sources", ["app_id"], unique=False)
    op.create_table(
        "verbatims",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("storefront", sa.Text(), server_default="", nullable=False),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("stars", sa.SmallInteger(), nullable=True),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("version_origin", sa.Text(), server_default="", nullable=False),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("os", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("thumbs_up", sa.Integer(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("language", sa.Text(), server_default="und", nullable=False),
        sa.Column("sentiment", sa.REAL(), server_default="0", nullable=False),
        sa.Column("label", sa.Text(), server_default="neutral", nullable=False),
        sa.Column("confidence", sa.REAL(), server_default="0", nullable=False),
        sa.Column("intents", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("urgent", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed("to_tsvector('cocoon'::regconfig, title || ' ' || body)", persisted=True),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_verbatims_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "id", name=op.f("pk_verbatims")),
        sa.UniqueConstraint("app_id", "kind", "external_id", name=op.f("uq_verbatims_app_id_kind_external_id")),
    )
    op.create_index(
        "ix_verbatims_app_id_version",
        "verbatims",
        ["app_id", "version", sa.literal_column("written_at DESC")],
        unique=False,
    )
    op.create_index(
        "ix_verbatims_app_id_written_at",
        "verbatims",
        ["app_id", sa.literal_column("written_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index("ix_verbatims_search", "verbatims", ["search"], unique=False, postgresql_using="gin")
    op.create_table(
        "coverage",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_coverage_app_id_apps"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("fk_coverage_source_id_sources"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("app_id", "source_id", "day", name=op.f("pk_coverage")),
    )
    op.create_table(
        "deliveries",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("destination_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_by", sa.Text(), nullable=True),
        sa.Column("attempts", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destinations.id"],
            name=op.f("fk_deliveries_destination_id_destinations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("app_id", "id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "app_id", "event_id", "destination_id", name=op.f("uq_deliveries_app_id_event_id_destination_id")
        ),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state in ('queued', 'sending')"),
    )
    op.create_table(
        "quarantine",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("quarantined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_quarantine_app_id_apps"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("fk_quarantine_source_id_sources"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("app_id", "id", name=op.f("pk_quarantine")),
    )
    op.create_index("ix_quarantine_app_id_source_id", "quarantine", ["app_id", "source_id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="running", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stored", sa.Integer(), server_default="0", nullable=False),
        sa.Column("revised", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quarantined", sa.Integer(), server_default="0", nullable=False),
        sa.Column("progress", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_runs_app_id_apps"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("fk_runs_source_id_sources"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("app_id", "id", name=op.f("pk_runs")),
    )
    op.create_index(
        "ix_runs_app_id_source_id_started_at",
        "runs",
        ["app_id", "source_id", sa.literal_column("started_at DESC")],
        unique=False,
    )
    op.create_table(
        "verbatim_revisions",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("verbatim_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id", "verbatim_id"],
            ["verbatims.app_id", "verbatims.id"],
            name=op.f("fk_verbatim_revisions_app_id_verbatims"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("app_id", "verbatim_id", "revision", name=op.f("pk_verbatim_revisions")),
    )
    op.create_table(
        "verbatim_topics",
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("verbatim_id", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sentiment", sa.REAL(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id", "verbatim_id"],
            ["verbatims.app_id", "verbatims.id"],
            name=op.f("fk_verbatim_topics_app_id_verbatims"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("app_id", "verbatim_id", "topic", name=op.f("pk_verbatim_topics")),
    )
    op.create_index(
        "ix_verbatim_topics_app_id_topic_day",
        "verbatim_topics",
        ["app_id", "topic", sa.literal_column("day DESC")],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_verbatim_topics_app_id_topic_day", table_name="verbatim_topics")
    op.drop_table("verbatim_topics")
    op.drop_table("verbatim_revisions")
    op.drop_index("ix_runs_app_id_source_id_started_at", table_name="runs")
    op.drop_table("runs")
    op.drop_index("ix_quarantine_app_id_source_id", table_name="quarantine")
    op.drop_table("quarantine")
    op.drop_index(
        "ix_deliveries_due", table_name="deliveries", postgresql_where=sa.text("state in ('queued', 'sending')")
    )
    op.drop_table("deliveries")
    op.drop_table("coverage")
    op.drop_index("ix_verbatims_search", table_name="verbatims", postgresql_using="gin")
    op.drop_index("ix_verbatims_app_id_written_at", table_name="verbatims")
    op.drop_index("ix_verbatims_app_id_version", table_name="verbatims")
    op.drop_table("verbatims")
    op.drop_index(op.f("ix_sources_app_id"), table_name="sources")
    op.drop_table("sources")
    op.drop_table("releases")
    op.drop_table("rating_snapshots")
    op.drop_table("listings")
    op.drop_index("uq_incidents_live", table_name="incidents", postgresql_where=sa.text("state <> 'resolved'"))
    op.drop_index("ix_incidents_app_id_opened_at", table_name="incidents")
    op.drop_table("incidents")
    op.drop_index("ix_incident_events_app_id_incident_id", table_name="incident_events")
    op.drop_table("incident_events")
    op.drop_table("destinations")
    op.drop_index("ix_daily_topics_app_id_topic_day", table_name="daily_topics")
    op.drop_table("daily_topics")
    op.drop_table("daily_stars")
    op.drop_index(op.f("ix_inbox_delivery_id"), table_name="inbox")
    op.drop_table("inbox")
    op.drop_table("host_pauses")
    op.drop_table("audit")
    op.drop_table("apps")
    op.drop_table("api_keys")
