"""A clinic as plain SQL, for people and other programs: loads with psql into an empty database.

By pg_dump, where one is found that fits the server; by our own writer otherwise. Either way it holds all
tables with all rows but the sync log's, which are of one server and one moment. Nothing of it is
encrypted. Owners and rights are not in it: they name roles that another server does not have.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import conninfo

from desktop.backup import plain_writer
from desktop.backup.places import local
from desktop.backup.places.base import Cancelled, go_on, never
from desktop.backup.reading import snapshot
from desktop.backup.take import PART, Heard, unheard
from desktop.domain.errors import EnvironmentTrouble, RuleError

DEBIAN = Path("/usr/lib/postgresql")
TIMEOUT_SECONDS = 4 * 3600.0
PG_DUMP, OWN = "pg_dump", "own"
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Exported:
    """A written file. :ivar by: :data:`PG_DUMP` or :data:`OWN`. :ivar size: in bytes."""

    path: Path
    by: str
    size: int


def export(
    connection: psycopg.Connection,
    schema: str,
    path: Path,
    *,
    programs: Sequence[Path] | None = None,
    progress: Heard = unheard,
    cancelled: Cancelled = never,
    timeout: float = TIMEOUT_SECONDS,
) -> Exported:
    """Write a clinic as SQL to a new file, which gets its name when it is complete.

    :param connection: in autocommit, of the schema's owner.
    :param programs: the pg_dumps to choose from; those of this computer by default.
    :param timeout: seconds that pg_dump may take.
    Raises ``RuleError('backup.export_owner')`` for who may not see everything, those of
    :func:`desktop.backup.reading.snapshot`, ``EnvironmentTrouble('backup.dump_failed')``,
    ``place.file_exists``, ``place.full``, ``psycopg.Error``, :class:`sync.errors.Cancelled`.
    """
    local.refuse_taken(path)
    program = fitting(connection.info.server_version, programs)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART}")
    with local.in_words(str(path.parent)):
        with local.arriving(beside, path), local.create(beside) as file:
            # The snapshot is held meanwhile, so that pg_dump finds the tables as they are, too.
            with snapshot(connection, schema) as moment:
                hidden = moment.left_out or any(table.left_out for table in moment.odd)
                if hidden or moment.begun.role is not None:
                    raise RuleError("backup.export_owner")
                if program is None:
                    plain_writer.write(moment, file, progress, cancelled)
                else:
                    _dump(program, connection, schema, beside, cancelled, timeout)
            local.put_on_disk(file)
        return Exported(path, OWN if program is None else PG_DUMP, path.stat().st_size)


def fitting(server_version: int, programs: Sequence[Path] | None = None) -> Path | None:
    """A pg_dump of the server's version, or the next newer one; it refuses newer servers."""
    found = []
    for program in _here() if programs is None else programs:
        version = _major(program)
        if version is not None and version >= server_version // 10000:
            found.append((version, program))
    return min(found)[1] if found else None


def _here() -> list[Path]:
    there = [path for path in DEBIAN.glob("*/bin/pg_dump") if os.access(path, os.X_OK)]
    named = shutil.which("pg_dump")
    return [*there, *([Path(named)] if named else [])]


def _major(program: Path) -> int | None:
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
            [str(program), "--version"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            env=_environment(),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(match[1]) if match else None


def _dump(
    program: Path,
    connection: psycopg.Connection,
    schema: str,
    path: Path,
    cancelled: Cancelled,
    timeout: float,
) -> None:
    """Run pg_dump; its words may hold rows' values and are thrown away."""
    quoted = '"' + schema.replace('"', '""') + '"'
    with _password_file(connection) as password_file, tempfile.TemporaryFile() as words:
        process = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            [
                str(program),
                "--no-password",
                "--no-owner",
                "--no-privileges",
                f"--schema={quoted}",
                f"--exclude-table-data={quoted}.sync_log*",
                f"--file={path}",
                f"--dbname={conninfo.make_conninfo(**connection.info.get_parameters())}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words,
            env=_environment() | {"PGPASSFILE": str(password_file)},
        )
        until = time.monotonic() + timeout
        try:
            while process.poll() is None:
                go_on(cancelled)
                if time.monotonic() > until:
                    raise EnvironmentTrouble("backup.dump_failed", reason="timeout")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            raise EnvironmentTrouble("backup.dump_failed", reason=f"exit {process.returncode}")


def _environment() -> dict[str, str]:
    """Without what libpq would read from it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


@contextmanager
def _password_file(connection: psycopg.Connection) -> Iterator[Path]:
    """The password in a file of ours alone: neither the list of processes nor theirs shows it."""
    info = connection.info
    with tempfile.TemporaryDirectory(prefix="consultorio-") as folder:
        path = Path(folder) / "pass"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        password = (info.password or "").replace("\\", "\\\\").replace(":", "\\:")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"*:*:*:*:{password}\n")
        yield path
