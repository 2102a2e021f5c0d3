"""Finding clients as somebody types.

Two FTS5 indexes over the clients of the cache, kept by SQLite triggers: ``search_client_word`` knows
words and their beginnings, ``search_client_part`` (trigrams) knows every run of three characters or
more. A third table, ``search_client_rank``, holds what the order of the results depends on. All
three are the workstation's own: they are never captured for sync, and are derived, so they may be
dropped and made again at any time (:func:`rebuild`).

What is typed is a list of words in any order, each of which must be found:

- letters match the beginning of a word, or from three on any part of name or email;
- digits (dots, dashes and ``+`` don't count) match any part of the RUT or the phone; groups of
  digits in a row also match as one number, so that ``9 8765 4321`` is a phone;
- case and accents don't count.

First come those where every word begins a name (or a number); among them the active ones; among
these whoever was or is to be seen last.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Protocol

from desktop.domain.identifiers import NO_EMAIL_DOMAIN, NO_PHONE

VERSION = "1"
"""Raised with every change of the tables or triggers below: :func:`prepare` then makes them anew."""

PART_LENGTH = 3
"""The shortest text that the trigram index can find."""

_WORD_TABLE = "search_client_word"
_PART_TABLE = "search_client_part"
_TABLES = (_WORD_TABLE, _PART_TABLE, "search_client_rank", "search_version")
_TRIGGERS = (
    "search_client_insert",
    "search_client_update",
    "search_client_delete",
    "search_visit_insert",
    "search_visit_update",
    "search_visit_delete",
)
_NUMBER = re.compile(r"[0-9+.\-()/]*[0-9][0-9+.\-()/]*[kK]?")
_NOT_SAID = "('cancelada', 'disponible')"
"""Statuses of appointments that say nothing of when a client was or will be at the clinic."""


class Connection(Protocol):
    """What is needed of a DB-API connection to the cache."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:
        """Runs one statement and returns its cursor."""
        ...


def _compact(column: str, *signs: str) -> str:
    expression = f"coalesce({column}, '')"
    for sign in signs:
        expression = f"replace({expression}, '{sign}', '')"
    return expression


def _fields(row: str) -> str:
    rut = _compact(f"{row}.rut", ".", "-", " ")
    phone = _compact(f"{row}.telefono", "+", " ", "-", "(", ")", ".")
    return (
        f"{row}.nombre_completo, "
        f"CASE WHEN {row}.telefono = '{NO_PHONE}' THEN {rut} ELSE {rut} || ' ' || {phone} END, "
        f"CASE WHEN {row}.email LIKE '%@{NO_EMAIL_DOMAIN}' THEN '' ELSE {row}.email END"
    )


def _put(row: str) -> str:
    return f"""
        DELETE FROM {_WORD_TABLE} WHERE rowid = {row}.id;
        DELETE FROM {_PART_TABLE} WHERE rowid = {row}.id;
        INSERT INTO {_WORD_TABLE} (rowid, name, number, email) SELECT {row}.id, {_fields(row)};
        INSERT INTO {_PART_TABLE} (rowid, name, number, email) SELECT {row}.id, {_fields(row)};
        DELETE FROM search_client_rank WHERE id = {row}.id;
        INSERT INTO search_client_rank (id, active, seen)
            VALUES ({row}.id, {row}.activo, {_seen(f"{row}.id")});
    """


def _remove(row: str) -> str:
    return f"""
        DELETE FROM {_WORD_TABLE} WHERE rowid = {row}.id;
        DELETE FROM {_PART_TABLE} WHERE rowid = {row}.id;
        DELETE FROM search_client_rank WHERE id = {row}.id;
    """


def _seen(client: str) -> str:
    return (
        "coalesce((SELECT fecha_hora FROM citas_cita"
        f" WHERE cliente_id = {client} AND estado NOT IN {_NOT_SAID}"
        " ORDER BY fecha_hora DESC LIMIT 1), '')"
    )


def _changed(*columns: str) -> str:
    # What the engine lays down sets every column: most of them to what they are.
    differing = " OR ".join(f"old.{column} IS NOT new.{column}" for column in columns)
    return f"({differing})"


def _see(client: str) -> str:
    return f"UPDATE search_client_rank SET seen = {_seen(client)} WHERE id = {client};"


_CREATE = (
    f"""CREATE VIRTUAL TABLE {_WORD_TABLE} USING fts5(
        name, number, email, content='', contentless_delete=1,
        tokenize='unicode61 remove_diacritics 2', prefix='1 2 3')""",
    f"""CREATE VIRTUAL TABLE {_PART_TABLE} USING fts5(
        name, number, email, content='', contentless_delete=1,
        tokenize='trigram remove_diacritics 1')""",
    "CREATE TABLE search_client_rank ("
    "id INTEGER PRIMARY KEY, active INTEGER NOT NULL, seen TEXT NOT NULL)",
    "CREATE INDEX search_client_recent ON search_client_rank (active DESC, seen DESC, id)",
    f"""CREATE TRIGGER search_client_insert AFTER INSERT ON pacientes_cliente BEGIN
        {_put("new")} END""",
    f"""CREATE TRIGGER search_client_update
        AFTER UPDATE OF id, nombre_completo, rut, telefono, email, activo ON pacientes_cliente
        WHEN {_changed("id", "nombre_completo", "rut", "telefono", "email", "activo")} BEGIN
        {_remove("old")} {_put("new")} END""",
    f"""CREATE TRIGGER search_client_delete AFTER DELETE ON pacientes_cliente BEGIN
        {_remove("old")} END""",
    f"""CREATE TRIGGER search_visit_insert AFTER INSERT ON citas_cita
        WHEN new.cliente_id IS NOT NULL BEGIN {_see("new.cliente_id")} END""",
    f"""CREATE TRIGGER search_visit_update
        AFTER UPDATE OF cliente_id, fecha_hora, estado ON citas_cita
        WHEN coalesce(old.cliente_id, new.cliente_id) IS NOT NULL
            AND {_changed("cliente_id", "fecha_hora", "estado")} BEGIN
        {_see("old.cliente_id")} {_see("new.cliente_id")} END""",
    f"""CREATE TRIGGER search_visit_delete AFTER DELETE ON citas_cita
        WHEN old.cliente_id IS NOT NULL BEGIN {_see("old.cliente_id")} END""",
    "CREATE TABLE search_version (version TEXT NOT NULL)",
)


def prepare(connection: Connection) -> None:
    """Makes the indexes and triggers where they are missing or of another version, and fills them.

    Does nothing where they stand. Works inside the caller's transaction or in one of its own.
    """
    if _stands(connection):
        return
    with _Savepoint(connection):
        for trigger in _TRIGGERS:
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for table in _TABLES:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _CREATE:
            connection.execute(statement)
        connection.execute("INSERT INTO search_version (version) VALUES (?)", (VERSION,))
        _fill(connection)


def _stands(connection: Connection) -> bool:
    names = {
        row[0]
        for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE name LIKE 'search\\_%' ESCAPE '\\'"
        ).fetchall()
    }
    if not names.issuperset(_TABLES) or not names.issuperset(_TRIGGERS):
        return False
    version = connection.execute("SELECT version FROM search_version").fetchone()
    return version is not None and version[0] == VERSION


def _fill(connection: Connection) -> None:
    for table in (_WORD_TABLE, _PART_TABLE):
        connection.execute(f"INSERT INTO {table} ({table}) VALUES ('delete-all')")
        connection.execute(
            f"INSERT INTO {table} (rowid, name, number, email)"
            f" SELECT id, {_fields('c')} FROM pacientes_cliente c ORDER BY id"
        )
        connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
    connection.execute("DELETE FROM search_client_rank")
    connection.execute(
        # The last visit of each by itself. A GROUP BY of all visits takes them in the order of the
        # index, each from another page to decrypt: ten times as long with 780,000 visits.
        f"""INSERT INTO search_client_rank (id, active, seen)
        SELECT c.id, c.activo, {_seen("c.id")} FROM pacientes_cliente c ORDER BY c.id"""
    )


class _Savepoint:
    """Everything in the block, or nothing of it; nests in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("SAVEPOINT search")

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        if kind is not None:
            self._connection.execute("ROLLBACK TO search")
        self._connection.execute("RELEASE search")


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody typed, understood.

    :ivar words: words with letters, in lower case; the indexes take the accents away.
    :ivar numbers: runs of groups of digits, e.g. ``(("9", "8765"),)``.
    """

    words: tuple[str, ...]
    numbers: tuple[tuple[str, ...], ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look for."""
        return not self.words and not self.numbers


def parse(text: str) -> Query:
    """Splits what was typed into words and numbers; signs alone are left out."""
    words: list[str] = []
    numbers: list[tuple[str, ...]] = []
    run: list[str] = []
    for piece in unicodedata.normalize("NFC", text).replace("\x00", " ").split():
        if _NUMBER.fullmatch(piece):
            run.append(re.sub(r"[^0-9kK]", "", piece).lower())
            continue
        if run:
            numbers.append(tuple(run))
            run = []
        if any(character.isalnum() for character in piece):
            words.append(piece.lower())
    if run:
        numbers.append(tuple(run))
    return Query(tuple(words), tuple(numbers))


@dataclass(frozen=True, slots=True)
class _Conditions:
    """FTS5 expressions: ``first`` over words; ``words`` and ``parts`` over the two indexes."""

    first: str
    words: str
    parts: str


def _phrase(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _begins(column: str, text: str) -> str:
    return f"{column} : ({' AND '.join(f'{_phrase(w)} *' for w in _tokens(text))})"


def _tokens(text: str) -> list[str]:
    """As the word index splits it: at everything that is neither letter nor digit."""
    return re.findall(r"[^\W_]+", text)


def _conditions(query: Query) -> _Conditions:
    first = [_begins("name", word) for word in query.words]
    words: list[str] = []
    parts: list[str] = []
    for word in query.words:
        if len(word) >= PART_LENGTH:
            parts.append(f"{{name email}} : {_phrase(word)}")
        else:
            words.append(_begins("{name email}", word))
    for run in query.numbers:
        joined = "".join(run)
        first.append(_begins("number", joined))
        if len(joined) < PART_LENGTH:
            words.append(_begins("{number email}", joined))
            continue
        whole = _phrase(joined)
        if len(run) > 1 and all(len(group) >= PART_LENGTH for group in run):
            whole = f"({whole} OR ({' AND '.join(_phrase(group) for group in run)}))"
        parts.append(f"{{number email}} : {whole}")
    return _Conditions(" AND ".join(first), " AND ".join(words), " AND ".join(parts))


def find(connection: Connection, query: Query, *, limit: int, offset: int = 0) -> list[int]:
    """Ids of the clients that match, best first; for an empty query whoever was seen last."""
    order = "ORDER BY r.active DESC, r.seen DESC, r.id LIMIT ? OFFSET ?"
    if query.empty:
        rows = connection.execute(
            f"SELECT r.id FROM search_client_rank r {order}", (limit, offset)
        ).fetchall()
        return [int(row[0]) for row in rows]
    conditions = _conditions(query)
    best = [
        int(row[0])
        for row in connection.execute(
            f"""SELECT r.id FROM {_WORD_TABLE} w JOIN search_client_rank r ON r.id = w.rowid
            WHERE {_WORD_TABLE} MATCH ? {order}""",
            (conditions.first, limit, offset),
        ).fetchall()
    ]
    if len(best) == limit:
        return best
    skipped = max(0, offset - _count_first(connection, conditions)) if offset else 0
    where, parameters = _anywhere(conditions)
    others = connection.execute(
        f"""SELECT r.id FROM search_client_rank r
        WHERE r.id IN ({where})
        AND r.id NOT IN (SELECT rowid FROM {_WORD_TABLE} WHERE {_WORD_TABLE} MATCH ?) {order}""",
        (*parameters, conditions.first, limit - len(best), skipped),
    ).fetchall()
    return best + [int(row[0]) for row in others]


def exact(connection: Connection, field: str, value: str) -> list[int]:
    """Ids of clients that may have this very ``rut``, ``phone`` or ``email``, lowest first.

    Signs and case don't count, so the caller looks at the rows themselves.
    """
    if field == "email":
        table, condition = _PART_TABLE, f"email : {_phrase(value)}"
    else:
        number = re.sub(r"[^0-9A-Za-z]", "", value).lstrip("0")
        table, condition = _WORD_TABLE, f"number : {_phrase(number)}"
    rows = connection.execute(
        f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid", (condition,)
    ).fetchall()
    return [int(row[0]) for row in rows]


def count(connection: Connection, query: Query) -> int:
    """How many clients match; for an empty query how many there are."""
    if query.empty:
        return int(connection.execute("SELECT count(*) FROM search_client_rank").fetchone()[0])
    conditions = _conditions(query)
    where, parameters = _anywhere(conditions)
    sql = f"""SELECT count(*) FROM (
        {where} UNION SELECT rowid FROM {_WORD_TABLE} WHERE {_WORD_TABLE} MATCH ?)"""
    return int(connection.execute(sql, (*parameters, conditions.first)).fetchone()[0])


def _count_first(connection: Connection, conditions: _Conditions) -> int:
    sql = f"SELECT count(*) FROM {_WORD_TABLE} WHERE {_WORD_TABLE} MATCH ?"
    return int(connection.execute(sql, (conditions.first,)).fetchone()[0])


def _anywhere(conditions: _Conditions) -> tuple[str, tuple[str, ...]]:
    """A query of the ids that match in any way, and its parameters."""
    selects: list[str] = []
    parameters: list[str] = []
    for table, condition in ((_PART_TABLE, conditions.parts), (_WORD_TABLE, conditions.words)):
        if condition:
            selects.append(f"SELECT rowid FROM {table} WHERE {table} MATCH ?")
            parameters.append(condition)
    return " INTERSECT ".join(selects), tuple(parameters)
