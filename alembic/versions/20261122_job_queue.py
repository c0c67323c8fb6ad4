"""The job queue's own tables and functions, as the installed procrastinate brings them."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))


def downgrade() -> None:
    op.execute("""
        DO $$ DECLARE item record; BEGIN
          FOR item IN SELECT tablename AS name FROM pg_tables
            WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate\\_%' LOOP
            EXECUTE format('DROP TABLE %I CASCADE', item.name);
          END LOOP;
          FOR item IN SELECT p.oid::regprocedure::text AS name
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = current_schema() AND p.proname LIKE 'procrastinate\\_%' LOOP
            EXECUTE 'DROP FUNCTION IF EXISTS ' || item.name || ' CASCADE';
          END LOOP;
          FOR item IN SELECT typname AS name FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
            WHERE n.nspname = current_schema() AND typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c') LOOP
            EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', item.name);
          END LOOP;
        END $$
    """)
