"""Whatever a file holds, each of its rows is taken, or left with a reason; nothing else is made up."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from desktop.backup import catalog, foreign
from desktop.backup.foreign_dump import DumpReader
from desktop.backup.foreign_json import Entry, entries
from desktop.backup.foreign_load import Loading
from desktop.backup.foreign_programs import CLINIC, TENANTS, chosen, wanted
from desktop.backup.foreign_report import LEAVING, Finding
from desktop.backup.foreign_values import LONGEST_VISIT
from desktop.domain.errors import AppError
from desktop.domain.statuses import ACTIVE
from desktop.services.tenancy import Migrations
from tests.backup.foreign.conftest import NOW
from tests.support.clinic import ZONE, Clinic

SCHEMA = "tablas_desnudas"
LIVE = "clinica"
BIG = 5 << 39


@pytest.fixture(scope="session")
def bare(shared_clinic: Clinic) -> Iterator[psycopg.Connection]:
    """The tables of a throwaway schema, and what every clinic forbids: two visits at once."""
    with psycopg.connect(shared_clinic.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        migrations = Migrations()
        migrations.tables(connection, SCHEMA, migrations.head())
        for constraint in catalog.constraints(connection, shared_clinic.schema):
            if constraint.kind == "x":
                connection.execute(
                    sql.SQL("ALTER TABLE {} ADD ").format(sql.Identifier(SCHEMA, constraint.table))
                    + sql.SQL(constraint.definition)  # type: ignore[arg-type]
                )
        yield connection


class Result:
    """What came of a list of entries."""

    def __init__(self, connection: psycopg.Connection, entries: list[Entry], program: Any) -> None:
        taken = chosen(program, Counter(entry.label for entry in entries))
        loading = Loading(connection, SCHEMA, LIVE, taken, ZONE, NOW)
        self.rows: dict[str, list[dict[str, Any]]] = {}
        with connection.transaction(force_rollback=True):
            catalog.plain_settings(connection)
            loading.make_tables()
            loading.entries(iter(entries))
            loading.finish()
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in loading.taken:
                cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
                self.rows[table] = cursor.execute(
                    sql.SQL("SELECT * FROM {} ORDER BY id").format(sql.Identifier(SCHEMA, table))
                ).fetchall()
        self.seen, self.taken = loading.seen, loading.taken
        self.findings: dict[tuple[str, str, str], Finding] = {
            (finding.code, finding.table, finding.column): finding
            for finding in loading.findings.all()
        }

    def left(self, table: str) -> int:
        return sum(
            f.count for (code, of, _), f in self.findings.items() if of == table and code in LEAVING
        )

    def codes(self, table: str) -> dict[str, int]:
        found: Counter[str] = Counter()
        for (code, of, _column), finding in self.findings.items():
            if of == table:
                found[code] += finding.count
        return dict(found)


ANY_KEY = st.sampled_from(
    ["1", "2", "3", "4", "0", "-7", str(BIG), str(BIG + 1), "x", "9" * 25, None]
)
REFERENCE = st.sampled_from(
    [None, "1", "2", "3", str(BIG), ["ana"], ["nadie"], [], "x", True, {"a": "b"}]
)
ODD = st.sampled_from([None, "", "x", True, "1", "\x00", "\ud800", "9" * 400, ["a"], "2026-13-45"])
NAME = st.sampled_from(["Ana", "Beto", "ana@example.com"]) | ODD
MOMENT = st.sampled_from(
    [
        "2026-11-23T09:00:00Z",
        "2026-11-23T09:15:00",
        "2026-11-23 09:20:00-03",
        "9999-12-31T23:59:59Z",
    ]
)


def entry(label: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Entry]:
    return st.builds(Entry, st.just(label), ANY_KEY, st.fixed_dictionaries({}, optional=fields))


ENTRIES = st.lists(
    entry("auth.user", username=NAME, password=ODD, email=NAME, is_active=ODD, groups=ODD)
    | entry("personal.perfil", user=REFERENCE, nombre_completo=NAME, rol=NAME, email=NAME)
    | entry("pacientes.cliente", user=REFERENCE, nombre_completo=NAME, email=NAME, rut=NAME,
            dentista_asignado=REFERENCE, fecha_nacimiento=ODD)
    | entry("cuentas.perfilcliente", user=REFERENCE, nombre_completo=NAME)
    | entry("citas.tiposervicio", nombre=NAME, precio_base=st.sampled_from(["1", "1.005", "NaN", "1e9"]),
            duracion_estimada=st.sampled_from(["20", "0", "-5", "99999999", None]))
    | entry("citas.horariodentista", dentista=REFERENCE, dia_semana=REFERENCE,
            hora_inicio=st.just("09:00"), hora_fin=st.sampled_from(["10:00:00", "24:00:00"]))
    | entry("citas.cita", fecha_hora=MOMENT | ODD, cliente=REFERENCE, dentista=REFERENCE,
            estado=st.sampled_from(["reservada", "CONFIRMADA ", "agendada", "rara", "completada"]),
            tipo_servicio=REFERENCE, precio_cobrado=ODD, creada_por=REFERENCE)
    | entry("finanzas.egresomanual", monto=ODD, descripcion=NAME, fecha=st.just("2026-01-02")),
    max_size=25,
)  # fmt: skip


@settings(max_examples=40)
@given(entries=ENTRIES)
def test_every_row_is_taken_or_left(bare: psycopg.Connection, entries: list[Entry]) -> None:
    result = Result(bare, entries, CLINIC)
    in_file = Counter(CLINIC_TARGETS[entry.label] for entry in entries)
    assert dict(result.seen) == dict(in_file)
    for table, seen in in_file.items():
        assert result.taken[table] + result.left(table) == seen, (table, result.findings)
        assert len(result.rows[table]) == result.taken[table]
        assert all(0 < row["id"] < 1 << 39 for row in result.rows[table])
    keys = {
        table: {int(e.key) for e in entries if CLINIC_TARGETS[e.label] == table and _plain(e.key)}
        for table in in_file
    }
    for table, rows in result.rows.items():
        kept = {row["id"] for row in rows}
        numbered = result.codes(table).get("numbered", 0)
        assert len(kept - keys[table]) <= numbered, "only what had no usable key has another"


CLINIC_TARGETS = {name: source.target for source in CLINIC.sources for name in source.names}


def _plain(key: str | None) -> bool:
    return key is not None and key.isdigit() and 0 < int(key) < 1 << 39


def cita(key: str | None, starts: str, **fields: Any) -> Entry:
    return Entry("citas.cita", key, {"fecha_hora": starts, "estado": "reservada", **fields})


def staff(key: str, **fields: Any) -> Entry:
    return Entry("personal.perfil", key, {"nombre_completo": "P", "rol": "dentista", **fields})


STAMPS = {"creada_el": "2026-01-01T00:00:00Z", "actualizada_el": "2026-01-01T00:00:00Z"}


def test_keys_of_workstations_get_numbers_of_the_server(bare: psycopg.Connection) -> None:
    result = Result(
        bare,
        [
            staff("4"),
            staff(str(BIG)),
            cita("9", "2026-11-23T09:00:00Z", dentista=str(BIG)),
            cita(str(BIG + 3), "2026-11-23T11:00:00Z", dentista="4"),
        ],
        CLINIC,
    )
    assert [row["id"] for row in result.rows["personal_perfil"]] == [4, 5]
    assert [(r["id"], r["dentista_id"]) for r in result.rows["citas_cita"]] == [(9, 5), (10, 4)]
    assert result.findings["numbered", "personal_perfil", ""].examples == (str(BIG),)


def test_natural_keys_find_their_accounts(bare: psycopg.Connection) -> None:
    accounts = [Entry("auth.user", None, {"username": name}) for name in ("ana", "beto", "ana")]
    web = [
        Entry("cuentas.perfilcliente", key, {"nombre_completo": "W", "user": [name]})
        for key, name in (("1", "beto"), ("2", "nadie"))
    ]
    result = Result(
        bare, [*accounts, staff("1", user=["ana"]), staff("2", user=["x"]), *web], CLINIC
    )
    ids = {row["username"]: row["id"] for row in result.rows["auth_user"]}
    assert ids.keys() == {"ana", "beto"}
    assert [row["user_id"] for row in result.rows["personal_perfil"]] == [ids["ana"], None]
    assert [row["user_id"] for row in result.rows["cuentas_perfilcliente"]] == [ids["beto"]]
    assert result.codes("auth_user")["taken"] == 1
    assert result.codes("cuentas_perfilcliente")["no_parent"] == 1
    # A number says nothing where the accounts have none in the file.
    result = Result(bare, [*accounts, staff("1", user="1")], CLINIC)
    assert [row["user_id"] for row in result.rows["personal_perfil"]] == [None]


def test_what_hangs_on_a_row_that_is_left(bare: psycopg.Connection) -> None:
    result = Result(
        bare,
        [
            Entry("personal.perfil", "1", {"rol": "dentista"}),
            Entry("citas.horariodentista", "1", {"dentista": "1", "dia_semana": "0",
                  "hora_inicio": "09:00", "hora_fin": "10:00"}),
            cita("1", "2026-11-23T09:00:00Z", dentista="1", cliente="77"),
        ],
        CLINIC,
    )  # fmt: skip
    assert result.codes("personal_perfil")["missing"] == 1
    assert result.codes("citas_horariodentista")["no_parent"] == 1
    assert result.findings["unreferred", "citas_cita", "dentista_id"].examples == ("1",)
    assert result.findings["unreferred", "citas_cita", "cliente_id"].count == 1
    assert result.rows["citas_cita"][0]["cliente_id"] is None


@settings(max_examples=25)
@given(
    visits=st.lists(
        st.tuples(
            st.integers(0, 16),
            st.sampled_from(["1", "2", None]),
            st.sampled_from([None, "1", "2"]),
            st.sampled_from(["reservada", "en_progreso", "completada", "disponible"]),
        ),
        max_size=20,
    )
)
@example(  # The third begins within the first, when the second is over.
    visits=[(0, "1", "2", "reservada"), (1, "1", "1", "reservada"), (4, "1", "1", "reservada")]
)
def test_overlaps_are_kept_and_said(bare: psycopg.Connection, visits: list[Any]) -> None:
    start = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
    services = [
        Entry(
            "citas.tiposervicio", key, {"nombre": key, "precio_base": "1", "duracion_estimada": m}
        )
        for key, m in (("1", "20"), ("2", "90"))
    ]
    made = [
        cita(str(n), (start + dt.timedelta(minutes=15 * at)).isoformat(), dentista=whose,
             tipo_servicio=service, estado=status)
        for n, (at, whose, service, status) in enumerate(visits, 1)
    ]  # fmt: skip
    # The exclusion constraint is there: a pair that it forbids would fail the load.
    result = Result(bare, [staff("1"), staff("2"), *services, *made], CLINIC)
    rows = result.rows.get("citas_cita", [])
    assert [row["id"] for row in rows] == list(range(1, len(visits) + 1))
    marked = [row for row in rows if row["sobrecupo_motivo"]]
    assert len(marked) == result.codes("citas_cita").get("overbooked", 0)
    for row in marked:
        other = rows[int(row["sobrecupo_motivo"].rsplit(" ", 1)[1]) - 1]
        assert row["estado"] in ACTIVE
        assert other["estado"] in ACTIVE
        assert not other["sobrecupo_motivo"]
        assert other["dentista_id"] == row["dentista_id"]
        assert other["fecha_hora"] <= row["fecha_hora"] < other["fin"]


def test_values_and_their_findings(bare: psycopg.Connection) -> None:
    result = Result(
        bare,
        [
            cita("1", "2026-11-23T09:00:00", estado=" Agendada", precio_cobrado="12500.5", **STAMPS),
            cita("2", "2026-11-24T09:00:00-03:00", estado="rara", precio_cobrado="0.005", **STAMPS),
            cita("3", "2026-11-25T09:00:00Z", notas="a\x00b\ud800", paciente_nombre="x" * 200, **STAMPS),
            cita("4", "ayer", **STAMPS),
            Entry("citas.cita", "5", {}, too_large=True),
            cita("1", "2026-11-26T09:00:00Z", **STAMPS),
            Entry("pacientes.cliente", "1", {"nombre_completo": "A", "email": "a@x.cl", "rut": ""}),
            Entry("pacientes.cliente", "2", {"nombre_completo": "B", "email": "a@x.cl", "rut": ""}),
            Entry("citas.auditorialog", "1", {"accion": "a", "modulo": "m", "descripcion": "d",
                  "fecha_hora": "2026-01-01T00:00:00Z", "ip_address": "no", "objeto_id": "99999999999"}),
        ],
        CLINIC,
    )  # fmt: skip
    visits = result.rows["citas_cita"]
    assert [row["id"] for row in visits] == [1, 2, 3]
    assert visits[0]["fecha_hora"] == dt.datetime(2026, 11, 23, 9, tzinfo=ZONE)
    assert [row["estado"] for row in visits] == ["reservada", "rara", "reservada"]
    assert [str(row["precio_cobrado"]) for row in visits] == ["12500.50", "None", "None"]
    assert visits[2]["notas"] == "a\ufffdb\ufffd"
    assert len(visits[2]["paciente_nombre"]) == 150
    assert result.codes("citas_cita") == {
        "no_zone": 1,
        "status_mapped": 1,
        "status_unknown": 1,
        "emptied": 1,
        "cleaned": 1,
        "shortened": 1,
        "unreadable": 1,
        "too_large": 1,
        "twice": 1,
    }
    clients = result.rows["pacientes_cliente"]
    assert [row["email"] for row in clients] == ["a@x.cl", "sin-correo-2@sin-correo.invalid"]
    assert [row["rut"] for row in clients] == [None, None]
    audit = result.rows["citas_auditorialog"][0]
    assert (audit["ip_address"], audit["objeto_id"]) == (None, None)


def test_services_of_a_plausible_length(bare: psycopg.Connection) -> None:
    made = [
        Entry("citas.tiposervicio", str(n), {"nombre": str(n), "precio_base": "1", "duracion_estimada": text})
        for n, text in enumerate((str(LONGEST_VISIT), str(LONGEST_VISIT + 1), "-20", "una hora"), 1)
    ]  # fmt: skip
    result = Result(bare, made, CLINIC)
    lengths = [row["duracion_estimada"] for row in result.rows["citas_tiposervicio"]]
    assert lengths == [LONGEST_VISIT, None, -20, None], (
        "less than nothing: the usual length, as ever"
    )
    assert result.codes("citas_tiposervicio")["emptied"] == 2


@pytest.mark.parametrize(
    ("theirs", "numbers"),
    [
        ((1, 2, 3), [(3, "la misma"), (51, "otra"), (52, "la misma")]),
        ((1, 2, 70), [(3, "la misma"), (70, "la misma"), (71, "otra")]),
    ],
)
def test_entries_find_their_own_numbers_among_the_live_ones(
    bare: psycopg.Connection, theirs: tuple[int, ...], numbers: list[tuple[int, str]]
) -> None:
    """One that is there already has its number there; others get numbers that nobody has."""
    moment = "2026-01-01T00:00:00+00:00"
    texts = ("la misma", "otra", "la misma")
    with bare.transaction(force_rollback=True):
        for number, text in ((1, "de antes"), (2, "de antes"), (3, "la misma"), (50, "la última")):
            bare.execute(
                sql.SQL(
                    "INSERT INTO {} (id, accion, modulo, descripcion, fecha_hora)"
                    " VALUES (%s, 'crear', 'citas', %s, %s)"
                ).format(sql.Identifier(LIVE, "citas_auditorialog")),
                (number, text, moment),
            )
        made = [
            Entry("citas.auditorialog", str(key), {"accion": "crear", "modulo": "citas",
                  "descripcion": text, "fecha_hora": moment})
            for key, text in zip(theirs, texts, strict=True)
        ]  # fmt: skip
        rows = Result(bare, made, CLINIC).rows["citas_auditorialog"]
    assert [(row["id"], row["descripcion"]) for row in rows] == numbers


def test_accounts_of_another_program(bare: psycopg.Connection) -> None:
    fields = {"correo": "a@x.cl", "nombre": "Ana", "apellido": "Soto", "password": "!x", "rol": "2"}
    result = Result(bare, [Entry("usuarios.usuario", "1004", fields)], TENANTS)
    row = result.rows["auth_user"][0]
    assert (row["id"], row["username"], row["email"]) == (1004, "a@x.cl", "a@x.cl")
    assert (row["first_name"], row["last_name"], row["is_superuser"]) == ("Ana", "Soto", False)
    assert ("column_left", "auth_user", "rol") in result.findings


ODD_BYTES = [b"9" * 20, "😀".encode(), b"NULL", b"'", b"-1", b"infinity", b"1e999", b"0001-01-01+14",
             b"\\x00", b"\\u0000", b"\\ud800", b"true", b"\t", b"\n"]  # fmt: skip


def damaged(content: bytes, chooser: random.Random) -> bytes:
    """``content`` with bytes that were changed, lost, repeated or put in."""
    made = bytearray(content)
    for _ in range(chooser.choice((1, 2, 5, 30))):
        at = chooser.randrange(len(made))
        match chooser.randrange(4):
            case 0:
                made[at] = chooser.randrange(256)
            case 1:
                del made[at : at + chooser.randrange(1, 40)]
            case 2:
                other = chooser.randrange(len(made))
                made[at:at] = made[other : other + chooser.randrange(1, 60)]
            case 3:
                made[at:at] = chooser.choice(ODD_BYTES)
    return bytes(made)


@pytest.mark.parametrize("form", ["sql", "json"])
def test_damaged_files_are_refused_or_accounted_for(
    bare: psycopg.Connection, small: dict[str, bytes], tmp_path: Path, form: str
) -> None:
    chooser = random.Random(11)
    path = tmp_path / "damaged"
    loaded = 0
    for _ in range(40):
        path.write_bytes(damaged(small[form], chooser))
        try:
            seen = foreign.look(path)
        except AppError:
            continue
        rows: Counter[str] = Counter()
        for (_schema, table), count in seen.places.items():
            rows[table] += count
        taken = chosen(CLINIC, rows)
        loading = Loading(bare, SCHEMA, LIVE, taken, ZONE, NOW)
        with bare.transaction(force_rollback=True), seen.file.feed() as feed:
            catalog.plain_settings(bare)
            loading.make_tables()
            if form == "json":
                loading.entries(entries(feed, seen.encoding))
            else:
                for block in DumpReader(feed, wanted()).blocks():
                    if block.table in taken:
                        loading.block(block)
            loading.finish()
            bare.execute("SET CONSTRAINTS ALL IMMEDIATE")
        left: Counter[str] = Counter()
        for finding in loading.findings.all():
            if finding.code in LEAVING:
                left[finding.table] += finding.count
        for table, count in loading.seen.items():
            assert count == loading.taken[table] + left[table] if count else not left[table]
        loaded += 1
    assert loaded > 3
