"""Search finds whom it should, first whom one expects, and keeps itself up to date."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlcipher3 import dbapi2 as sqlcipher

from desktop.services import search

Row = tuple[int, str, str | None, str, str, int]

SCHEMA = (
    "CREATE TABLE pacientes_cliente (id INTEGER PRIMARY KEY, nombre_completo TEXT, rut TEXT,"
    " telefono TEXT, email TEXT, activo INTEGER)",
    "CREATE TABLE citas_cita (id INTEGER PRIMARY KEY, fecha_hora TEXT, cliente_id INTEGER,"
    " estado TEXT)",
    "CREATE INDEX ix_cliente ON citas_cita (cliente_id)",
)
PEOPLE: tuple[Row, ...] = (
    (1, "María José González Muñoz", "12345678-5", "+56987654321", "mj.gonzalez@gmail.com", 1),
    (2, "José María Núñez Peña", "7654321-6", "+56911112222", "nunez@clinica.cl", 1),
    (3, "Ana Íñiguez O'Higgins", None, "+56900000000", "sin-correo-3@sin-correo.invalid", 1),
    (4, "Juliana Gonzaga", "9.876.543-K", "+56222345678", "Juliana@Clinica.cl", 1),
    (5, "Mario Gonzalez", "11111111-1", "+56955556666", "mario@x.cl", 0),
)


@pytest.fixture
def db() -> Iterator[sqlcipher.Connection]:
    connection = sqlcipher.connect(":memory:", isolation_level=None)
    for statement in SCHEMA:
        connection.execute(statement)
    search.prepare(connection)
    yield connection
    connection.close()


def put(db: sqlcipher.Connection, *people: Row) -> None:
    db.executemany("INSERT INTO pacientes_cliente VALUES (?, ?, ?, ?, ?, ?)", people)


def found(db: sqlcipher.Connection, text: str, **options: Any) -> list[int]:
    query = search.parse(text)
    ids = search.find(db, query, **({"limit": 50} | options))
    if not options:
        assert search.count(db, query) == len(ids)
    return ids


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("gonzalez maria", {1}),
        ("gonzalez mari", {1, 5}),
        ("GONZÁLEZ MARÍA JOSÉ", {1}),
        ("muñoz", {1}),
        ("munoz", {1}),
        ("nunez jose", {2}),
        ("iñig", {3}),
        ("o'hig", {3}),
        ("hig", {3}),
        ("ma go", {1, 5}),
        ("a", {3}),
        ("zaga", {4}),
        ("12.345.678-5", {1}),
        ("123456785", {1}),
        ("345.678", {1, 4}),
        ("9876543-k", {4}),
        ("98765", {1, 4}),
        ("9 8765 4321", {1}),
        ("+56 9 8765 4321", {1}),
        ("2222", {2}),
        ("maria 5432", {1, 2}),
        ("clinica.cl", {2, 4}),
        ("juliana@clinica", {4}),
        ("sin-correo", set()),
        ("900000000", set()),
        ("zzz", set()),
        ("gonzalez zzz", set()),
        ('"', {1, 2, 3, 4, 5}),
    ],
)
def test_who_is_found(db: sqlcipher.Connection, typed: str, ids: set[int]) -> None:
    put(db, *PEOPLE)
    assert set(found(db, typed)) == ids


def test_the_beginning_of_a_name_comes_first_then_active_then_whoever_was_seen_last(
    db: sqlcipher.Connection,
) -> None:
    put(
        db,
        (1, "Juliana Soto", None, "", "a@x.cl", 1),
        (2, "Ana Old", None, "", "b@x.cl", 1),
        (3, "Ana Recent", None, "", "c@x.cl", 1),
        (4, "Ana Gone", None, "", "d@x.cl", 0),
        (5, "Rosa Anaya", None, "", "e@x.cl", 1),
    )
    for client, when, status in (
        (2, "2026-01-01T12:00:00+00:00", "completada"),
        (3, "2026-03-01T12:00:00+00:00", "completada"),
        (2, "2026-06-01T12:00:00+00:00", "cancelada"),
        (4, "2026-09-01T12:00:00+00:00", "completada"),
        (5, "2026-02-01T12:00:00+00:00", "reservada"),
    ):
        db.execute(
            "INSERT INTO citas_cita (fecha_hora, cliente_id, estado) VALUES (?, ?, ?)",
            (when, client, status),
        )
    assert found(db, "ana") == [3, 5, 2, 4, 1]
    assert found(db, "") == [3, 5, 2, 1, 4]
    db.execute("UPDATE citas_cita SET estado = 'completada' WHERE estado = 'cancelada'")
    assert found(db, "ana") == [2, 3, 5, 4, 1]
    db.execute("UPDATE citas_cita SET cliente_id = 5 WHERE cliente_id = 2")
    assert found(db, "ana") == [5, 3, 2, 4, 1]
    db.execute("DELETE FROM citas_cita WHERE cliente_id = 3")
    assert found(db, "ana") == [5, 2, 3, 4, 1]


def test_pages_follow_each_other_without_gap_or_repeat(db: sqlcipher.Connection) -> None:
    put(
        db, *((n, f"{'Ana' if n % 3 else 'Susana'} {n}", None, "", "", n % 2) for n in range(1, 41))
    )
    whole = found(db, "ana")
    assert len(whole) == 40
    for size in (1, 7, 26, 27, 28):
        pages = [
            found(db, "ana", limit=size, offset=start)
            for start in range(0, len(whole) + size, size)
        ]
        assert [client for page in pages for client in page] == whole


def test_triggers_follow_every_kind_of_change(db: sqlcipher.Connection) -> None:
    put(db, *PEOPLE)
    db.execute("UPDATE pacientes_cliente SET nombre_completo = 'Berta Rojas' WHERE id = 1")
    assert found(db, "gonzalez mari") == [5]
    assert found(db, "berta") == [1]
    db.execute("UPDATE pacientes_cliente SET id = 77 WHERE id = 1")
    assert found(db, "berta") == [77]
    db.execute(
        "INSERT OR REPLACE INTO pacientes_cliente VALUES (77, 'Carla Rojas', NULL, '', '', 1)"
    )
    assert found(db, "berta") == []
    assert found(db, "carla") == [77]
    db.execute(
        "INSERT INTO pacientes_cliente VALUES (77, 'Dora Rojas', NULL, '', '', 1)"
        " ON CONFLICT (id) DO UPDATE SET nombre_completo = excluded.nombre_completo"
    )
    assert found(db, "dora") == [77]
    db.execute("DELETE FROM pacientes_cliente WHERE id = 77")
    assert found(db, "rojas") == []
    assert 77 not in found(db, "")


def test_an_edit_that_is_rolled_back_is_rolled_back_in_the_index(db: sqlcipher.Connection) -> None:
    put(db, *PEOPLE)
    db.execute("BEGIN")
    db.execute("DELETE FROM pacientes_cliente WHERE id = 3")
    assert found(db, "iñiguez") == []
    db.execute("ROLLBACK")
    assert found(db, "iñiguez") == [3]


def test_prepare_fills_what_was_there_before_and_changes_nothing_the_second_time() -> None:
    connection = sqlcipher.connect(":memory:", isolation_level=None)
    for statement in SCHEMA:
        connection.execute(statement)
    put(connection, *PEOPLE)
    search.prepare(connection)
    assert found(connection, "juliana") == [4]
    before = connection.total_changes
    search.prepare(connection)
    assert connection.total_changes == before
    connection.close()


def test_another_version_of_the_index_is_made_anew(db: sqlcipher.Connection) -> None:
    put(db, *PEOPLE)
    db.execute("UPDATE search_version SET version = 'old'")
    db.execute("DELETE FROM search_client_word")
    search.prepare(db)
    assert found(db, "juliana") == [4]


@given(st.text(max_size=40))
def test_nothing_that_is_typed_breaks_the_query(text: str) -> None:
    connection = sqlcipher.connect(":memory:", isolation_level=None)
    for statement in SCHEMA:
        connection.execute(statement)
    search.prepare(connection)
    put(connection, *PEOPLE)
    query = search.parse(text)
    assert len(search.find(connection, query, limit=50)) == search.count(connection, query)
    connection.close()


# The model: the same rules by hand, over plain strings --------------------------------------------

letters = st.text("aábcdeéimnñoz", min_size=1, max_size=6)
names = st.lists(letters, min_size=1, max_size=4).map(" ".join)
digits = st.text("0123456789", min_size=7, max_size=9)
people = st.lists(
    st.tuples(names, digits, digits, st.booleans()),
    min_size=1,
    max_size=12,
    unique_by=lambda p: p[1],
)


def bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(one for one in decomposed if not unicodedata.combining(one))


def matches(person: tuple[str, str, str, bool], typed: list[str]) -> bool:
    name, rut, phone, _active = person
    for word in map(bare, typed):
        if word.isdigit():
            numbers = (rut, f"569{phone}")
            if len(word) >= 3:
                if not any(word in number for number in numbers):
                    return False
            elif not any(number.startswith(word) for number in numbers):
                return False
        elif len(word) >= 3:
            if word not in bare(name):
                return False
        elif not any(part.startswith(word) for part in bare(name).split()):
            return False
    return True


@given(people, st.data())
def test_search_agrees_with_a_search_by_hand(
    them: list[tuple[str, str, str, bool]], data: st.DataObject
) -> None:
    name, rut, phone, _active = data.draw(st.sampled_from(them))
    pieces = st.sampled_from([*name.split(), rut, phone, "zo", "ane", "12", "345"])
    word = pieces.flatmap(
        lambda piece: st.tuples(st.integers(0, len(piece) - 1), st.integers(1, len(piece))).map(
            lambda cut: piece[cut[0] : cut[0] + cut[1]]
        )
    )
    typed = data.draw(st.lists(word, min_size=1, max_size=3))
    # Two groups of digits in a row mean one number; that rule has examples of its own above.
    typed = [
        one for i, one in enumerate(typed) if not (i and one.isdigit() and typed[i - 1].isdigit())
    ]
    connection = sqlcipher.connect(":memory:", isolation_level=None)
    for statement in SCHEMA:
        connection.execute(statement)
    search.prepare(connection)
    put(
        connection,
        *((i, n, r, f"+569{p}", "", int(a)) for i, (n, r, p, a) in enumerate(them, start=1)),
    )
    expected = {i for i, person in enumerate(them, start=1) if matches(person, typed)}
    assert set(found(connection, " ".join(typed))) == expected
    connection.close()
