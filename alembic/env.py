"""Runs the migrations on a connection that the program hands in.

``desktop.services.migrations`` is the only way here: it takes the locks, sets the search path and
owns the transaction, which is one for the whole upgrade.
"""

from alembic import context
from desktop.models import Base

_given = context.config.attributes

context.configure(
    connection=_given["connection"],
    target_metadata=Base.metadata,
    version_table_schema=_given.get("schema"),
    transactional_ddl=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
