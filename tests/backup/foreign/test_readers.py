"""The readers give back what PostgreSQL and Django wrote, however it is cut into pieces."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from desktop.backup import foreign_file
from desktop.backup.foreign_dump import UNREADABLE, DumpReader
from desktop.backup.foreign_file import LARGEST_ROW, Feed, identify
from desktop.backup.foreign_json import Entry, entries
from desktop.backup.foreign_programs import wanted
from tests.backup.foreign.making import OtherProgram, pg_dump
from tests.support.embedded import Server

Write = Callable[..., Path]
Blocks = list[tuple[str, str, str, Any, list[Any]]]

TRICKS = [
    "\\.",
    "\\N",
    "'",
    "''",
    '"',
    "$$",
    "$x$",
    ";",
    "--",
    "/*",
    "*/",
    "\\",
    "\n\\.\n",
    "\t",
    "\r\n",
]
texts = st.lists(
    st.sampled_from(TRICKS)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12),
    max_size=6,
).map("".join)
rows = st.lists(st.tuples(st.none() | texts, st.none() | texts), max_size=8)


@contextmanager
def fed(path: Path, piece: int = foreign_file.PIECE) -> Iterator[Feed]:
    """A file's bytes in pieces of a size."""
    file = identify(path)
    before = foreign_file.PIECE
    foreign_file.PIECE = piece
    try:
        with file.feed() as feed:
            yield feed
    finally:
        foreign_file.PIECE = before


def read(path: Path, piece: int = foreign_file.PIECE) -> Blocks:
    """Everything in a dump; the rows of one table together."""
    found: dict[tuple[str, str, str], tuple[Any, list[Any]]] = {}
    with fed(path, piece) as feed:
        for block in DumpReader(feed, wanted()).blocks():
            key = (block.database, block.schema, block.table)
            found.setdefault(key, (block.columns, []))[1].extend(block.rows())
    return [(*key, *value) for key, value in found.items()]


def counted(path: Path, piece: int = foreign_file.PIECE) -> dict[str, int]:
    """The same by passing the rows over."""
    found: dict[str, int] = {}
    with fed(path, piece) as feed:
        for block in DumpReader(feed, wanted()).blocks():
            found[block.table] = found.get(block.table, 0) + block.count()
    return found


@pytest.fixture(scope="session")
def scratch(postgres: Server) -> Iterator[str]:
    """A database with everything that a dump may hold besides rows, and two tables to fill."""
    with postgres.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(NOT_ROWS)  # type: ignore[arg-type]
        yield dsn


NOT_ROWS = """
CREATE SCHEMA "Raro; -- $$";
SET search_path = "Raro; -- $$";
CREATE TABLE pacientes_cliente (id int PRIMARY KEY, "notas; '" text DEFAULT 'INSERT INTO x', alergias text,
    CHECK (alergias <> E'a\\'); INSERT INTO citas_cita VALUES (1);'));
CREATE TABLE citas_cita (id int, estado text);
INSERT INTO citas_cita VALUES (1, 'reservada');
COMMENT ON TABLE citas_cita IS E'COPY citas_cita (id) FROM stdin;\\n99\\n\\\\.\\n';
CREATE FUNCTION adds() RETURNS void LANGUAGE sql BEGIN ATOMIC
    INSERT INTO citas_cita VALUES (2, CASE WHEN true THEN 'x' ELSE 'y' END);
    INSERT INTO citas_cita (id) VALUES (3);
END;
CREATE FUNCTION body() RETURNS text LANGUAGE plpgsql AS $x$
BEGIN
    INSERT INTO citas_cita VALUES (4, $$;$$);
    RETURN 'COPY citas_cita FROM stdin;';
END $x$;
CREATE PROCEDURE does() LANGUAGE sql AS 'INSERT INTO citas_cita VALUES (5)';
CREATE VIEW seen AS SELECT 'INSERT INTO citas_cita VALUES (6);'::text AS a;
CREATE RULE also AS ON UPDATE TO citas_cita DO ALSO
    (INSERT INTO citas_cita VALUES (7); INSERT INTO citas_cita VALUES (8););
CREATE TABLE "COPY" ("FROM stdin;" text);
INSERT INTO "COPY" VALUES (E'INSERT INTO citas_cita VALUES (9);\\n\\\\.');
"""


@settings(max_examples=25)
@given(
    rows=rows, form=st.sampled_from(["", "--inserts", "--column-inserts"]), piece=st.integers(1, 64)
)
def test_what_pg_dump_wrote_is_read_back(
    scratch: str, postgres: Server, rows: list[tuple[str | None, ...]], form: str, piece: int
) -> None:
    expected = [[str(number), *values] for number, values in enumerate(rows)]
    schema = "Raro; -- $$"
    with psycopg.connect(scratch, autocommit=True) as connection:
        table = sql.Identifier(schema, "pacientes_cliente")
        connection.execute(sql.SQL("TRUNCATE {}").format(table))
        with connection.cursor() as cursor:
            cursor.executemany(
                sql.SQL("INSERT INTO {} VALUES (%s, %s, %s)").format(table),
                [(int(str(row[0])), *row[1:]) for row in expected],
            )
    with tempfile.TemporaryDirectory() as folder:
        path = pg_dump(postgres, scratch, Path(folder) / "x.sql", *([form] if form else []))
        found = {t: (place, columns, got) for _, place, t, columns, got in read(path, piece * 16)}
        counts = counted(path)
    if expected or not form:
        columns = ("id", "notas; '", "alergias")
        assert found["pacientes_cliente"] == (schema, columns, expected)
    assert found["citas_cita"] == (schema, ("id", "estado"), [["1", "reservada"]])
    assert {name: len(got) for name, (_place, _columns, got) in found.items()} == counts
    assert found.keys() - {"pacientes_cliente"} == {"citas_cita", "COPY"}


TWO_TABLES = ("--table=clinica_demo.citas_cita", "--table=clinica_demo.auth_user")


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize(
    "form", [(), ("--inserts", "-C"), ("--column-inserts", "--rows-per-insert=9")]
)
def test_pieces_do_not_matter(
    other: OtherProgram, tmp_path: Path, form: tuple[str, ...], piece: int
) -> None:
    path = other.pg_dump(tmp_path / "x.sql", *TWO_TABLES, *form)
    whole = read(path)
    assert [block[2] for block in whole] == ["auth_user", "citas_cita"]
    assert read(path, piece) == whole
    assert counted(path, piece) == {block[2]: len(block[4]) for block in whole}


values = st.recursive(
    st.none() | st.booleans() | st.integers().map(str) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.lists(
    st.tuples(
        st.sampled_from(["citas.cita", "auth.user", "otra.cosa"]),
        st.integers(0, 99).map(str),
        st.dictionaries(st.text(max_size=8), values, max_size=4),
    ),
    max_size=6,
)


@given(
    objects=objects,
    piece=st.integers(1, 64),
    indent=st.sampled_from([None, 2]),
    lines=st.booleans(),
)
def test_what_json_wrote_is_read_back(
    objects: list[tuple[str, str, dict[str, Any]]], piece: int, indent: int | None, *, lines: bool
) -> None:
    made = [{"model": model, "pk": key, "fields": fields} for model, key, fields in objects]
    if lines:
        text = "\n".join(json.dumps(one) for one in made) or "{}"
    else:
        text = json.dumps(made, indent=indent, ensure_ascii=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        if "\\ud" not in text.encode("utf-8", "replace").decode() and _has_surrogates(text):
            return
        with fed(path, piece) as feed:
            found = list(entries(feed))
    if made or not lines:
        assert found == [Entry(*one) for one in objects]


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def test_a_row_that_is_far_too_large_is_passed_over(written: Write) -> None:
    large = "x" * (LARGEST_ROW + 10)
    copied = f"COPY citas_cita (id, notas) FROM stdin;\n1\ta\n2\t{large}\n3\tc\n\\.\n"
    assert read(written(copied))[0][4] == [["1", "a"], None, ["3", "c"]]
    inserted = "INSERT INTO citas_cita (id, notas) VALUES (1, 'a'), (2, '{}'), (3, E'c\\n');\n"
    found = read(written(inserted.format(large)))[0][4]
    assert found == [["1", "a"], ["2", UNREADABLE], ["3", "c\n"]]
    quoted = "INSERT INTO citas_cita (id, notas) VALUES (1, $q${}$q$), (2, $q$b$q$);\n"
    assert read(written(quoted.format(large)))[0][4] == [["1", UNREADABLE], ["2", "b"]]
    made = [
        {"model": "citas.cita", "pk": number, "fields": {"notas": text, "n": '\\"}]'}}
        for number, text in ((1, "a"), (2, '\\"}]' + large), (3, "c"))
    ]
    with identify(written(json.dumps(made))).feed() as feed:
        assert [(e.label, e.key, e.too_large) for e in entries(feed)] == [
            ("citas.cita", "1", False),
            ("citas.cita", None, True),
            ("citas.cita", "3", False),
        ]


def test_each_clinic_has_its_own_columns(written: Write) -> None:
    made = "CREATE TABLE {}.citas_cita ({});\n"
    path = written(
        "SET x = 1;\n"
        + made.format("a", "id int, notas text")
        + made.format("b", "notas text, id int")
        + "INSERT INTO a.citas_cita VALUES (1, 'x');\n"
        + "INSERT INTO b.citas_cita VALUES ('y', 2);\n"
        + "INSERT INTO c.citas_cita VALUES (3, 'z');\n"
        + "\\connect other\n"
        + "INSERT INTO a.citas_cita VALUES (4, 'u');\n"
    )
    assert [(schema, columns, rows) for _, schema, _, columns, rows in read(path)] == [
        ("a", ("id", "notas"), [["1", "x"]]),
        ("b", ("notas", "id"), [["y", "2"]]),
        ("c", None, [None]),
        ("a", None, [None]),
    ]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT INTO a.citas_cita (id, n) VALUES (-1, 1.5e3);", [["-1", "1.5e3"]]),
        ("INSERT INTO citas_cita (id, n) VALUES ('x'::text, '{}'::jsonb);", [["x", "{}"]]),
        ("INSERT INTO citas_cita (id, n) VALUES (nextval('s'), (SELECT 1));", [[UNREADABLE] * 2]),
        ("INSERT INTO citas_cita (id, n) VALUES (1, DEFAULT);", [["1", UNREADABLE]]),
        ("INSERT INTO citas_cita (id, n) VALUES (1);", [None]),
        ("INSERT INTO citas_cita (id) OVERRIDING SYSTEM VALUE VALUES (1) ON CONFLICT DO NOTHING;", [["1"]]),
        ("INSERT INTO citas_cita VALUES (1);", [None]),
        ("INSERT INTO citas_cita (id) VALUES (1), 2;", [["1"], None]),
        ("INSERT INTO citas_cita (id, n) VALUES ('it''s', E'a\\tb\\'\\x41\\u00f1');", [["it's", "a\tb'Añ"]]),
        ("SET standard_conforming_strings = off; INSERT INTO citas_cita (n) VALUES ('a\\'b');", [["a'b"]]),
        ("SET standard_conforming_strings = off; INSERT INTO citas_cita (n, m) VALUES ('a\\tb', '\\\\');",
         [["a\tb", "\\"]]),
        ("INSERT INTO citas_cita (id, n) VALUES (1 + 2, 'a' || 'b');", [[UNREADABLE] * 2]),
        ("INSERT INTO citas_cita (id, n) VALUES ($$it's$$, $a$x$$y$a$);", [["it's", "x$$y"]]),
        ("insert into ONLY_ (id) select 1; INSERT INTO \"citas_cita\" (\"id\") VALUES (1);", [["1"]]),
        ("COPY citas_cita (id, n) FROM stdin;\n1\t\\\\N\\x41\\101\\v\n\\.\n", [["1", "\\NAA\v"]]),
        ("COPY citas_cita (id, n) FROM stdin WITH (FORMAT csv);\n1,2\n\\.\n", [None]),
        ("COPY citas_cita (id, n) FROM stdin;\n1\t2\t3\n\n\\.\n", [None, None]),
        ("CREATE TABLE citas_cita (id int, n text, PRIMARY KEY (id));\nCOPY citas_cita FROM stdin;\n1\t2\n\\.\n",
         [["1", "2"]]),
        ("/* a /* b */ INSERT INTO citas_cita (id) VALUES (7); */ INSERT INTO citas_cita (id) VALUES (1);",
         [["1"]]),
    ],
)  # fmt: skip
def test_statements_by_hand(written: Write, statement: str, expected: list[Any]) -> None:
    path = written("SET x = 1;\n" + statement)
    assert read(path)[0][4] == expected
    assert counted(path) == {"citas_cita": len(expected)}


@pytest.mark.parametrize(
    "statement",
    [
        "COPY citas_cita (id) FROM '/etc/passwd';",
        "COPY citas_cita (id) FROM PROGRAM 'id';",
        "COPY (INSERT INTO citas_cita (id) VALUES (1) RETURNING id) TO stdout;",
        "INSERT INTO citas_cita SELECT 1;",
        "INSERT INTO citas_cita DEFAULT VALUES;",
        "DO $$ BEGIN INSERT INTO citas_cita (id) VALUES (1); END $$;",
        "WITH a AS (INSERT INTO citas_cita (id) VALUES (1) RETURNING 1) SELECT 1;",
        "PREPARE p AS INSERT INTO citas_cita (id) VALUES (1);",
        "\\copy citas_cita (id) from stdin\n",
        "\\! INSERT INTO citas_cita (id) VALUES (1);\n",
        "SELECT 1 \\g |id\n;",
    ],
)
def test_no_rows_come_of(written: Write, statement: str) -> None:
    assert read(written(f"SET x = 1;\n{statement}\nSELECT 1;\n")) == []
