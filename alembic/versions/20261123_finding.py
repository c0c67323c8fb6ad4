"""Finding verbatims: the words in use, a query that forgives typing, indexes of the rare flags, and saved views."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# A word of five letters may be one letter off, one of eight two; its first letter is taken at its word, so that
# "banque" does not find "manque". Words in quotes are meant exactly.
QUERY = """
CREATE FUNCTION cocoon_query(wanted text) RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
DECLARE
  found tsquery := websearch_to_tsquery('cocoon', wanted);
  typed text;
  close tsquery;
BEGIN
  IF strpos(wanted, '"') > 0 THEN RETURN found; END IF;
  FOR typed IN
    SELECT DISTINCT part FROM regexp_split_to_table(unaccent(lower(left(wanted, 400))), '[^[:alpha:]]+') part
    WHERE length(part) BETWEEN 5 AND 30 LIMIT 8
  LOOP
    SELECT string_agg(alike.lexeme, ' | ')::tsquery INTO close FROM (
      SELECT DISTINCT to_tsquery('cocoon', near.word)::text AS lexeme FROM (
        SELECT word FROM search_words
        WHERE word % typed AND left(word, 1) = left(typed, 1) AND word <> typed
          AND levenshtein(word, typed) <= CASE WHEN length(typed) < 8 THEN 1 ELSE 2 END
          AND similarity(word, typed) >= CASE WHEN length(typed) < 8 THEN 0.45 ELSE 0.3 END
        ORDER BY similarity(word, typed) DESC, word LIMIT 8
      ) near
    ) alike WHERE alike.lexeme <> '' AND alike.lexeme <> to_tsquery('cocoon', typed)::text;
    IF close IS NOT NULL AND numnode(to_tsquery('cocoon', typed)) = 1 THEN
      found := ts_rewrite(found, to_tsquery('cocoon', typed), to_tsquery('cocoon', typed) || close);
    END IF;
  END LOOP;
  RETURN found;
END $$
"""

WORDS = """
INSERT INTO search_words (word)
SELECT DISTINCT word FROM verbatims, regexp_split_to_table(unaccent(lower(title || ' ' || body)), '[^[:alpha:]]+') word
WHERE length(word) BETWEEN 5 AND 30
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS fuzzystrmatch")
    op.create_table(
        "search_words",
        sa.Column("word", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_words")),
    )
    op.execute(WORDS)
    op.create_index(
        "ix_search_words_word",
        "search_words",
        ["word"],
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
    )
    op.execute(QUERY)
    for flag, where in (("urgent", "urgent"), ("revised", "revision > 0")):
        op.create_index(
            f"ix_verbatims_{flag}",
            "verbatims",
            ["app_id", sa.literal_column("written_at DESC"), sa.literal_column("id DESC")],
            postgresql_where=sa.text(where),
        )
    op.create_index("ix_daily_stars_app_id_channel", "daily_stars", ["app_id", "channel"])
    op.create_table(
        "saved_views",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("app_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_saved_views_app_id_apps"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("app_id", "name", name=op.f("uq_saved_views_app_id_name")),
    )


def downgrade() -> None:
    op.drop_table("saved_views")
    op.drop_index("ix_daily_stars_app_id_channel", table_name="daily_stars")
    for flag, where in (("revised", "revision > 0"), ("urgent", "urgent")):
        op.drop_index(f"ix_verbatims_{flag}", table_name="verbatims", postgresql_where=sa.text(where))
    op.execute("DROP FUNCTION cocoon_query(text)")
    op.drop_table("search_words")
