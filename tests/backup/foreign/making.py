"""Backups of the other program, made as its people make them: by Django and by pg_dump themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import conninfo, sql

from tests.support import cluster
from tests.support.embedded import Server

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class OtherProgram:
    """The other program's database, with one or more clinics in it."""

    server: Server
    dsn: str

    def django(self, schema: str, *arguments: str, zones: bool = True) -> None:
        """Runs one of Django's commands on a clinic."""
        subprocess.run(
            [sys.executable, "-m", "tests.backup.foreign.program", *arguments],
            check=True,
            cwd=ROOT,
            capture_output=True,
            env={
                **os.environ,
                "PROGRAM_DSN": conninfo.make_conninfo(self.dsn, options=f"-csearch_path={schema}"),
                "PROGRAM_USE_TZ": "1" if zones else "0",
                "DJANGO_SETTINGS_MODULE": "tests.backup.foreign.program.settings",
                "PYTHONPATH": str(ROOT),
                "PYTHONIOENCODING": "utf-8",
            },
        )

    def clinic(self, schema: str, *, zones: bool = True) -> None:
        """Makes a clinic: its schema by Django's migrations, its rows by Django's ORM."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema))
            )
        self.django(schema, "make", zones=zones)

    def dumpdata(self, schema: str, path: Path, *options: str, zones: bool = True) -> Path:
        """A backup by ``manage.py dumpdata``."""
        self.django(schema, "dumpdata", "-v0", "-o", str(path), *options, zones=zones)
        return path

    def pg_dump(self, path: Path, *options: str) -> Path:
        """A backup by the server's own ``pg_dump``."""
        return pg_dump(self.server, self.dsn, path, *options)


def pg_dump(server: Server, dsn: str, path: Path, *options: str) -> Path:
    """What the server's own ``pg_dump`` writes of a database."""
    programs = cluster.binaries(server.version)
    assert programs is not None
    subprocess.run(
        [str(programs / "pg_dump"), f"--dbname={dsn}", f"--file={path}", *options],
        check=True,
        capture_output=True,
    )
    return path
