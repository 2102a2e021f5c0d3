"""The product of the histories: the engine's small one with appointments, and a journal beside it.

The journal, in a schema of its own that no backup takes away, keeps every version that a row ever
had. The judge reads it; the engine does not know of it.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import sqlalchemy as sa
from psycopg import conninfo, sql
from sqlalchemy.dialects import postgresql

from sync.bootstrap import bootstrap
from sync.errors import CacheMismatch
from sync.schema import SyncSchema, TableSpec, build
from sync.transport import PostgresServer
from tests.support import embedded
from tests.support.cluster import Cluster, running
from tests.sync_client import world
from tests.sync_client.world import EVERYBODY, NOW, Desk, Tenant, connect

PROFILES = ("office", "desk", "office", "office")
"""Of the devices 1, 2 … of the template; the last one has not had its first sync."""

LATE = len(PROFILES)
ROOMS, HOURS = 2, 6
STAFF, DAY = 2, 20

metadata = sa.MetaData()
for _table in world.metadata.sorted_tables:
    _table.to_metadata(metadata)
_booking = sa.Table(
    "booking",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("person_id", sa.BigInteger, sa.ForeignKey("person.id", deferrable=True)),
    sa.Column("staff", sa.Integer, nullable=False),
    sa.Column("starts", sa.Integer, nullable=False),
    sa.Column("ends", sa.Integer, nullable=False),
    sa.Column("note", sa.Text),
    sa.CheckConstraint("starts < ends"),
)
# One number line for everybody's day: an exclusion constraint that needs no extension.
_booking.append_constraint(
    postgresql.ExcludeConstraint(
        (sa.text("int8range(staff * 1000 + starts, staff * 1000 + ends)"), "&&")
    )
)

SCHEMA = build(
    metadata,
    [
        TableSpec("account", EVERYBODY, frozenset(), born_on_server=True),
        TableSpec("person", EVERYBODY, EVERYBODY),
        TableSpec("visit", EVERYBODY, EVERYBODY),
        TableSpec("entry", EVERYBODY, frozenset({"office"}), append_only=True),
        TableSpec(
            "booking",
            EVERYBODY,
            EVERYBODY,
            groups=(frozenset({"staff", "starts", "ends"}),),
        ),
    ],
    version=3,
)

JOURNAL = """
CREATE SCHEMA judge;
CREATE TABLE judge.journal (
    seq bigserial PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tbl text NOT NULL, op text NOT NULL, id bigint, before jsonb, after jsonb);
CREATE FUNCTION judge.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO judge.journal (tbl, op) VALUES (TG_TABLE_NAME, 'T');
    ELSE
        INSERT INTO judge.journal (tbl, op, id, before, after)
        VALUES (TG_TABLE_NAME, left(TG_OP, 1), CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END,
                CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
                CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    END IF;
    RETURN NULL;
END $$;
"""


class Office(Desk):
    """What a person does at a cache of this product."""

    schema: ClassVar[SyncSchema] = SCHEMA


def create_tables(connection: Any) -> None:
    for table in SCHEMA.tables:
        columns = ", ".join(
            f'"{c.name}" {"TEXT" if c.kind in {"text", "instant", "date", "time"} else "INTEGER"}'
            for c in table.columns
            if c.name != "id"
        )
        connection.execute(f'CREATE TABLE "{table.name}" (id INTEGER PRIMARY KEY, {columns})')


def first_sync(path: Path, params: dict[str, Any], device: int, **options: Any) -> None:
    """Begin a first sync, or go on with it; from the beginning where the server was put back."""
    try:
        _load(path, params, device, **options)
    except CacheMismatch:
        for rest in ("", "-wal", "-shm"):
            path.with_name(path.name + rest).unlink(missing_ok=True)
        _load(path, params, device, **options)


def _load(path: Path, params: dict[str, Any], device: int, **options: Any) -> None:
    with closing(connect(path)) as connection:
        bootstrap(
            connection,
            PostgresServer(params, Clinic.title),
            SCHEMA,
            device,
            create_tables=create_tables,
            create_indexes=lambda _: None,
            clock=lambda: NOW,
            **options,
        )


class Clinic(Tenant):
    """The tenant schema of a history, in a database that was made of the template."""

    metadata: ClassVar[sa.MetaData] = metadata
    schema: ClassVar[SyncSchema] = SCHEMA
    title: ClassVar[str] = "histories"

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.name = self.title
        self.roles = []
        self.backups = []
        self.open()

    def open(self) -> None:
        """Come back after the server was away."""
        self.admin = psycopg.connect(self.dsn, autocommit=True)
        self.admin.execute(
            sql.SQL("SET search_path = {}").format(sql.Identifier(self.name)),
        )

    def backup(self) -> str:
        """As one snapshot, with what the journal held at that moment."""
        tables = self._tables()
        with self.admin.transaction():
            self.admin.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            # Before the snapshot: a table that is truncated after it is empty to it, too.
            self._lock(tables, "ACCESS SHARE")
            kept = super().backup()
            self.admin.execute(
                sql.SQL("CREATE TABLE {} AS SELECT seq FROM judge.journal").format(
                    sql.Identifier("judge", kept)
                )
            )
        return kept

    def _lock(self, tables: list[str], mode: str) -> None:
        for table in tables:
            self.admin.execute(
                sql.SQL(f"LOCK TABLE {{}} IN {mode} MODE").format(sql.Identifier(self.name, table))
            )

    def put_back(self, kept: str, mode: str = "offer") -> None:
        """In one transaction that lets nobody in before its end."""
        with self.admin.transaction():
            self._lock(self._tables(), "ACCESS EXCLUSIVE")
            super().put_back(kept)
            self.admin.execute("UPDATE sync_meta SET on_restore = %s", (mode,))
            if mode == "review":
                self.admin.execute("UPDATE sync_meta SET epoch = gen_random_uuid()")
            self.admin.execute(
                "INSERT INTO judge.journal (tbl, op, after) VALUES ('', 'R', to_jsonb(%s::text))",
                (kept,),
            )

    def close(self) -> None:
        self.admin.close()


@dataclass(frozen=True)
class Template:
    """What every history of a cluster begins with: a database, and caches that are in step with it.

    :ivar roles: the login roles of the devices 1, 2 …
    """

    cluster: Cluster
    server: embedded.Server
    database: str
    caches: Path
    roles: tuple[str, ...]

    def params(self, device: int, database: str) -> dict[str, Any]:
        """How a device reaches the server, without the proxy."""
        return {
            **conninfo.conninfo_to_dict(self.server.dsn_of(database)),
            "user": self.roles[device - 1],
            "password": "pw",
            "connect_timeout": 2,
            "tcp_user_timeout": 1000,
            "options": "-c statement_timeout=3000 -c lock_timeout=100",
        }

    def cache(self, device: int, path: Path) -> None:
        """Give a history its copy of a device's cache."""
        shutil.copyfile(self.caches / f"{device}.db", path)


@contextlib.contextmanager
def prepared(version: int, folder: Path) -> Iterator[Template]:
    """A cluster of one's own with the template in it."""
    with running(version, embedded.HBA) as cluster:
        server = embedded.Server(cluster.dsn, version, cluster.data)
        with server.connect() as admin:
            for setting in ("deadlock_timeout = '100ms'", "autovacuum = off"):
                admin.execute(f"ALTER SYSTEM SET {setting}".encode())
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("CREATE DATABASE seed")
        dsn = server.dsn_of("seed")
        made = _Seed(dsn)
        enrolled = [made.enroll(profile) for profile in PROFILES]
        made.fill()
        roles = tuple(params["user"] for _, params in enrolled)
        for number, params in enrolled[: LATE - 1]:
            first_sync(folder / f"{number}.db", params, number)
        made.admin.close()
        yield Template(cluster, server, "seed", folder, roles)


class _Seed(Tenant):
    """The template while it is made."""

    metadata: ClassVar[sa.MetaData] = metadata
    schema: ClassVar[SyncSchema] = SCHEMA

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, Clinic.title)
        self.admin.execute(JOURNAL.encode())

    def fill(self) -> None:
        """Some rows; from here on the journal is kept."""
        for table in self.schema.tables:
            name = sql.Identifier(self.name, table.name)
            for when, each in (("INSERT OR UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
                self.admin.execute(
                    sql.SQL(
                        f"CREATE TRIGGER {'z_' + each.lower()}_note AFTER {when} ON {{}}"
                        f" FOR EACH {each} EXECUTE FUNCTION judge.note()"
                    ).format(name)
                )
        self.query("SELECT sync_upkeep()")
        self.query("INSERT INTO account (login) SELECT 'seed-' || n FROM generate_series(1, 3) n")
        self.query(
            "INSERT INTO person (name, phone) SELECT 'seed-n' || n, 'seed-p' || n"
            " FROM generate_series(1, 8) n"
        )
        self.query("INSERT INTO entry (person_id, amount) VALUES (1, 0.01), (2, 0.02)")
        self.query("INSERT INTO visit (person_id, room, at, note) VALUES (1, 1, '09:00', 'seed-v')")
        self.query(
            "INSERT INTO booking (person_id, staff, starts, ends, note)"
            " VALUES (1, 1, 0, 2, 'seed-b')"
        )
