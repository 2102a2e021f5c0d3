"""Files that are cut, damaged, something else, or made to do harm: each gets its sentence."""

from __future__ import annotations

import gzip
import json
import os
import random
import string
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop.backup import foreign
from desktop.domain import messages
from desktop.domain.errors import AppError
from desktop.domain.identifiers import NO_PHONE
from tests.backup.foreign.conftest import Importing
from tests.backup.foreign.making import ROOT

Write = Callable[..., Path]
ROW = '{"model": "citas.cita", "pk": 1, "fields": {"notas": "%s"}}'
COPIED = "COPY citas_cita (id) FROM stdin;\n1\n\\.\n"
HEADED = "--\n-- PostgreSQL database dump\n--\n\n"
ENDED = "--\n-- PostgreSQL database dump complete\n--\n"

EVERY = 20
"""Of so many spoiled files one is imported, too: that takes a hundred times as long."""
SEEDS = int(os.environ.get("CONSULTORIO_FOREIGN", "1"))
"""How often 80 files of each form are spoiled."""


def packed(text: str) -> bytes:
    """As gzip has it, without the moment: tests have names of what they are given."""
    return gzip.compress(text.encode(), mtime=0)


def refused(path: Path) -> str:
    """The code that a file gets; its sentence is whole."""
    with pytest.raises(AppError) as error:
        foreign.look(path)
    for language in messages.LANGUAGES:
        messages.set_language(language)
        assert messages.sentence(error.value).endswith((".", "»."))
    return error.value.code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "foreign.empty"),
        (b" \n\t ", "foreign.empty"),
        (packed(""), "foreign.empty"),
        (b"PGDMP\x01\x0e\x00", "foreign.custom_format"),
        (packed("PGDMP\x01\x0e\x00"), "foreign.custom_format"),
        (b"age-encryption.org/v1\n-> X25519", "foreign.own_archive"),
        (b"PK\x03\x04....", "foreign.packed"),
        (b"BZh91AY", "foreign.packed"),
        (b"SQLite format 3\x00", "foreign.unknown"),
        (b"%PDF-1.7", "foreign.unknown"),
        (b"<?xml version='1.0'?><django-objects version='1.0'>", "foreign.unknown"),
        (b"- model: auth.user\n  pk: 1\n", "foreign.unknown"),
        (random.Random(1).randbytes(5000), "foreign.unknown"),
        (b"-- MySQL dump 10.13\nDROP TABLE IF EXISTS `a`;\n", "foreign.unknown"),
        (b"[]", "foreign.not_a_program"),
        (b"[1, 2]", "foreign.damaged"),
        (b'{"a": 1}', "foreign.not_a_program"),
        (b'[{"model": "otra.cosa", "pk": 1, "fields": {}}]', "foreign.not_a_program"),
        (b"CREATE TABLE x (id int);", "foreign.not_a_program"),
        (b"[" + ROW.encode() + b"]]", "foreign.damaged"),
        (b"[" + ROW.encode() + ROW.encode() + b"]", "foreign.damaged"),
        (b"[" + ROW.encode() + b",", "foreign.truncated"),
        (b"[" + ROW.encode()[:-9], "foreign.truncated"),
        (b'[{"a": ' + b"[" * 200_000, "foreign.too_deep"),
        (b'[{"a": ' + b'{"a":' * 100_000, "foreign.too_deep"),
        (b"[{'model': 1}]", "foreign.damaged"),
        (packed(COPIED)[:-10], "foreign.truncated"),
        (packed(COPIED * 999)[:60] + b"x" * 60, "foreign.damaged"),
        (COPIED[:-3].encode(), "foreign.truncated"),
        (b"COPY citas_cita (id) FROM stdin;\n1", "foreign.truncated"),
        (b"INSERT INTO citas_cita (id) VALUES (1", "foreign.truncated"),
        (b"INSERT INTO citas_cita (id) VALUES ('1", "foreign.truncated"),
        (COPIED.encode() + b"CREATE TABLE x (id int", "foreign.truncated"),
        (COPIED.encode() + b"DO $$ nothing", "foreign.truncated"),
        (COPIED.encode() + b"/* a /* b */", "foreign.truncated"),
        ((HEADED + COPIED).encode(), "foreign.truncated"),
        ((HEADED + COPIED + ENDED + HEADED + COPIED).encode(), "foreign.truncated"),
        (b"SET client_encoding = 'SJIS';\n" + COPIED.encode(), "foreign.encoding"),
        (b"\xff\xfe[\x00\x00\xd8\x00\x00]\x00", "foreign.encoding"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[:24],
)
def test_each_gets_its_sentence(written: Write, content: bytes, code: str) -> None:
    assert refused(written(content)) == code


def test_what_is_no_file_of_ours_to_read(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.sql") == "foreign.unreadable"
    assert refused(tmp_path) == "foreign.unreadable"
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(__file__, "toc.dat")
    assert refused(tmp_path / "x.tar") == "foreign.packed"


def test_a_bomb_is_seen_before_it_fills_anything(tmp_path: Path) -> None:
    path = tmp_path / "bomb.json.gz"
    packer = zlib.compressobj(9, wbits=31)
    with path.open("wb") as file:
        file.write(packer.compress(b"[" + ROW.encode()))
        for _ in range(90):
            file.write(packer.compress(b" " * 1_000_000))
        file.write(packer.compress(b"]") + packer.flush())
    assert path.stat().st_size < 400_000
    assert refused(path) == "foreign.bomb"


def places(content: bytes, count: int, seed: int) -> Iterator[int]:
    chooser = random.Random(seed)
    last = len(content.rstrip().removesuffix(b"--").rstrip())
    yield from (1, last - 1)
    for _ in range(count):
        yield chooser.randrange(1, last)


@pytest.mark.parametrize("form", ["sql", "json"])
def test_every_cut_is_said(small: dict[str, bytes], written: Write, form: str) -> None:
    content = small[form]
    for place in places(content, 60, 3):
        if form == "sql" and b"PostgreSQL database dump complete" in content[:place]:
            continue
        assert refused(written(content[:place])) in {
            "foreign.truncated",
            "foreign.unknown",
            "foreign.not_a_program",
        }, place
        # The beginning alone may be too short to be known for anything.
        assert place < 600 or refused(written(content[:place])) == "foreign.truncated"


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("form", ["sql", "json"])
def test_a_changed_byte_is_an_answer_or_a_look_and_never_a_crash(
    small: dict[str, bytes], written: Write, importing: Importing, form: str, seed: int
) -> None:
    """Nor where the file is imported: what of it fits is taken, beside the clinic, and all of it counted."""
    chooser = random.Random(5 + seed)
    for number in range(80):
        content = bytearray(small[form])
        for _ in range(chooser.choice((1, 1, 1, 40))):
            content[chooser.randrange(len(content))] = chooser.choice(
                (*b"'\"\\$;()[]{},\n\t\x00\xff", chooser.randrange(256))
            )
        path = written(bytes(content))
        code = "foreign.none"
        try:
            assert foreign.look(path).tables
            if number % EVERY == 0:
                with importing(path) as brought:
                    assert sum(brought.report.taken.values()) > 0
        except AppError as error:
            code = error.code
        assert code.startswith("foreign."), number


def test_nothing_of_the_file_is_ever_run(
    importing: Importing, written: Write, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    live = importing.clinic.schema
    before = importing.clinic.query("SELECT count(*) FROM pacientes_cliente")
    trick = f"'); DROP SCHEMA {live} CASCADE; --"
    path = written(
        f"\\restrict x\n\\! touch {canary}\n\\connect postgres\n`touch {canary}`;\n"
        f"CREATE TABLE public.canary (id int);\nDROP SCHEMA {live} CASCADE;\n"
        f"COPY public.canary FROM PROGRAM 'touch {canary}';\n"
        f"DO $$ BEGIN EXECUTE 'DROP SCHEMA {live} CASCADE'; END $$;\n"
        f"SELECT set_config('role', 'nobody', false), pg_sleep(100);\n"
        f"CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
        "COPY pacientes_cliente (id, nombre_completo, email, telefono, activo, fecha_registro,"
        " notas) FROM stdin;\n"
        f"1\t{trick}\ta@example.com\t{NO_PHONE}\tt\t2026-01-01 00:00:00+00\t$$; SELECT 1; \\\\! id\n"
        "\\.\n"
        'COPY pacientes_cliente (id, "nombre_completo"" text); DROP SCHEMA x; --") FROM stdin;\n'
        "2\tx\n\\.\n"
    )
    with importing(path) as brought:
        assert brought.report.taken == {"pacientes_cliente": 1}
        assert brought.report.left_of("pacientes_cliente") == 1
        assert importing.connection.execute(
            f'SELECT nombre_completo, notas FROM "{brought.schema}".pacientes_cliente'  # type: ignore[arg-type]
        ).fetchall() == [(trick, "$$; SELECT 1; \\! id")]
        assert brought.report.ignored.keys() >= {"\\", "\\restrict", "\\connect", "DROP", "DO"}
    assert not canary.exists()
    assert importing.clinic.query("SELECT count(*) FROM pacientes_cliente") == before
    assert importing.clinic.query(
        "SELECT to_regclass('public.canary'), to_regproc('public.f')"
    ) == [(None, None)]


PROBE = """
import sys
from pathlib import Path
from desktop.backup import foreign
from desktop.domain.errors import AppError

def most():
    return Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]

before = most()
try:
    foreign.look(Path(sys.argv[1]))
except AppError as error:
    print(error.code, end=" ")
print(before, most())
"""


def big(kind: str) -> Iterator[bytes]:
    """Contents that a careless reader would hold whole: many times what it may take."""
    filler = (string.ascii_letters * 20_000).encode()
    many = range(15)
    match kind:
        case "one line":
            yield b"COPY citas_cita (id) FROM stdin;\n"
            yield from (filler for _ in many)
            yield b"\n\\.\n"
        case "one text":
            yield b"INSERT INTO citas_cita (id, notas) VALUES (1, '"
            yield from (filler for _ in many)
            yield b"');\n"
        case "one quoted text":
            yield b"INSERT INTO citas_cita (id, notas) VALUES (1, E'"
            yield from (b"''\\n" * 250_000 for _ in range(3))
            yield b"');\n"
        case "one statement":
            yield b"INSERT INTO citas_cita (id) VALUES (1)"
            yield from (b", (2)" * 75_000 for _ in range(2))
            yield b";\n"
        case "one word":
            yield COPIED.encode() + b"CREATE "
            yield from (filler for _ in many)
            yield b";\n"
        case "many names":
            yield COPIED.encode()
            yield from (
                b"COPY t%d_%s (id) FROM stdin;\n\\.\n" % (n, filler[:30]) for n in range(30_000)
            )
        case "many columns":
            yield COPIED.encode() + b"CREATE TABLE citas_cita ("
            yield from (
                b", ".join(b"c%d_%d int" % (m, n) for n in range(20_000)) + b"," for m in range(5)
            )
            yield b"x int);\n"
        case "one object":
            yield b'[{"model": "citas.cita", "pk": 1, "fields": {"notas": "'
            yield from (filler for _ in many)
            yield b'"}}]'
        case "many lists":
            yield b'[{"model": "citas.cita", "pk": 1, "fields": {"a": [[]'
            yield from (b",[]" * 300_000 for _ in range(6))
            yield b"]}}]"
        case "many models":
            yield b"[" + ROW.encode()
            yield from (
                json.dumps({"model": f"a{n}.b{n}", "pk": n, "fields": {}})
                .encode()
                .join((b",", b""))
                for n in range(40_000)
            )
            yield b"]"


@pytest.mark.parametrize(
    ("kind", "megabytes"),
    [
        *(("one line", 4), ("one text", 4), ("one quoted text", 12), ("one statement", 4)),
        *(("one word", 4), ("many names", 4), ("many columns", 4), ("one object", 6)),
        *(("many lists", 28), ("many models", 4)),
    ],
)
def test_memory_stays_small_whatever_the_file_does(
    tmp_path: Path, kind: str, megabytes: int
) -> None:
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.writelines(big(kind))
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, str(path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    before, after = map(int, ran.stdout.split()[-2:])
    assert after <= 100 * 1024, f"{after // 1024} MB"
    assert after - before <= megabytes * 1024, f"{(after - before) // 1024} MB more"


IMPORT = """
import datetime, sys
from pathlib import Path
from zoneinfo import ZoneInfo
import psycopg
from desktop.backup import foreign
from desktop.services.tenancy import Migrations
with psycopg.connect(sys.argv[2], autocommit=True) as connection:
    with foreign.brought_in(
        connection, foreign.look(Path(sys.argv[1])), live=sys.argv[3], tenancy=Migrations(),
        zone=ZoneInfo("UTC"), now=datetime.datetime.now(datetime.UTC),
    ) as brought:
        print(brought.report.rows)
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def test_a_whole_import_stays_within_a_hundred_megabytes(
    importing: Importing, tmp_path: Path
) -> None:
    path = tmp_path / "big.json"
    fields = {"nombre_completo": "Ñandú", "notas": "x" * 1500, "telefono": NO_PHONE}
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for key in range(1, 20_001):
            row = {"model": "pacientes.cliente", "pk": key, "fields": fields | {"email": str(key)}}
            file.write(("," if key > 1 else "") + json.dumps(row))
        file.write("]")
    assert path.stat().st_size > 30_000_000
    ran = subprocess.run(
        [sys.executable, "-c", IMPORT, str(path), importing.clinic.dsn, importing.clinic.schema],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    rows, kilobytes = map(int, ran.stdout.split())
    assert rows == 20_000
    assert kilobytes <= 100 * 1024, f"{kilobytes // 1024} MB"
