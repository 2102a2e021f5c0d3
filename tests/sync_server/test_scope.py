"""What a device may have: rows by whose patients they are of, columns by profile."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from desktop.domain.statuses import Status
from desktop.models.base import Base
from desktop.models.synced import SPECS, sync_schema
from desktop.services import migrations
from sync.schema import TableSpec, build
from sync.server import executor, install_functions
from sync.sqltext import channel
from tests.sync_server.conftest import (
    SCHEMA,
    Tenant,
    Workstation,
    client_row,
    op,
)

NOTES, CLIENTS, VISITS = "clinica_notasesion", "pacientes_cliente", "citas_cita"


def note(tenant: Tenant, client: int, staff: int | None, text: str = "t") -> int:
    made: int = tenant.one(
        f"INSERT INTO {NOTES} (cliente_id, profesional_id, texto) VALUES (%s, %s, %s) RETURNING id",
        client,
        staff,
        text,
    )
    return made


def visit(
    tenant: Tenant, client: int | None, staff: int | None, status: str = "finalizada", day: int = 1
) -> int:
    made: int = tenant.one(
        f"INSERT INTO {VISITS} (fecha_hora, estado, creada_el, actualizada_el, cliente_id,"
        " dentista_id) VALUES (make_timestamptz(2026, 11, %s, 12, 0, 0, 'UTC'), %s, now(), now(),"
        " %s, %s) RETURNING id",
        day,
        status,
        client,
        staff,
    )
    return made


def touched(tenant: Tenant) -> list[int]:
    """The rows that were sent anew since the last look."""
    rows = tenant.db.execute("SELECT row_id FROM sync_log WHERE op = 'S' ORDER BY 1").fetchall()
    tenant.db.execute("DELETE FROM sync_log WHERE op = 'S'")
    return [row for (row,) in rows]


def notes_of(device: Workstation) -> set[int]:
    return set(device.rows.get(NOTES, {}))


class Practice:
    """Two practitioners with a laptop each, a colleague who writes, the office, and a client."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.one, self.two, self.writer = (tenant.staff(name) for name in ("A", "B", "C"))
        self.client = tenant.client()
        self.note = note(tenant, self.client, self.writer)
        self.laptops = [
            tenant.device("practitioner", practitioner=staff).join()
            for staff in (self.one, self.two)
        ]
        self.office = tenant.device("office").join()

    def exchange(self) -> list[set[int]]:
        """The notes that each laptop has after an exchange."""
        for device in (*self.laptops, self.office):
            device.exchange()
        return [notes_of(device) for device in self.laptops]


@pytest.fixture
def practice(tenant: Tenant) -> Practice:
    return Practice(tenant)


# Whose patients ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [status.value for status in Status])
def test_a_visit_in_any_state_but_on_offer_and_cancelled_makes_a_patient(
    practice: Practice, status: str
) -> None:
    """Catches a filter, or a trigger, that counts other states."""
    visit(practice.tenant, practice.client, practice.one, status)
    expected = set() if status in {"disponible", "cancelada"} else {practice.note}
    assert practice.exchange() == [expected, set()]
    assert {row[0] for row in practice.laptops[0].read(NOTES)} == expected
    assert practice.laptops[1].read(NOTES) == []


def test_assigned_clients_are_patients_and_a_note_is_its_writers(practice: Practice) -> None:
    """Catches each of the two other ways to a note forgotten, and a device without practitioner
    that gets them all."""
    tenant = practice.tenant
    own = note(tenant, practice.client, practice.two)
    tenant.db.execute(
        f"UPDATE {CLIENTS} SET dentista_asignado_id = %s WHERE id = %s",
        (practice.one, practice.client),
    )
    assert practice.exchange() == [{practice.note, own}, {own}]
    assert notes_of(practice.office) == {practice.note, own}
    nobody = tenant.device("practitioner").join()
    assert nobody.read(NOTES) == []
    assert [row[0] for row in practice.laptops[0].read(NOTES)] == [practice.note, own]


# Leaving and entering ---------------------------------------------------------------------------


def test_notes_follow_the_patient_from_one_practitioner_to_the_other_and_back(
    practice: Practice,
) -> None:
    """Catches a change of scope that no log row tells of, one that is told as a deletion, and a
    note that does not come back."""
    tenant = practice.tenant
    seen = visit(tenant, practice.client, practice.one)
    practice.exchange()
    assert touched(tenant) == [practice.note]
    for step in (
        f"UPDATE {VISITS} SET dentista_id = {practice.two} WHERE id = {seen}",
        f"UPDATE {VISITS} SET dentista_id = {practice.one} WHERE id = {seen}",
        f"UPDATE {VISITS} SET estado = 'cancelada' WHERE id = {seen}",
        f"UPDATE {CLIENTS} SET dentista_asignado_id = {practice.two}",
        f"UPDATE {CLIENTS} SET dentista_asignado_id = {practice.one}",
        f"UPDATE {CLIENTS} SET dentista_asignado_id = NULL",
        f"UPDATE {VISITS} SET estado = 'no_show' WHERE id = {seen}",
        f"UPDATE {VISITS} SET cliente_id = NULL WHERE id = {seen}",
        f"UPDATE {VISITS} SET cliente_id = {practice.client} WHERE id = {seen}",
        f"DELETE FROM {VISITS} WHERE id = {seen}",
    ):
        held = practice.exchange()
        tenant.db.execute(step)
        now = [{row[0] for row in laptop.read(NOTES)} for laptop in practice.laptops]
        assert now != held, step
        for laptop, before, after in zip(practice.laptops, held, now, strict=True):
            answer = laptop.exchange()
            change = next(c for c in answer["changes"] if c["t"] == NOTES)
            assert notes_of(laptop) == after
            assert change["gone"] == change["left"] == ([] if after else [practice.note]), before
            assert change["all"] is change["rescoped"] is False
        assert touched(tenant) == [practice.note], step
    assert practice.exchange() == [set(), set()]
    assert notes_of(practice.office) == {practice.note}


def test_ordinary_work_in_the_agenda_sends_no_note(practice: Practice) -> None:
    """Catches a trigger that does not look whether a client's practitioners really changed."""
    tenant, client = practice.tenant, practice.client
    first = visit(tenant, client, practice.one, "reservada", day=1)
    other = tenant.client("Otra")
    assert touched(tenant) == [practice.note]
    for step in (
        f"UPDATE {VISITS} SET fecha_hora = fecha_hora + interval '1 day'",
        *(
            f"UPDATE {VISITS} SET estado = '{status}'"
            for status in ("confirmada", "en_espera", "en_progreso", "finalizada", "no_show")
        ),
        f"UPDATE {VISITS} SET notas = 'x', precio_cobrado = 5",
        f"UPDATE {CLIENTS} SET telefono = '1'",
    ):
        tenant.db.execute(step)
        assert touched(tenant) == [], step
    second = visit(tenant, client, practice.one, "reservada", day=2)
    visit(tenant, client, None, day=3), visit(tenant, None, practice.one, "disponible", day=4)
    visit(tenant, other, practice.two, day=5)
    visit(tenant, client, practice.two, "disponible", day=6)
    visit(tenant, client, practice.two, "cancelada", day=7)
    tenant.db.execute(f"UPDATE {VISITS} SET estado = 'cancelada' WHERE id = %s", (first,))
    tenant.db.execute(f"UPDATE {CLIENTS} SET dentista_asignado_id = %s", (practice.one,))
    tenant.db.execute(f"UPDATE {CLIENTS} SET dentista_asignado_id = NULL")
    tenant.db.execute(f"DELETE FROM {VISITS} WHERE id = %s", (first,))
    assert touched(tenant) == []
    tenant.db.execute(f"DELETE FROM {VISITS} WHERE id = %s", (second,))
    assert touched(tenant) == [practice.note]


def test_one_statement_that_moves_all_visits_of_a_client_is_seen(practice: Practice) -> None:
    """Catches a trigger that takes a visit of the same statement for one that was there before."""
    tenant = practice.tenant
    for day in (1, 2, 3):
        visit(tenant, practice.client, practice.one, day=day)
    assert practice.exchange() == [{practice.note}, set()]
    tenant.db.execute(f"UPDATE {VISITS} SET dentista_id = %s", (practice.two,))
    assert practice.exchange() == [set(), {practice.note}]
    tenant.db.execute(f"DELETE FROM {VISITS}")
    assert practice.exchange() == [set(), set()]
    tenant.db.execute(
        f"INSERT INTO {VISITS} (fecha_hora, estado, creada_el, actualizada_el, cliente_id,"
        " dentista_id) SELECT make_timestamptz(2026, 11, d, 12, 0, 0, 'UTC'), 'finalizada', now(),"
        " now(), %s, %s FROM generate_series(1, 3) d",
        (practice.client, practice.one),
    )
    assert practice.exchange() == [{practice.note}, set()]


def test_visits_that_change_places_in_one_statement_send_no_note(practice: Practice) -> None:
    """Catches a trigger that looks at each visit and not at what all of them come to."""
    tenant = practice.tenant
    for day, practitioner in enumerate((practice.one, practice.two), start=1):
        visit(tenant, practice.client, practitioner, day=day)
    assert set(touched(tenant)) == {practice.note}
    tenant.db.execute(
        f"UPDATE {VISITS} SET dentista_id = %s + %s - dentista_id", (practice.one, practice.two)
    )
    assert touched(tenant) == []
    tenant.db.execute(f"UPDATE {VISITS} SET id = id + 1000")
    assert touched(tenant) == []
    tenant.db.execute(f"UPDATE {VISITS} SET id = id + 1000, dentista_id = %s", (practice.one,))
    assert set(touched(tenant)) == {practice.note}


def test_two_who_take_away_the_last_two_visits_at_once_do_not_rely_on_one_another(
    practice: Practice,
) -> None:
    """Catches a trigger that takes a visit for granted which somebody else is just taking away."""
    tenant = practice.tenant
    visits = [visit(tenant, practice.client, practice.one, day=day) for day in (1, 2)]
    assert practice.exchange() == [{practice.note}, set()]
    sessions = [tenant.connect(autocommit=False) for _ in visits]
    for statement in (
        f"SELECT FROM {VISITS} WHERE id = %s FOR UPDATE",
        f"DELETE FROM {VISITS} WHERE id = %s",
    ):
        for session, gone in zip(sessions, visits, strict=True):
            session.execute("SET LOCAL lock_timeout = '5s'")
            session.execute(statement, (gone,))
    for session in sessions:
        session.commit()
        practice.exchange()
    assert practice.exchange() == [set(), set()]


def test_a_visit_that_others_rely_on_stays_until_they_have_committed(practice: Practice) -> None:
    """One books a second visit and says that nothing changed, because there is a first; meanwhile
    somebody cancels the first. Catches a note that is left with nobody, or lost for good."""
    tenant = practice.tenant
    first = visit(tenant, practice.client, practice.one, day=1)
    assert practice.exchange() == [{practice.note}, set()]
    touched(tenant)
    booking, cancelling = tenant.connect(autocommit=False), tenant.connect()
    booking.execute(
        f"INSERT INTO {VISITS} (fecha_hora, estado, creada_el, actualizada_el, cliente_id,"
        " dentista_id) VALUES ('2026-11-02T12:00Z', 'finalizada', now(), now(), %s, %s)",
        (practice.client, practice.one),
    )
    waiting = threading.Thread(
        target=cancelling.execute, args=(f"DELETE FROM {VISITS} WHERE id = %s", (first,))
    )
    waiting.start()
    pid = cancelling.info.backend_pid
    while not tenant.one("SELECT cardinality(pg_blocking_pids(%s)) > 0", pid):
        assert waiting.is_alive(), "nothing kept the first visit"
    booking.commit()
    waiting.join()
    assert touched(tenant) == []
    assert practice.exchange() == [{practice.note}, set()]


def test_clients_and_practitioners_that_go_take_their_notes_from_whom_they_must(
    practice: Practice,
) -> None:
    """Catches a merge, a deleted practitioner and a deleted client that leave notes behind."""
    tenant = practice.tenant
    twin = tenant.client("Ana Pérez (2)")
    theirs = note(tenant, twin, practice.writer)
    visit(tenant, practice.client, practice.one, day=1)
    visit(tenant, twin, practice.two, day=2)
    assert practice.exchange() == [{practice.note}, {theirs}]
    with tenant.db.transaction():
        tenant.db.execute(f"UPDATE {NOTES} SET cliente_id = %s", (twin,))
        tenant.db.execute(f"UPDATE {VISITS} SET cliente_id = %s", (twin,))
        tenant.db.execute(f"DELETE FROM {CLIENTS} WHERE id = %s", (practice.client,))
    both = {practice.note, theirs}
    assert practice.exchange() == [both, both]
    tenant.db.execute("DELETE FROM personal_perfil WHERE id = %s", (practice.two,))
    assert practice.exchange() == [both, set()]
    tenant.db.execute(f"DELETE FROM {CLIENTS} WHERE id = %s", (twin,))
    answer = practice.laptops[0].exchange()
    change = next(c for c in answer["changes"] if c["t"] == NOTES)
    assert (change["gone"], change["left"]) == (sorted(both), [])
    assert practice.exchange() == [set(), set()]


def test_truncation_leaves_no_note_and_no_patient_unseen(practice: Practice) -> None:
    """Of what makes patients nothing can be truncated. Catches notes that outlive a TRUNCATE."""
    tenant = practice.tenant
    visit(tenant, practice.client, practice.one)
    assert practice.exchange() == [{practice.note}, set()]
    for table in (VISITS, CLIENTS):
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            tenant.db.execute(f"TRUNCATE {table}")
        with pytest.raises(psycopg.errors.RestrictViolation):
            tenant.db.execute(f"TRUNCATE {table} CASCADE")
    tenant.db.execute(f"TRUNCATE {NOTES}")
    fresh = note(tenant, practice.client, None)
    assert practice.exchange() == [{fresh}, set()]


def test_a_laptop_that_gets_another_practitioner_gets_their_notes_instead(
    practice: Practice,
) -> None:
    """Catches notes of the one before that stay, and a copy of the cache that keeps them."""
    tenant, laptop = practice.tenant, practice.laptops[0]
    visit(tenant, practice.client, practice.one, day=1)
    other = tenant.client("Otro")
    theirs = note(tenant, other, practice.writer)
    visit(tenant, other, practice.two, day=2)
    assert practice.exchange() == [{practice.note}, {theirs}]
    copy = Workstation(tenant.connect(), laptop.number)
    copy.nonce, copy.epoch, copy.cursor = laptop.nonce, laptop.epoch, laptop.cursor
    copy.rows = {NOTES: dict(laptop.rows[NOTES])}
    laptop.exchange()
    forked = copy.exchange()
    assert forked["status"] == "forked"
    copy.number, copy.nonce = forked["device"], forked["nonce"]
    tenant.db.execute(
        "UPDATE sync_device SET practitioner_id = %s WHERE number = ANY (%s)",
        (practice.two, [laptop.number]),
    )
    answer = laptop.exchange()
    assert [(c["t"], c["all"], c["rescoped"]) for c in answer["changes"]] == [(NOTES, True, True)]
    assert notes_of(laptop) == {theirs}
    assert laptop.exchange()["changes"] == []
    assert notes_of(practice.laptops[1]) == {theirs}
    assert practice.laptops[1].exchange()["changes"] == []
    tenant.db.execute(
        "UPDATE sync_device SET practitioner_id = %s WHERE number = %s",
        (practice.two, copy.number),
    )
    copy.exchange()
    assert notes_of(copy) == {theirs}


def test_whoever_goes_on_from_a_cache_inherits_what_changed_for_it(practice: Practice) -> None:
    """A cache is copied, its device gets another practitioner, and only then the copy appears.
    Catches a copy that keeps the notes of the one before."""
    tenant, laptop = practice.tenant, practice.laptops[0]
    visit(tenant, practice.client, practice.one)
    practice.exchange()
    copy = Workstation(tenant.connect(), laptop.number)
    copy.nonce, copy.epoch, copy.cursor = laptop.nonce, laptop.epoch, laptop.cursor
    copy.rows = {NOTES: dict(laptop.rows[NOTES])}
    laptop.exchange()
    tenant.db.execute(
        "UPDATE sync_device SET practitioner_id = %s WHERE number = %s",
        (practice.two, laptop.number),
    )
    forked = copy.exchange()
    assert forked["status"] == "forked"
    copy.number, copy.nonce = forked["device"], forked["nonce"]
    copy.exchange()
    assert notes_of(copy) == set()


def test_another_profile_has_to_say_hello_and_gets_what_is_its_own(practice: Practice) -> None:
    """Catches a device that goes on reading, or being read to, as what it was."""
    tenant = practice.tenant
    other = tenant.device("office").join()
    tenant.db.execute(
        "UPDATE sync_device SET profile = 'practitioner', practitioner_id = %s WHERE number = %s",
        (practice.one, other.number),
    )
    assert other.exchange()["status"] == "hello"
    with pytest.raises(psycopg.DatabaseError) as told:
        other.read(NOTES)
    assert told.value.sqlstate == "SY002"
    assert other.hello()["status"] == "ok"
    other.rows[NOTES] = {practice.note: {}}
    other.exchange()
    assert notes_of(other) == set()


def test_an_upgrade_that_brings_another_filter_brings_the_rows_too(practice: Practice) -> None:
    """Catches laptops that were enrolled under the filter before and stay with its rows, and ones
    that read everything anew after every upgrade."""
    tenant, (one, two) = practice.tenant, practice.laptops
    visit(tenant, practice.client, practice.one)
    tenant.db.execute(
        "CREATE OR REPLACE FUNCTION sync_row_filter(tbl text, profile text, practitioner bigint)"
        " RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN tbl = 'clinica_notasesion'"
        " AND profile = 'practitioner' THEN format('r.profesional_id = %s', practitioner) END $$"
    )
    assert practice.exchange() == [set(), set()]
    for expected in ([NOTES], []):
        migrations.upgrade_tenant(tenant.db, SCHEMA)
        assert [c["t"] for c in one.exchange()["changes"] if c["rescoped"]] == expected
        assert [c["t"] for c in two.exchange()["changes"] if c["rescoped"]] == expected
        assert practice.office.exchange()["changes"] == []
        assert practice.exchange() == [{practice.note}, set()]


def test_a_touched_row_is_told_of_and_nobody_is_blamed_for_it(practice: Practice) -> None:
    """Catches a touch without a wake-up, one that passes for a change of the row, and one that
    takes a table, or a row, that is not there for an error."""
    tenant, laptop = practice.tenant, practice.laptops[0]
    tenant.db.execute(f"UPDATE {NOTES} SET profesional_id = %s", (practice.one,))
    practice.exchange()
    listener = tenant.connect()
    listener.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel(SCHEMA))))
    writer = practice.office.push(op("U", NOTES, practice.note, {"texto": "t"}, {"texto": "u"}))
    assert writer["status"] == "applied"
    assert len(list(listener.notifies(timeout=5, stop_after=1))) == 1
    tenant.db.execute("SELECT sync_touch(%s, %s)", (NOTES, [practice.note, practice.note, 99]))
    assert len(list(listener.notifies(timeout=5, stop_after=1))) == 1
    refused = laptop.push(op("U", NOTES, practice.note, {"texto": "t"}, {"texto": "v"}))
    assert (refused["code"], refused["by"]["device"]) == ("conflict", practice.office.number)
    assert touched(tenant) == sorted([99, practice.note])
    tenant.db.execute("SELECT sync_touch('nothing', '{1}'), sync_touch(%s, '{}')", (NOTES,))
    assert touched(tenant) == []


# Writing ----------------------------------------------------------------------------------------


def test_a_practitioner_writes_own_notes_and_no_others(practice: Practice) -> None:
    """Catches a scope that lets whoever reads a colleague's note rewrite it, or sign for them."""
    tenant, client, laptop = practice.tenant, practice.client, practice.laptops[0]
    visit(tenant, client, practice.one)
    practice.exchange()
    own = laptop.new_id()
    mine = {"cliente_id": client, "profesional_id": practice.one, "texto": "x"}
    assert laptop.push(op("I", NOTES, own, new=mine))["status"] == "applied"
    for edit in (
        op("U", NOTES, practice.note, {"texto": "t"}, {"texto": "u"}),
        op("D", NOTES, practice.note, {"texto": "t"}),
        op("I", NOTES, laptop.new_id(), new=mine | {"profesional_id": practice.writer}),
        op("U", NOTES, own, {"profesional_id": practice.one}, {"profesional_id": practice.two}),
    ):
        refused = laptop.push(edit)
        assert (refused["code"], refused.get("scope")) == ("forbidden", None)
    tenant.db.execute(f"DELETE FROM {VISITS}")
    refused = laptop.push(op("U", NOTES, practice.note, {"texto": "t"}, {"texto": "u"}))
    assert (refused["code"], refused["scope"]) == ("forbidden", "row")
    assert "theirs" not in refused
    assert notes_of(laptop) == {own}


# Columns ----------------------------------------------------------------------------------------


def kept_from(tenant: Tenant, table: str, profile: str, *columns: str) -> None:
    """Register the clinic's tables with columns that a profile does not get."""
    specs = [
        replace(spec, hidden_from={profile: frozenset(columns)}) if spec.name == table else spec
        for spec in SPECS
    ]
    schema = build(Base.metadata, specs, version=sync_schema().version)
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(tenant.dsn))
    with engine.begin() as connection:
        install_functions(executor(connection), SCHEMA, schema)
    engine.dispose()


def test_a_column_that_is_kept_from_a_profile_is_in_no_answer_to_it(tenant: Tenant) -> None:
    """Catches each way to a column that forgets to look: hello, read, delta, results."""
    kept_from(tenant, CLIENTS, "reception", "alergias", "notas")
    desk, office = tenant.device("reception").join(), tenant.device("office").join()
    row = tenant.client()
    tenant.db.execute(f"UPDATE {CLIENTS} SET alergias = 'secreta', notas = 'secreta'")
    answers: list[Any] = [desk.hello(), desk.start(), desk.read(CLIENTS)]
    tenant.db.execute(f"UPDATE {CLIENTS} SET telefono = '5'")
    answers.append(desk.exchange())
    assert desk.rows[CLIENTS][row]["telefono"] == "5"
    fresh = desk.new_id()
    for edit, status in (
        (op("U", CLIENTS, row, {"telefono": "4"}, {"telefono": "6"}), "conflict"),
        (op("U", CLIENTS, row, {"notas": None}, {"notas": "x"}), "forbidden"),
        (op("U", CLIENTS, row, {"notas": None, "telefono": "5"}, {"telefono": "6"}), "forbidden"),
        (op("D", CLIENTS, row, {"alergias": None}), "forbidden"),
        (op("I", CLIENTS, fresh, new=client_row(alergias=None)), "forbidden"),
        (op("U", CLIENTS, row, {"telefono": "5"}, {"telefono": "6"}), "applied"),
        (op("I", CLIENTS, fresh, new=client_row()), "applied"),
    ):
        answer = desk.exchange(_tx() | {"ops": [edit]})
        answers.append(answer)
        result = answer["results"][0]
        assert result.get("code", result["status"]) == status
        if status == "forbidden":
            assert result["scope"] == "column"
    text = str(answers)
    assert "secreta" not in text
    assert {"alergias", "notas"}.isdisjoint(
        next(t["columns"] for t in answers[0]["tables"] if t["name"] == CLIENTS)
    )
    assert {"alergias", "notas"}.isdisjoint(desk.rows[CLIENTS][row])
    assert tenant.db.execute(
        f"SELECT alergias FROM {CLIENTS} WHERE id IN (%s, %s) ORDER BY id", (row, fresh)
    ).fetchall() == [("secreta",), (None,)]
    office.exchange()
    assert office.rows[CLIENTS][row]["alergias"] == "secreta"


def _tx() -> dict[str, Any]:
    return {"tx": str(uuid.uuid4()), "actor": None, "label": "test"}


def test_a_default_is_left_to_the_server(tenant: Tenant) -> None:
    """Catches an insert that writes NULL over the default of a column that it may not name."""
    kept_from(tenant, "agenda_sala", "office", "orden")
    tenant.db.execute("ALTER TABLE agenda_sala ALTER orden SET DEFAULT 7")
    office = tenant.device("office").join()
    assert office.push(op("I", "agenda_sala", office.new_id(), new={"nombre": "1"}))["status"] == (
        "applied"
    )
    assert tenant.one("SELECT orden FROM agenda_sala") == 7


def test_a_column_that_is_kept_from_now_on_is_not_sent_to_who_was_promised_it(
    tenant: Tenant,
) -> None:
    """Catches columns that a device goes on getting because it registered them before."""
    desk, office = tenant.device("reception").join(), tenant.device("office").join()
    tenant.client()
    kept_from(tenant, CLIENTS, "reception", "notas")
    with pytest.raises(psycopg.DatabaseError) as told:
        desk.read(CLIENTS)
    assert told.value.sqlstate == "SY002"
    assert desk.exchange()["status"] == "hello"
    assert office.exchange()["status"] == "ok"
    columns = next(t["columns"] for t in desk.hello()["tables"] if t["name"] == CLIENTS)
    assert "notas" not in columns
    assert len(desk.read(CLIENTS)[0]) == len(columns)


@pytest.mark.parametrize(
    "spec",
    [
        TableSpec(CLIENTS, frozenset({"a"}), frozenset(), hidden_from={"a": frozenset({"id"})}),
        TableSpec(CLIENTS, frozenset({"a"}), frozenset(), hidden_from={"a": frozenset({"x"})}),
        TableSpec(
            CLIENTS,
            frozenset({"a"}),
            frozenset(),
            hidden_from={"a": frozenset({"rut"})},
            groups=(frozenset({"rut", "email"}),),
        ),
        TableSpec(CLIENTS, frozenset({"a"}), frozenset({"a", "b"})),
    ],
)
def test_an_impossible_scope_is_refused(spec: TableSpec) -> None:
    """Catches the key hidden, a misspelt column, half a group, and who writes without reading."""
    with pytest.raises(ValueError):
        build(Base.metadata, [spec], version=1)


# Nothing restricted anywhere ----------------------------------------------------------------------

PROFILES = ("reception", "practitioner", "office")
_FIXED: dict[tuple[str, str], Any] = {
    (VISITS, "estado"): "finalizada",
    ("finanzas_cargo", "cantidad"): 1,
    ("finanzas_cargo", "descuento"): 0,
    ("finanzas_cargo", "precio_unitario"): 5,
    ("finanzas_asignacion", "monto"): 5,
}
_KINDS: dict[str, Any] = {
    "int": 1,
    "bool": True,
    "units": 5,
    "instant": "2026-11-01T12:00:00Z",
    "date": "2026-11-01",
    "time": "12:00",
}


def mark(table: str, which: str = "") -> str:
    """A text that stands in rows of one table, and nowhere else."""
    return f"zq{sync_schema()[table].order:02}{which}"


def fill(tenant: Tenant, table: str, parents: dict[str, int], which: str = "") -> int:
    """A row with its mark in every text; references lead to ``parents``."""
    entry, values = sync_schema()[table], {}
    for column in Base.metadata.tables[table].columns:
        reference = entry.references.get(column.name)
        if column.name == "id" or column.name == "fin":
            continue
        if (table, column.name) in _FIXED:
            values[column.name] = _FIXED[table, column.name]
        elif column.name.endswith("_id"):
            if (
                not reference
                or reference == table
                or (column.nullable and reference not in parents)
            ):
                continue
            values[column.name] = parents[reference]
        elif column.name in entry.column_names and entry.column(column.name).kind != "text":
            values[column.name] = _KINDS[entry.column(column.name).kind]
        elif isinstance(column.type, sa.String):
            values[column.name] = mark(table, which)
    names = ", ".join(values)
    row: int = tenant.one(
        f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(values))}) RETURNING id",
        *values.values(),
    )
    return row


def answers_to(tenant: Tenant, device: Workstation, rows: dict[str, list[int]]) -> Iterable[str]:
    """Everything that a device can get out of the server, in words."""
    tables = [table.name for table in sync_schema().tables]
    yield str(device.hello())
    yield str(device.start())

    def reads(statement: str, *values: Any) -> str:
        try:
            return str(device.connection.execute(statement, (device.number, *values)).fetchall())
        except psycopg.errors.InsufficientPrivilege as error:
            return str(error)

    device.connection.execute(
        psycopg.sql.SQL("SET search_path = {}").format(psycopg.sql.Identifier(SCHEMA))
    )
    for table in tables:
        yield reads("SELECT * FROM sync_read(%s, %s, -1, 1000)", table)
        yield reads("SELECT * FROM sync_read_ids(%s, %s, %s::bigint[])", table, rows[table])
        yield reads("SELECT * FROM sync_sums(%s, %s, -1, 1000)", table)
        yield reads("SELECT * FROM sync_hashes(%s, %s, -1, 4095, %s)", table, device.cursor)
    for table in tables:
        texts = [c.name for c in sync_schema()[table].columns if c.kind == "text"]
        for text in texts[:1] if not sync_schema()[table].append_only else ():
            tenant.db.execute(f"UPDATE {table} SET {text} = {text} || '.'")
        tenant.db.execute("SELECT sync_touch(%s, %s)", (table, rows[table]))
    yield str(device.exchange())
    for table in tables:
        wrong = {c.name: None for c in sync_schema()[table].columns if c.name != "id"}
        for row in rows[table]:
            for edit in (
                op("U", table, row, wrong, {name: _guess(table, name) for name in wrong}),
                op("D", table, row, wrong),
                op("I", table, device.new_id(), new=wrong),
            ):
                yield str(device.exchange(_tx() | {"ops": [edit]}))


def _guess(table: str, name: str) -> Any:
    kind = sync_schema()[table].column(name).kind
    return "x" if kind == "text" else {**_KINDS, "int": 99, "bool": False}[kind]


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_that_a_profile_may_not_read_is_in_any_answer(tenant: Tenant, profile: str) -> None:
    """Every table, every function, every way to be refused. Catches any restricted row's text in
    an answer, and a test that would not see it."""
    parents: dict[str, int] = {}
    rows: dict[str, list[int]] = {}
    for table in sync_schema().tables:
        parents[table.name] = fill(tenant, table.name, parents)
        rows[table.name] = [parents[table.name]]
    stranger = fill(tenant, "personal_perfil", {}, "x")
    rows["personal_perfil"].append(stranger)
    unknown = tenant.client("Nadie")
    rows[CLIENTS].append(unknown)
    foreign = fill(tenant, NOTES, parents | {"personal_perfil": stranger, CLIENTS: unknown}, "x")
    rows[NOTES].append(foreign)
    device = tenant.device(profile, practitioner=parents["personal_perfil"])
    text = "\n".join(answers_to(tenant, device, rows))
    for table in sync_schema().tables:
        if not any(column.kind == "text" for column in table.columns):
            assert table.name in {"citas_horariodentista", "finanzas_asignacion"}
            continue
        assert (mark(table.name) in text) is (profile in table.read_by), table.name
    assert (mark(NOTES, "x") in text) is (profile == "office")
