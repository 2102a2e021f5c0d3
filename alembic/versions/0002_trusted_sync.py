"""What the sync engine keeps on the server to be sure of itself: see ``sync/sql/tables_2.sql``.

The cache's tables are the same; the engine's own ones there are made when it is opened.

Revision: 0002, after 0001.
"""

from alembic import op
from sync.server import downgrade_tables, executor, upgrade_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        upgrade_tables(executor(op.get_bind()), schema(), 2)


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        downgrade_tables(executor(op.get_bind()), schema(), 2)


def schema() -> str:
    """The tenant schema that is being migrated."""
    return str(op.get_context().config.attributes["schema"])
