"""A small product of four tables, its caches and its server, for the engine's tests."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import sqlalchemy as sa
from psycopg import conninfo, sql
from sqlcipher3 import dbapi2 as sqlcipher

from sync import server as sync_server
from sync import store
from sync.bootstrap import bootstrap
from sync.engine import SyncEngine
from sync.schema import SyncSchema, TableSpec, build
from sync.transport import PostgresServer

KEY = b"k" * 32
NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)

metadata = sa.MetaData()
sa.Table(
    "account",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("login", sa.String(50), nullable=False),
)
sa.Table(
    "person",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("name", sa.String(50), nullable=False),
    sa.Column("phone", sa.Text),
    sa.Column("born", sa.Date),
    sa.Column("active", sa.Boolean),
    sa.Column("balance", sa.Numeric(10, 2)),
    sa.Column("seen_at", sa.DateTime(timezone=True)),
    sa.Column("friend_id", sa.BigInteger, sa.ForeignKey("person.id", deferrable=True)),
)
sa.Table(
    "visit",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("person.id", deferrable=True)),
    sa.Column("room", sa.Integer, nullable=False),
    sa.Column("at", sa.Time),
    sa.Column("note", sa.Text),
    sa.UniqueConstraint("room", "at"),
)
sa.Table(
    "entry",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("person.id", deferrable=True)),
    sa.Column("amount", sa.Numeric(12, 2), nullable=False),
)

EVERYBODY = frozenset({"office", "desk"})
SCHEMA = build(
    metadata,
    [
        TableSpec("account", EVERYBODY, frozenset(), born_on_server=True),
        TableSpec("person", EVERYBODY, EVERYBODY),
        TableSpec("visit", EVERYBODY, EVERYBODY),
        TableSpec("entry", EVERYBODY, frozenset({"office"}), append_only=True),
    ],
    version=3,
)


# The cache --------------------------------------------------------------------------------------


def connect(path: Path | str) -> Any:
    connection = sqlcipher.connect(
        str(path), isolation_level=None, timeout=15, check_same_thread=False
    )
    connection.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def create_tables(connection: Any) -> None:
    for table in SCHEMA.tables:
        columns = ", ".join(
            f'"{c.name}" {"TEXT" if c.kind in {"text", "instant", "date", "time"} else "INTEGER"}'
            for c in table.columns
            if c.name != "id"
        )
        connection.execute(f'CREATE TABLE "{table.name}" (id INTEGER PRIMARY KEY, {columns})')


def create_indexes(connection: Any) -> None:
    connection.execute("CREATE INDEX IF NOT EXISTS ix_visit_person ON visit (person_id)")


def fresh(path: Path | str, device: int = 1) -> Any:
    """A cache that was prepared and never synced."""
    connection = connect(path)
    create_tables(connection)
    store.prepare(connection, SCHEMA, device)
    return connection


class Desk:
    """What a person does at a cache."""

    schema: ClassVar[SyncSchema] = SCHEMA

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.execute = store.executor(connection)

    @contextmanager
    def doing(self, label: str = "test.edit") -> Iterator[str]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            tx = store.begin(self.execute, 7, label, NOW)
            yield tx
            store.finish(self.execute)
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise

    def insert(self, table: str, **values: Any) -> int:
        row_id = store.next_id(self.execute)
        values = {"id": row_id, **values}
        names = ", ".join(f'"{name}"' for name in values)
        self.connection.execute(
            f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(values))})',
            tuple(values.values()),
        )
        return row_id

    def update(self, table: str, row_id: int, **values: Any) -> None:
        sets = ", ".join(f'"{name}" = ?' for name in values)
        self.connection.execute(
            f'UPDATE "{table}" SET {sets} WHERE id = ?', (*values.values(), row_id)
        )

    def delete(self, table: str, row_id: int) -> None:
        self.connection.execute(f'DELETE FROM "{table}" WHERE id = ?', (row_id,))

    def rows(self, table: str) -> dict[int, dict[str, Any]]:
        names = self.schema[table].column_names
        columns = ", ".join(f'"{name}"' for name in names)
        return {
            row[0]: dict(zip(names, row, strict=True))
            for row in self.connection.execute(f'SELECT {columns} FROM "{table}" ORDER BY id')
        }

    def everything(self) -> dict[str, dict[int, dict[str, Any]]]:
        return {table.name: self.rows(table.name) for table in self.schema.tables}

    def pending(self) -> list[str]:
        return [transaction.id for transaction in store.outbox(self.execute)]


# The server -------------------------------------------------------------------------------------

TENANT = "Clínica 1"


class Tenant:
    """A tenant schema on a real server, as its administrator sees it."""

    metadata: ClassVar[sa.MetaData] = metadata
    schema: ClassVar[SyncSchema] = SCHEMA

    def __init__(self, dsn: str, name: str = TENANT) -> None:
        self.dsn = dsn
        self.name = name
        self.admin = psycopg.connect(dsn, autocommit=True)
        quoted = sql.Identifier(name)
        self.admin.execute(sql.SQL("CREATE SCHEMA {}").format(quoted))
        self.admin.execute(sql.SQL("SET search_path = {}").format(quoted))
        engine = sa.create_engine(
            "postgresql+psycopg://", creator=lambda: self.admin, poolclass=sa.pool.StaticPool
        )
        for table in self.metadata.sorted_tables:
            self.admin.execute(str(sa.schema.CreateTable(table).compile(engine)).encode())
        run = self._run
        sync_server.install_tables(run, name)
        sync_server.upgrade_tables(run, name, 2)
        self.roles: list[str] = []
        self.backups: list[str] = []
        self._role(sync_server.device_group(name), "NOLOGIN")
        sync_server.install_functions(run, name, self.schema)

    def _run(self, statement: str) -> object:
        return self.admin.execute(statement.encode())

    def _role(self, name: str, options: str) -> None:
        self.admin.execute(
            sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(name), sql.SQL(options))
        )
        self.roles.append(name)

    def enroll(self, profile: str = "office") -> tuple[int, dict[str, Any]]:
        """A new device: its number and its connection parameters."""
        database = self.admin.info.dbname
        role = f"{database}_{len(self.roles)}"
        self._role(role, "LOGIN PASSWORD 'pw'")
        self.admin.execute(
            sql.SQL("GRANT {} TO {}").format(
                sql.Identifier(sync_server.device_group(self.name)), sql.Identifier(role)
            )
        )
        row = self.admin.execute(
            "INSERT INTO sync_device (role_name, profile) VALUES (%s, %s) RETURNING number",
            (role, profile),
        ).fetchone()
        assert row is not None
        params = dict(conninfo.conninfo_to_dict(self.dsn))
        params.update(user=role, password="pw")
        return row[0], params

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self.admin.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *values: Any) -> Any:
        return self.query(statement, *values)[0][0]

    def everything(self) -> dict[str, dict[int, dict[str, Any]]]:
        """The server's rows in the cache's form."""
        out: dict[str, dict[int, dict[str, Any]]] = {}
        for table in self.schema.tables:
            parts = ", ".join(
                f'(r."{c.name}" * 100)::bigint' if c.kind == "units" else f'r."{c.name}"'
                for c in table.columns
            )
            rows = self.query(
                f'SELECT json_build_array({parts})::text FROM "{table.name}" r ORDER BY r.id'
            )
            out[table.name] = {}
            for (text,) in rows:
                values = [int(v) if isinstance(v, bool) else v for v in json.loads(text)]
                out[table.name][values[0]] = dict(zip(table.column_names, values, strict=True))
        return out

    def backup(self) -> str:
        """Keep every row of the schema as it is now; the name of what :meth:`put_back` takes."""
        kept = f"kept_{len(self.backups)}"
        self.backups.append(kept)
        self.admin.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(kept)))
        for table in self._tables():
            self.admin.execute(
                sql.SQL("CREATE TABLE {} AS TABLE {}").format(
                    sql.Identifier(kept, table), sql.Identifier(self.name, table)
                )
            )
        return kept

    def put_back(self, kept: str) -> None:
        """What an administrator's pg_restore does: rows as they were, and no word to anybody."""
        with self.admin.transaction():
            self.admin.execute("SET LOCAL session_replication_role = replica")
            for table in self._tables():
                self.admin.execute(
                    sql.SQL("TRUNCATE {0} CASCADE").format(sql.Identifier(self.name, table))
                )
            for table in self._tables():
                self.admin.execute(
                    sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE TABLE {}").format(
                        sql.Identifier(self.name, table), sql.Identifier(kept, table)
                    )
                )
            for table in self.schema.tables:
                self.admin.execute(
                    sql.SQL(
                        "SELECT setval(pg_get_serial_sequence({}, 'id'), coalesce((SELECT max(id)"
                        " FROM {} WHERE id < 1::bigint << 39), 0) + 1, false)"
                    ).format(sql.Literal(f'"{table.name}"'), sql.Identifier(self.name, table.name))
                )

    def _tables(self) -> list[str]:
        rows = self.query(
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition",
            f'"{self.name}"',
        )
        return [name for (name,) in rows]

    def close(self) -> None:
        database = self.admin.info.dbname
        assert database
        for role in reversed(self.roles):
            self.admin.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
            self.admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
        self.admin.close()


class Station:
    """A workstation: a cache that had its first sync, and its engine."""

    def __init__(
        self,
        tenant: Tenant,
        path: Path,
        profile: str = "office",
        enrolled: tuple[int, dict[str, Any]] | None = None,
        schema: SyncSchema = SCHEMA,
        **engine: Any,
    ) -> None:
        self.path = path
        number, self.params = enrolled or tenant.enroll(profile)
        self.server = PostgresServer(self.params, tenant.name)
        self.connection = connect(path)
        bootstrap(
            self.connection,
            self.server,
            schema,
            number,
            create_tables=create_tables,
            create_indexes=create_indexes,
            clock=lambda: NOW,
        )
        self.desk = Desk(self.connection)
        self.engine = self.make_engine(**engine)

    def make_engine(self, **options: Any) -> SyncEngine:
        options.setdefault("clock", lambda: NOW)
        server = options.pop("server", self.server)
        return SyncEngine(lambda: connect(self.path), server, SCHEMA, **options)

    def copied(self, path: Path) -> Station:
        """A copy of this workstation's disk, which somebody works on."""
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(self.path, path)
        twin = object.__new__(Station)
        twin.path, twin.params, twin.server = path, self.params, self.server
        twin.connection = connect(path)
        twin.desk = Desk(twin.connection)
        twin.engine = twin.make_engine()
        return twin

    @property
    def device(self) -> int:
        return store.device(self.desk.execute)

    def close(self) -> None:
        self.engine.close()
        self.connection.close()


Maker = Callable[..., Station]
