"""What stands on a tenant's tables and follows to those that take their places.

Beforehand, at leisure: whose they are, who may do what, which triggers fire. In the moment of the
change: foreign keys between a table that goes and one that stays, and views.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        live = catalog.owners(self._connection, self._live)
        staged = catalog.owners(self._connection, self._staged)
        catalog.put_all(
            self._connection,
            [
                sql.SQL("ALTER TABLE {} OWNER TO {}").format(
                    sql.Identifier(self._staged, name), sql.Identifier(live[name])
                )
                for name in self._names
                if live[name] != staged[name]
            ],
        )
        catalog.put_all(self._connection, [*self._revoked(), *self._granted()])
        catalog.put_all(self._connection, self._triggers())

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

    def take_hold(self) -> Iterator[sql.Composable]:
        """What puts back on the new tables what held the live ones; rows of before are looked at later."""
        for key in self._keys:
            if key.parent is None and key.name in self._own:
                continue
            yield sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} NOT VALID").format(
                _text(key.table), sql.Identifier(key.name), _text(key.definition)
            )
        for view in self._views:
            yield sql.SQL("CREATE OR REPLACE VIEW {}{} AS {}").format(
                _text(view.name), _text(view.options), _text(view.definition)
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

    def _granted(self) -> Iterator[sql.Composable]:
        """Rights on the live tables, their columns and their sequences; the owner's are not granted."""
        rows = self._connection.execute(
            "WITH t AS (SELECT c.oid, c.relname, c.relowner, s.oid AS staged FROM pg_class c"
            "  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = %(live)s"
            "  JOIN pg_class s ON s.relname = c.relname AND s.relkind = c.relkind"
            "  JOIN pg_namespace m ON m.oid = s.relnamespace AND m.nspname = %(staged)s"
            "  WHERE c.relname = ANY (%(names)s) AND c.relkind IN ('r', 'p')),"
            " granted AS ("
            "  SELECT t.relowner, 'TABLE ' || t.staged::regclass AS target, NULL AS col, g.* FROM t"
            "    JOIN pg_class c ON c.oid = t.oid CROSS JOIN aclexplode(c.relacl) g"
            "  UNION ALL"
            "  SELECT t.relowner, 'TABLE ' || t.staged::regclass, quote_ident(k.attname), g.* FROM t"
            "    JOIN pg_attribute k ON k.attrelid = t.oid AND NOT k.attisdropped"
            "    CROSS JOIN aclexplode(k.attacl) g"
            "  UNION ALL"
            "  SELECT t.relowner, 'SEQUENCE ' || pg_get_serial_sequence(t.staged::regclass::text,"
            "    k.attname), NULL, g.* FROM t"
            "    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid"
            "     AND d.classid = 'pg_class'::regclass AND d.deptype IN ('i', 'a')"
            "    JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'"
            "    JOIN pg_attribute k ON k.attrelid = t.oid AND k.attnum = d.refobjsubid"
            "    CROSS JOIN aclexplode(c.relacl) g)"
            " SELECT privilege_type, target, string_agg(col, ', '),"
            "  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, is_grantable"
            " FROM granted WHERE grantee <> relowner AND target IS NOT NULL"
            " GROUP BY privilege_type, target, col IS NULL, grantee, is_grantable",
            {"live": self._live, "staged": self._staged, "names": self._names},
        ).fetchall()
        for privilege, target, columns, grantee, grantable in rows:
            yield _text(
                f"GRANT {privilege}{f' ({columns})' if columns else ''} ON {target} TO {grantee}"
                + (" WITH GRANT OPTION" if grantable else "")
            )

    def _revoked(self) -> Iterator[sql.Composable]:
        """Nobody but the owner may do anything: what was granted once may be taken back since."""
        rows = self._connection.execute(
            "SELECT DISTINCT c.oid::regclass::text,"
            " CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " CROSS JOIN LATERAL (SELECT g.grantee FROM aclexplode(c.relacl) g UNION"
            "  SELECT g.grantee FROM pg_attribute k, aclexplode(k.attacl) g"
            "   WHERE k.attrelid = c.oid AND k.attacl IS NOT NULL) a"
            " WHERE n.nspname = %s AND c.relname = ANY (%s) AND a.grantee <> c.relowner",
            (self._staged, self._names),
        ).fetchall()
        for table, grantee in rows:
            yield _text(f"REVOKE ALL ON TABLE {table} FROM {grantee}")

    def _triggers(self) -> Iterator[sql.Composable]:
        """No triggers but those of the live tables, in the state that they are in."""
        query = (
            "SELECT c.relname, quote_ident(t.tgname), pg_get_triggerdef(t.oid), t.tgenabled::text"
            " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relname = ANY (%s) AND NOT t.tgisinternal ORDER BY 1, 2"
        )
        live = catalog.qualified(self._connection, self._live)
        staged = catalog.qualified(self._connection, self._staged)
        for table, name, _definition, _state in self._connection.execute(
            query, (self._staged, self._names)
        ).fetchall():
            yield _text(f"DROP TRIGGER {name} ON {staged[table]}")
        for table, name, definition, state in self._connection.execute(
            query, (self._live, self._names)
        ).fetchall():
            before = f" ON {live[table]} "
            if before not in definition:
                raise RuntimeError(f"the trigger {name} does not name its table")
            yield _text(definition.replace(before, f" ON {staged[table]} ", 1))
            if state != "O":
                change = {"A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}[state]
                yield _text(f"ALTER TABLE {staged[table]} {change} TRIGGER {name}")

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
