"""What the server knows of a clinic's backups: see ``desktop/models/sql/backup_tables.sql``.

The cache's tables are the same.

Revision: 0003, after 0002.
"""

from alembic import op
from sync.server import executor
from sync.sqltext import load, quote_identifier

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("respaldo_archivo", "respaldo_firmante", "respaldo_llave_copia", "respaldo_llave")


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        executor(op.get_bind())(load("desktop.models", "backup_tables.sql", schema()))


def downgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    where = quote_identifier(schema())
    op.execute(f"DROP VIEW IF EXISTS {where}.respaldo_candado")
    op.execute(
        """
        DO $$
        DECLARE
            thing record;
        BEGIN
            FOR thing IN SELECT p.oid::regprocedure AS name FROM pg_proc p
                WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
                AND starts_with(p.proname, 'backup_')
            LOOP
                EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', thing.name);
            END LOOP;
        END
        $$
        """
    )
    for name in TABLES:
        op.drop_table(name)


def schema() -> str:
    """The tenant schema that is being migrated."""
    return str(op.get_context().config.attributes["schema"])
