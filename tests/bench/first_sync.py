"""First sync of the medium clinic, against raw COPY and a bulk insert into the same encrypted file.

The floor does nothing that a first sync must do beside moving rows: no rights, no resumable chunks,
no indexes, no search, no triggers, no catching up.
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import psycopg
from psycopg import sql

from desktop.models import sync_schema
from desktop.services import devices, enrolment, joining, migrations
from desktop.services.cache import connect
from tests.bench.figures import Figure
from tests.support.clinic import PASSPHRASE, Clinic


def floor(clinic: Clinic, path: Path) -> tuple[float, int]:
    """Seconds and rows of COPY, split at tabs, ``executemany``: the simplest way that works."""
    connection = connect(path, secrets.token_bytes(32))
    migrations.upgrade_cache(connection, indexes=False)
    count = 0
    with psycopg.connect(clinic.dsn) as server:
        started = time.perf_counter()
        for table in sync_schema().readable_by("reception"):
            columns = table.column_names
            query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY id) TO STDOUT").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.Identifier(clinic.schema, table.name),
            )
            statement = f'INSERT INTO "{table.name}" ({", ".join(columns)}) VALUES ({", ".join("?" * len(columns))})'
            with server.cursor().copy(query) as copy:
                data = b"".join(bytes(block) for block in copy)
            lines = data.decode().split("\n")
            lines.pop()
            rows = [
                [None if value == "\\N" else value for value in line.split("\t")] for line in lines
            ]
            connection.execute("BEGIN")
            connection.executemany(statement, rows)
            connection.execute("COMMIT")
            count += len(rows)
        seconds = time.perf_counter() - started
    connection.close()
    return seconds, count


def first_sync(clinic: Clinic, folder: Path, label: str) -> float:
    """Seconds from the enrolment file to a workstation that is ready to work."""
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        admitted = devices.enroll(connection, clinic.schema, profile="reception", label=label)
    file = folder / f"{label}.inscripcion"
    enrolment.write(admitted, file)
    started = time.perf_counter()
    joining.join(file, folder / label, passphrase=lambda: PASSPHRASE)
    return time.perf_counter() - started


def measure(clinic: Clinic, folder: Path, rounds: int = 3) -> list[Figure]:
    """The two in turn, so that the machine's mood strikes both."""
    ratios, ours, floors, rows = [], [], [], 0
    for round_number in range(rounds):
        bare, rows = floor(clinic, folder / f"floor-{round_number}.db")
        whole = first_sync(clinic, folder, f"bench-{round_number}")
        floors.append(bare)
        ours.append(whole)
        ratios.append(bare / whole)
    return [
        Figure("first sync, rows", rows, "rows"),
        Figure("first sync, floor (COPY + bulk insert)", sorted(floors)[rounds // 2], "s"),
        Figure("first sync, ready to work", sorted(ours)[rounds // 2], "s"),
        Figure(
            "first sync: floor / ours",
            sorted(ratios)[rounds // 2],
            "ratio",
            0.5,
            at_least=True,
        ),
    ]
