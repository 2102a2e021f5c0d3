"""What stands on a tenant's tables and follows to those that take their places.

Beforehand, at leisure: whose they are, who may do what, which triggers fire. In the moment of the
change: foreign keys between a table that goes and one that stays, and views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from desktop.backup import catalog
from desktop.backup.catalog import put
from desktop.domain.errors import RuleError
from sync.identifiers import with_parameters


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key with one end among the tables and the other elsewhere.

    :ivar table: whose it is, qualified. :ivar parent: the table among ours that it points at;
        ``None`` where it is one of ours that points elsewhere.
    :ivar rule: ``pg_constraint.confdeltype``.
    """

    table: str
    name: str
    definition: str
    column: str
    parent: str | None
    rule: str


@dataclass(frozen=True, slots=True)
class View:
    """A view that reads one of the tables."""

    name: str
    options: str
    definition: str


def _text(fragment: str) -> sql.SQL:
    """SQL that the server made of its own catalog."""
    return sql.SQL(fragment)


class Following:
    """What follows from ``live`` to the tables of the same names in ``staged``."""

    def __init__(
        self, connection: psycopg.Connection, live: str, staged: str, names: Sequence[str]
    ) -> None:
        self._connection = connection
        self._live, self._staged = live, staged
        self._names = list(names)
        self._keys = self._foreign_keys()
        self._own = {one.name for one in catalog.constraints(connection, staged)}
        self._views = self._find_views()

    @property
    def others(self) -> list[str]:
        """Tables beside ours that are changed with them, qualified."""
        return sorted({key.table for key in self._keys if key.parent is not None})

    def prepare(self) -> None:
        """Give the staged tables owners, rights and triggers like the live ones'; nobody waits."""
        for table in self._names:
            live, staged = self._pair(table)
            owner = catalog.owner(self._connection, self._live, table)
            if owner != catalog.owner(self._connection, self._staged, table):
                put(
                    self._connection,
                    "ALTER TABLE {table} OWNER TO {owner}",
                    table=staged,
                    owner=owner,
                )
            self._rights(table, staged)
            self._triggers(table, live, staged)

    def unheld(self) -> None:
        """Refuse where rows that stay would point at rows that go, and may not.

        Raises ``RuleError('restore.orphans')``.
        """
        for key in self._keys:
            if key.parent is None or key.rule == "n":
                continue
            gone = self._gone(key.parent)
            if gone and self._children(key, gone):
                raise RuleError("restore.orphans", table=key.table, parent=key.parent)

    def let_go(self) -> None:
        """Take off what holds the live tables, and empty references to rows that go."""
        for key in self._keys:
            if key.parent is None:
                continue
            gone = self._gone(key.parent)
            put(
                self._connection,
                "ALTER TABLE {table} DROP CONSTRAINT {name}",
                table=_text(key.table),
                name=key.name,
            )
            if not gone or not self._children(key, gone):
                continue
            if key.rule != "n":
                raise RuleError("restore.orphans", table=key.table, parent=key.parent)
            column = with_parameters(key.column)
            self._connection.execute(
                sql.SQL("UPDATE {} SET {} = NULL WHERE {} = ANY (%s)").format(
                    _text(key.table.replace("%", "%%")), column, column
                ),
                (gone,),
            )
        self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def take_hold(self) -> None:
        """Put back on the new tables what held the live ones; rows of before are looked at later."""
        for key in self._keys:
            if key.parent is None and key.name in self._own:
                continue
            put(
                self._connection,
                "ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID",
                table=_text(key.table),
                name=key.name,
                definition=_text(key.definition),
            )
        for view in self._views:
            put(
                self._connection,
                "CREATE OR REPLACE VIEW {name}{options} AS {definition}",
                name=_text(view.name),
                options=_text(view.options),
                definition=_text(view.definition),
            )

    def validate(self) -> None:
        """Look at the rows of before; nobody waits for it. In a transaction of its own."""
        for key in self._keys:
            put(
                self._connection,
                "ALTER TABLE {table} VALIDATE CONSTRAINT {name}",
                table=_text(key.table),
                name=key.name,
            )

    def _pair(self, table: str) -> tuple[sql.Identifier, sql.Identifier]:
        return sql.Identifier(self._live, table), sql.Identifier(self._staged, table)

    def _rights(self, table: str, staged: sql.Identifier) -> None:
        """Rights on a table, its columns and its sequences; those of the owner are not granted."""
        granted = self._connection.execute(
            "SELECT coalesce(a.grantee::regrole::text, ''), a.privilege_type, a.is_grantable,"
            " CASE WHEN c.relkind = 'S' THEN c.oid::regclass::text END,"
            " CASE WHEN c.relkind = 'S' THEN (SELECT k.attname FROM pg_attribute k"
            "   WHERE k.attrelid = d.refobjid AND k.attnum = d.refobjsubid) END,"
            " array_agg(a.col::text) FILTER (WHERE a.col IS NOT NULL)"
            " FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace"
            " LEFT JOIN pg_depend d ON d.refobjid = t.oid AND d.refclassid = 'pg_class'::regclass"
            "  AND d.classid = 'pg_class'::regclass AND d.deptype IN ('i', 'a')"
            " JOIN pg_class c ON c.oid = t.oid OR (c.oid = d.objid AND c.relkind = 'S')"
            " CROSS JOIN LATERAL ("
            "  SELECT g.*, NULL::name AS col FROM aclexplode(c.relacl) g"
            "  UNION ALL"
            "  SELECT g.*, k.attname FROM pg_attribute k, aclexplode(k.attacl) g"
            "   WHERE k.attrelid = c.oid AND k.attacl IS NOT NULL AND NOT k.attisdropped) a"
            " WHERE n.nspname = %s AND t.relname = %s AND a.grantee <> t.relowner"
            " GROUP BY 1, 2, 3, 4, 5, c.oid, a.col IS NULL",
            (self._live, table),
        ).fetchall()
        self._revoke(table, staged)
        for grantee, privilege, grantable, sequence, owned_by, names in granted:
            target: sql.Composable = sql.SQL("TABLE {}").format(staged)
            if sequence is not None:
                found = self._connection.execute(
                    "SELECT pg_get_serial_sequence(%s, %s)",
                    (staged.as_string(self._connection), owned_by),
                ).fetchall()[0][0]
                if found is None:
                    continue
                target = sql.SQL("SEQUENCE {}").format(_text(found))
            columns: sql.Composable = sql.SQL("")
            if names:
                columns = sql.SQL(" ({})").format(sql.SQL(", ").join(map(sql.Identifier, names)))
            put(
                self._connection,
                "GRANT {privilege}{columns} ON {target} TO {grantee}{more}",
                privilege=_text(privilege),
                columns=columns,
                target=target,
                grantee=_text(grantee if grantee not in {"", "-"} else "PUBLIC"),
                more=sql.SQL(" WITH GRANT OPTION" if grantable else ""),
            )

    def _revoke(self, table: str, staged: sql.Identifier) -> None:
        """Nobody but the owner may do anything: what was granted once may be taken back since."""
        had = self._connection.execute(
            "SELECT DISTINCT coalesce(nullif(a.grantee::regrole::text, '-'), 'PUBLIC')"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " CROSS JOIN LATERAL (SELECT g.grantee FROM aclexplode(c.relacl) g UNION"
            "  SELECT g.grantee FROM pg_attribute k, aclexplode(k.attacl) g"
            "   WHERE k.attrelid = c.oid AND k.attacl IS NOT NULL) a"
            " WHERE n.nspname = %s AND c.relname = %s AND a.grantee <> c.relowner",
            (self._staged, table),
        ).fetchall()
        for (grantee,) in had:
            put(
                self._connection,
                "REVOKE ALL ON TABLE {table} FROM {grantee}",
                table=staged,
                grantee=_text(grantee),
            )

    def _triggers(self, table: str, live: sql.Identifier, staged: sql.Identifier) -> None:
        for (name,) in self._connection.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal",
            (staged.as_string(self._connection),),
        ).fetchall():
            put(self._connection, "DROP TRIGGER {name} ON {table}", name=name, table=staged)
        before = " ON " + catalog.qualified(self._connection, self._live, table) + " "
        after = " ON " + catalog.qualified(self._connection, self._staged, table) + " "
        for name, definition, state in self._connection.execute(
            "SELECT tgname, pg_get_triggerdef(oid), tgenabled::text FROM pg_trigger"
            " WHERE tgrelid = %s::regclass AND NOT tgisinternal ORDER BY tgname",
            (live.as_string(self._connection),),
        ).fetchall():
            if before not in definition:
                raise RuntimeError(f"the trigger {name} does not name its table")
            self._connection.execute(definition.replace(before, after, 1).encode())
            if state != "O":
                change = {"A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}[state]
                put(
                    self._connection,
                    "ALTER TABLE {table} {change} TRIGGER {name}",
                    table=staged,
                    change=_text(change),
                    name=name,
                )

    def _foreign_keys(self) -> list[Key]:
        rows = self._connection.execute(
            "WITH ours AS (SELECT c.oid, c.relname FROM pg_class c"
            "              JOIN pg_namespace n ON n.oid = c.relnamespace"
            "              WHERE n.nspname = %s AND c.relname = ANY (%s) AND c.relkind IN ('r', 'p'))"
            " SELECT k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid),"
            "  (SELECT a.attname FROM pg_attribute a"
            "    WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1]),"
            "  (SELECT o.relname FROM ours o WHERE o.oid = k.confrelid), k.confdeltype::text,"
            "  cardinality(k.conkey)"
            " FROM pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0"
            " AND (k.conrelid IN (SELECT oid FROM ours)) <> (k.confrelid IN (SELECT oid FROM ours))"
            " ORDER BY 1, 2",
            (self._live, self._names),
        ).fetchall()
        if any(row[6] != 1 for row in rows):
            wide = ", ".join(f"{row[0]}.{row[1]}" for row in rows if row[6] != 1)
            raise RuleError("restore.in_the_way", what=wide)
        # A key that was not looked through yet says so; it is said again here.
        return [Key(r[0], r[1], r[2].removesuffix(" NOT VALID"), *r[3:6]) for r in rows]

    def _find_views(self) -> list[View]:
        rows = self._connection.execute(
            "SELECT DISTINCT v.oid::regclass::text,"
            " coalesce(' WITH (' || array_to_string(v.reloptions, ', ') || ')', ''),"
            " pg_get_viewdef(v.oid), v.oid"
            " FROM pg_depend d JOIN pg_class c ON c.oid = d.refobjid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class"
            " WHERE d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass"
            " AND n.nspname = %s AND c.relname = ANY (%s) AND v.relkind = 'v' ORDER BY v.oid",
            (self._live, self._names),
        ).fetchall()
        return [View(*row[:3]) for row in rows]

    def _gone(self, parent: str) -> list[int]:
        """Ids of live rows that the staged table has not."""
        live, staged = self._pair(parent)
        rows = self._connection.execute(
            sql.SQL(
                "SELECT l.id FROM {} l WHERE NOT EXISTS (SELECT FROM {} s WHERE s.id = l.id)"
            ).format(live, staged)
        ).fetchall()
        return [row[0] for row in rows]

    def _children(self, key: Key, gone: Sequence[int]) -> bool:
        return bool(
            self._connection.execute(
                sql.SQL("SELECT FROM {} WHERE {} = ANY (%s) LIMIT 1").format(
                    _text(key.table.replace("%", "%%")), with_parameters(key.column)
                ),
                (list(gone),),
            ).fetchall()
        )
