"""Names of the database in statements that are sent with parameters."""

from __future__ import annotations

from psycopg import sql


def with_parameters(*names: str) -> sql.Identifier:
    """``names``, joined by dots and quoted, for a statement that is executed *with parameters*.

    psycopg looks for placeholders in the whole of such a statement, quoted names included, so that a
    ``%`` in a name has to be doubled. Without parameters nothing is looked for: there it is
    :class:`psycopg.sql.Identifier` itself that takes a name as it is.
    """
    return sql.Identifier(*(name.replace("%", "%%") for name in names))
