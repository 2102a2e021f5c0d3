"""The web: a process that writes with plain SQL, next to the workstations."""

from __future__ import annotations

import os
import random
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.histories.clinic import Clinic
from tests.histories.work import Intent, Marks, Record, hour, slot

NUMBER = 9
"""The web's number among the writers."""


def begin(dsn: str, path: Path, seed: int, life: int, steps: int, progress: int) -> int:
    """Start the process; its id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        Web(dsn, path, random.Random(seed), life, progress).live(steps)
        code = 0
    except BaseException:
        with path.with_suffix(".trouble").open("a") as file:
            file.write(traceback.format_exc())
    finally:
        os._exit(code)


class Web:
    """One life of it: short transactions, and now and then a long one beside them."""

    def __init__(self, dsn: str, path: Path, rng: random.Random, life: int, progress: int) -> None:
        self._dsn = dsn
        self._rng = rng
        self._record = Record(path)
        self._marks = Marks(NUMBER, life)
        self._name = f"web{life}"
        self._progress = progress
        self._count = 0

    def live(self, steps: int) -> None:
        while steps:
            try:
                with closing(self._connection()) as short, closing(self._connection()) as long:
                    while steps:
                        steps -= 1
                        os.write(self._progress, b".")
                        if self._rng.random() < 0.15:
                            self._long(long, short)
                        else:
                            self._transaction(short, self._intent())
            except psycopg.OperationalError:
                # The server is away; that was a step, so this ends.
                steps = max(0, steps - 1)
        self._record.close()

    def _connection(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self._dsn, autocommit=True, connect_timeout=2)
        connection.execute("SET lock_timeout = '50ms'")
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(Clinic.title)))
        return connection

    def _intent(self) -> Intent:
        self._count += 1
        return Intent(f"{self._name}-{self._count}")

    def _transaction(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        self._begin(connection, intent)
        self._end(connection, intent)

    def _long(self, long: psycopg.Connection[Any], short: psycopg.Connection[Any]) -> None:
        """Its rows stay locked while others come and go."""
        intent = self._intent()
        self._begin(long, intent)
        for _ in range(self._rng.randrange(1, 4)):
            os.write(self._progress, b".")
            self._transaction(short, self._intent())
        self._end(long, intent)

    def _begin(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        """Open a transaction and work in it; what fails is undone whole."""
        connection.execute("BEGIN")
        try:
            for _ in range(self._rng.choice((1, 1, 2, 4))):
                self._work(connection, intent)
        except psycopg.OperationalError:
            if connection.closed:
                intent.state = "failed"
                self._record.note(intent)
                raise
            connection.execute("ROLLBACK")
            intent.state = "failed"
        except psycopg.Error:
            connection.execute("ROLLBACK")
            intent.state = "failed"

    def _end(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        self._record.note(intent)
        if intent.state == "failed":
            return
        if self._rng.random() < 0.1:
            connection.execute("ROLLBACK")
            intent.state = "failed"
        else:
            try:
                connection.execute("COMMIT")
                intent.state = "done"
            except psycopg.errors.IntegrityError:
                intent.state = "failed"
        self._record.note(intent)

    def _work(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        things = {
            self._new_person: 4,
            self._change: 6,
            self._bulk: 1,
            self._new_booking: 4,
            self._new_visit: 2,
            self._delete: 2,
            self._truncate: 0.4,
            self._account: 1,
            self._entry: 2,
        }
        self._rng.choices(list(things), list(things.values()))[0](connection, intent)

    def _mark(self, intent: Intent, table: str, column: str) -> str:
        text = self._marks.text()
        intent.marks.append((table, column, text))
        return text

    def _any(self, connection: psycopg.Connection[Any], table: str) -> int | None:
        rows = connection.execute(f"SELECT id FROM {table} ORDER BY id".encode()).fetchall()
        return self._rng.choice(rows)[0] if rows else None

    def _new_person(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        connection.execute(
            "INSERT INTO person (name, phone) VALUES (%s, %s)",
            (self._mark(intent, "person", "name"), self._mark(intent, "person", "phone")),
        )

    def _change(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        table, column = self._rng.choice(
            (("person", "name"), ("person", "phone"), ("visit", "note"), ("booking", "note"))
        )
        row = self._any(connection, table)
        if row is not None:
            text = self._marks.text()
            done = connection.execute(
                f"UPDATE {table} SET {column} = %s WHERE id = %s".encode(), (text, row)
            )
            if done.rowcount:
                intent.marks.append((table, column, text))

    def _bulk(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        text = self._marks.text()
        rows = connection.execute(
            "UPDATE person SET phone = %s || '/' || id RETURNING phone", (text,)
        ).fetchall()
        intent.marks += [("person", "phone", phone) for (phone,) in rows]

    def _new_booking(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        at = slot(self._rng)
        connection.execute(
            "INSERT INTO booking (person_id, staff, starts, ends, note)"
            " VALUES (%s, %s, %s, %s, %s)",
            (
                self._any(connection, "person"),
                at["staff"],
                at["starts"],
                at["ends"],
                self._mark(intent, "booking", "note"),
            ),
        )

    def _new_visit(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        connection.execute(
            "INSERT INTO visit (room, at, note) VALUES (%s, %s, %s)",
            (self._rng.randrange(2) + 1, hour(self._rng), self._mark(intent, "visit", "note")),
        )

    def _delete(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        table = self._rng.choice(("visit", "booking", "person"))
        row = self._any(connection, table)
        connection.execute(f"DELETE FROM {table} WHERE id = %s".encode(), (row,))

    def _truncate(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        connection.execute(self._rng.choice((b"TRUNCATE visit", b"TRUNCATE booking")))

    def _account(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        connection.execute(
            "INSERT INTO account (login) VALUES (%s)", (self._mark(intent, "account", "login"),)
        )

    def _entry(self, connection: psycopg.Connection[Any], intent: Intent) -> None:
        cents = self._marks.cents()
        amount = f"{cents // 100}.{cents % 100:02}"
        intent.marks.append(("entry", "amount", amount))
        connection.execute("INSERT INTO entry (amount) VALUES (%s::numeric)", (amount,))
