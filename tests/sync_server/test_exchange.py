"""A push is applied exactly once, whole or not at all, and everybody is told."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from tests.sync_server.conftest import Tenant, appointment_row, client_row, op, transaction

CLIENTS = "pacientes_cliente"


def test_a_row_travels_from_one_workstation_to_the_other(tenant: Tenant) -> None:
    """Catches a delta that leaves out the pusher's own row or sends it a second time."""
    desk, laptop = tenant.device("reception").join(), tenant.device("practitioner").join()
    row = desk.new_id()
    given = transaction(op("I", CLIENTS, row, new=client_row(nombre_completo="Zoë")))
    assert desk.exchange(given)["results"] == [{"tx": given["tx"], "status": "applied"}]
    assert desk.rows[CLIENTS][row]["nombre_completo"] == "Zoë"
    laptop.exchange()
    assert laptop.rows[CLIENTS][row]["nombre_completo"] == "Zoë"
    assert desk.exchange()["changes"] == []
    assert laptop.exchange()["changes"] == []
    assert tenant.db.execute("SELECT device, actor FROM sync_log").fetchall() == [(desk.number, 7)]


def test_what_others_did_comes_without_what_was_answered_already(tenant: Tenant) -> None:
    """Catches an own transaction that comes twice where there is something else to tell."""
    desk = tenant.device("reception").join()
    assert desk.push(op("I", CLIENTS, desk.new_id(), new=client_row()))["status"] == "applied"
    other = tenant.client()
    (change,) = desk.exchange()["changes"]
    assert [row[0] for row in change["rows"]] == [other]


def test_a_repeated_exchange_is_answered_again_and_not_applied_again(tenant: Tenant) -> None:
    """The answer was lost. Catches a repeat that is applied, refused, or taken for a copy."""
    desk = tenant.device().join()
    good = transaction(op("I", CLIENTS, desk.new_id(), new=client_row()))
    bad = transaction(op("U", CLIENTS, 12345, new={"notas": "x"}))
    request = desk.request(good, bad)
    first = desk.call("sync_exchange", **request)
    again = desk.take(desk.call("sync_exchange", **request))
    made = again["results"][0].pop("made")
    assert made == [good["ops"][0]["id"]]
    assert again["results"] == first["results"]
    assert [r["status"] for r in again["results"]] == ["applied", "rejected"]
    assert tenant.one("SELECT count(*) FROM pacientes_cliente") == 1
    assert (again["nonce"], again["generation"]) == (first["nonce"], first["generation"] + 1)
    assert again["changes"] == first["changes"]
    assert desk.exchange()["status"] == "ok"


def test_a_known_transaction_in_a_new_exchange_is_not_applied_again(tenant: Tenant) -> None:
    """Catches results that are looked up by exchange instead of by transaction."""
    desk = tenant.device().join()
    given = transaction(op("I", CLIENTS, desk.new_id(), new=client_row()))
    desk.exchange(given)
    tenant.db.execute("DELETE FROM pacientes_cliente")
    assert desk.exchange(given)["results"][0]["status"] == "applied"
    assert tenant.one("SELECT count(*) FROM pacientes_cliente") == 0


def test_two_people_changing_different_fields_both_win(tenant: Tenant) -> None:
    """Catches row-level old-value checks, and a conflict over when the row was last changed."""
    slot = tenant.appointment("2026-11-24T12:00Z")
    desk, laptop = tenant.device().join(), tenant.device().join()
    desk.exchange(), laptop.exchange()
    was = tenant.one("SELECT to_json(actualizada_el) FROM citas_cita")
    for station, column, hour in ((desk, "notas", 10), (laptop, "tipo_consulta", 11)):
        result = station.push(
            op(
                "U",
                "citas_cita",
                slot,
                {column: None, "actualizada_el": was},
                {column: "mine", "actualizada_el": f"2026-11-24T{hour}:00:00+00:00"},
            )
        )
        assert result["status"] == "applied"
    assert tenant.db.execute("SELECT notas, tipo_consulta FROM citas_cita").fetchall() == [
        ("mine", "mine")
    ]


def test_the_same_field_changed_on_both_sides_is_a_conflict_that_says_all(tenant: Tenant) -> None:
    """Catches last-writer-wins, and a conflict without the other value, its author and time."""
    service = tenant.one(
        "INSERT INTO citas_tiposervicio (nombre, categoria, precio_base, activo, requiere_dentista,"
        " creado_el, actualizado_el) VALUES ('Control', 'x', 10.5, true, true, now(), now())"
        " RETURNING id"
    )
    desk, laptop = tenant.device().join(), tenant.device().join()
    change = {"precio_base": "10.50"}, {"precio_base": "12.00", "descripcion": "d"}
    mine = transaction(op("U", "citas_tiposervicio", service, *change), actor=3)
    assert desk.exchange(mine)["results"][0]["status"] == "applied"
    result = laptop.push(
        op("U", "citas_tiposervicio", service, {"precio_base": "10.50"}, {"precio_base": "11.00"})
    )
    assert {k: result[k] for k in ("status", "code", "table", "id", "columns", "theirs")} == {
        "status": "rejected",
        "code": "conflict",
        "table": "citas_tiposervicio",
        "id": service,
        "columns": ["precio_base"],
        "theirs": {"precio_base": 1200},
    }
    assert (result["by"]["device"], result["by"]["actor"]) == (desk.number, 3)
    assert result["by"]["at"].endswith("+00:00")
    assert laptop.rows["citas_tiposervicio"][service]["precio_base"] == 1200
    same = op(
        "U", "citas_tiposervicio", service, {"precio_base": "10.50"}, {"precio_base": "12.00"}
    )
    assert laptop.push(same)["status"] == "applied"


def test_a_transaction_is_applied_whole_or_not_at_all_and_blocks_nobody(tenant: Tenant) -> None:
    """Catches a missing subtransaction, and a rejection that stops the queue."""
    desk = tenant.device().join()
    half, alone = desk.new_id(), desk.new_id()
    answer = desk.exchange(
        transaction(
            op("I", CLIENTS, half, new=client_row()),
            op("I", CLIENTS, desk.new_id(), new=client_row(fecha_registro="mañana")),
        ),
        transaction(op("I", CLIENTS, alone, new=client_row())),
    )
    assert [r["status"] for r in answer["results"]] == ["rejected", "applied"]
    assert answer["results"][0]["code"] == "invalid"
    assert tenant.db.execute("SELECT id FROM pacientes_cliente").fetchall() == [(alone,)]
    changes = next(c for c in answer["changes"] if c["t"] == CLIENTS)
    assert half in changes["gone"]


def test_what_builds_on_a_rejected_transaction_is_rejected_with_it(tenant: Tenant) -> None:
    """Catches dependents by row, by column, by reference and by deletion that slip through."""
    staff, other = tenant.staff(), tenant.client()
    tenant.client("B", "taken@x.cl")
    desk = tenant.device().join()
    client = desk.new_id()
    first = transaction(op("I", CLIENTS, client, new=client_row("taken@x.cl")))
    refers = transaction(
        op(
            "I",
            "citas_cita",
            desk.new_id(),
            new=appointment_row(staff, "2026-11-24T12:00:00+00:00", cliente_id=client),
        )
    )
    edits = transaction(op("U", CLIENTS, client, {"notas": None}, {"notas": "n"}))
    conflict = transaction(op("U", CLIENTS, other, {"notas": "old"}, {"notas": "mine"}))
    follows = transaction(op("U", CLIENTS, other, {"notas": "mine"}, {"notas": "mine too"}))
    deletes = transaction(op("D", CLIENTS, other, {"notas": "mine"}))
    free = transaction(op("U", CLIENTS, other, {"rut": None}, {"rut": "1-9"}))
    results = desk.exchange(first, refers, edits, conflict, follows, deletes, free)["results"]
    assert [(r.get("code"), r.get("on")) for r in results] == [
        ("duplicate", None),
        ("depends", first["tx"]),
        ("depends", first["tx"]),
        ("conflict", None),
        ("depends", conflict["tx"]),
        ("depends", conflict["tx"]),
        (None, None),
    ]
    assert results[0]["constraint"] == "uq_pacientes_cliente_email"


def test_a_copied_cache_gets_a_number_of_its_own(tenant: Tenant) -> None:
    """Catches a stale nonce that is let through, and a copy that isn't told what arrived."""
    desk = tenant.device("reception").join()
    given = transaction(op("I", CLIENTS, desk.new_id(), new=client_row()))
    stale = desk.request(given)
    desk.exchange(given)
    desk.exchange()
    twin = desk.call("sync_exchange", **(stale | {"exchange": str(uuid.uuid4())}))
    assert twin["status"] == "forked"
    assert twin["device"] != desk.number
    assert twin["results"] == [
        {"tx": given["tx"], "status": "applied", "made": [given["ops"][0]["id"]]}
    ]
    assert desk.exchange()["status"] == "ok"
    original = desk.number
    desk.number, desk.nonce = twin["device"], twin["nonce"]
    row = desk.new_id()
    assert desk.push(op("I", CLIENTS, row, new=client_row()))["status"] == "applied"
    assert row >> 39 == twin["device"]
    assert tenant.db.execute(
        "SELECT profile, forked_from FROM sync_device WHERE number = %s", (twin["device"],)
    ).fetchall() == [("reception", original)]


def test_a_copy_is_told_to_recover_and_what_others_pushed_for_it(tenant: Tenant) -> None:
    """Catches a copy that is not told, one that keeps its number, and ids that it does not learn."""
    desk = tenant.device("reception").join()
    acked = transaction(op("I", CLIENTS, desk.new_id(), new=client_row()))
    waiting = transaction(op("I", CLIENTS, desk.new_id(), new=client_row()))
    stale = desk.request(waiting) | {"generation": 1}
    desk.exchange(acked, waiting)
    stale["exchange"] = str(uuid.uuid4())
    assert desk.call("sync_exchange", **stale) == {"status": "forked"}
    request = {
        "exchange": str(uuid.uuid4()),
        "generation": 1,
        "epoch": desk.epoch,
        "acked": [acked["tx"]],
        "waiting": [waiting["tx"]],
        "seen": {},
    }
    answer = desk.call("sync_recover", **request)
    assert (answer["status"], answer["epoch"]) == ("ok", desk.epoch)
    assert answer["device"] != desk.number
    assert answer["known"] == [acked["tx"]]
    assert answer["results"] == [
        {"tx": waiting["tx"], "status": "applied", "made": [waiting["ops"][0]["id"]]}
    ]
    assert desk.exchange()["status"] == "ok"


def test_what_a_copy_knows_and_the_server_does_not_proves_that_it_was_put_back(
    tenant: Tenant,
) -> None:
    """Catches a restoration that a copy of the device, which came first, has hidden."""
    desk = tenant.device("reception").join()
    request = {"exchange": str(uuid.uuid4()), "generation": 0, "epoch": desk.epoch, "seen": {}}
    lost = str(uuid.uuid4())
    answer = desk.call("sync_recover", **request, acked=[lost], waiting=[])
    assert answer["known"] == []
    assert answer["epoch"] != desk.epoch
    assert desk.exchange() == {"status": "epoch", "epoch": answer["epoch"]}
    assert answer["device"] > desk.number + 64


def test_a_new_number_passes_over_those_that_were_given_by_hand(tenant: Tenant) -> None:
    """Catches a fork that fails where the sequence is behind."""
    desk = tenant.device().join()
    tenant.db.execute(
        "INSERT INTO sync_device (number, role_name, profile) VALUES (%s, 'x', 'office')",
        (desk.number + 1,),
    )
    desk.nonce = str(uuid.uuid4())
    assert desk.exchange()["device"] == desk.number + 2


@pytest.mark.parametrize(
    ("change", "request_", "status"),
    [
        ("UPDATE sync_device SET revoked_at = now()", {}, "revoked"),
        ("UPDATE sync_device SET role_name = 'other'", {}, "unknown_device"),
        ("SELECT 1", {"device": 77}, "epoch"),
        ("UPDATE sync_meta SET epoch = gen_random_uuid()", {}, "epoch"),
        ("UPDATE sync_meta SET min_client_version = 9, schema_version = 9", {}, "client_too_old"),
        ("UPDATE sync_meta SET schema_version = 9", {}, "hello"),
        ("SELECT 1", {"schema_version": 9}, "server_too_old"),
        ("SELECT 1", {"protocol": 2}, "server_too_old"),
    ],
)
def test_an_exchange_that_cannot_be_says_why_and_changes_nothing(
    tenant: Tenant, change: str, request_: dict, status: str
) -> None:
    """Catches each check that is left out; the work is still accepted when the cause is gone."""
    desk = tenant.device().join()
    tenant.db.execute(change)
    given = transaction(op("I", CLIENTS, desk.new_id(), new=client_row()))
    answer = desk.call("sync_exchange", **(desk.request(given) | request_))
    assert answer["status"] == status
    assert tenant.one("SELECT count(*) FROM pacientes_cliente") == 0
    assert tenant.one("SELECT count(*) FROM sync_result") == 0


def test_while_a_migration_runs_sync_says_so_instead_of_waiting(tenant: Tenant) -> None:
    """Catches an exchange that reads a schema in the middle of its change."""
    desk = tenant.device().join()
    with tenant.db.transaction():
        tenant.db.execute(
            "SELECT pg_advisory_xact_lock(hashtext('consultorio'), hashtext(current_schema()))"
        )
        assert desk.exchange()["status"] == "migrating"
        with pytest.raises(psycopg.errors.LockNotAvailable):
            desk.read(CLIENTS)
    assert desk.exchange()["status"] == "ok"


@pytest.mark.parametrize(
    ("profile", "table", "kind", "new", "code"),
    [
        ("reception", "citas_tiposervicio", "U", {"nombre": "x"}, "forbidden"),
        ("reception", "clinica_notasesion", "U", {"texto": "x"}, "forbidden"),
        ("office", "auth_user", "U", {"is_superuser": True}, "forbidden"),
        ("office", "sync_device", "U", {"profile": "office"}, "forbidden"),
        ("office", "pg_catalog.pg_authid", "U", {"rolsuper": True}, "forbidden"),
        ("office", "finanzas_pago", "U", {"monto": "1.00"}, "append_only"),
        ("office", "finanzas_cargo", "D", {}, "append_only"),
        ("office", "pacientes_cliente", "U", {"notas": "x"}, "gone"),
        ("office", "pacientes_cliente", "U", {"id": 5}, "invalid"),
        ("office", "pacientes_cliente", "U", {"notas = '' --": "x"}, "invalid"),
        ("office", "pacientes_cliente", "X", {}, "invalid"),
        ("office", "pacientes_cliente", "I", {"notas": "x"}, "foreign_id"),
    ],
)
def test_what_a_device_may_not_do_is_rejected(
    tenant: Tenant, profile: str, table: str, kind: str, new: dict, code: str
) -> None:
    """Catches each missing check; the exchange itself goes on."""
    desk = tenant.device(profile).join()
    answer = desk.exchange(transaction(op(kind, table, 5, {}, new)))
    assert answer["results"][0]["code"] == code


def test_an_operation_without_a_usable_id_is_rejected_and_not_an_error(tenant: Tenant) -> None:
    """Catches a malformed operation that would stop the queue for ever."""
    desk = tenant.device().join()
    for bad in (None, "x", -1, 1.5, 10**30, {"a": 1}):
        answer = desk.exchange(transaction(op("U", CLIENTS, bad, {}, {"notas": "x"})))
        assert answer["results"][0]["code"] == "invalid"
    assert desk.exchange(transaction(op("U", CLIENTS, 1, {}, {"notas": 2}), op("Z", "t", 1)))


def test_deleting_wants_the_old_values_and_is_done_where_the_row_is_gone(tenant: Tenant) -> None:
    """Catches a delete over somebody's change, and one that fails because it happened already."""
    note = tenant.client()
    desk = tenant.device().join()
    assert desk.push(op("D", CLIENTS, note, {"notas": "x"}))["code"] == "conflict"
    assert desk.push(op("D", CLIENTS, note, {"notas": None}))["status"] == "applied"
    assert desk.push(op("D", CLIENTS, note, {"notas": None}))["status"] == "applied"
    assert (
        desk.push(op("U", CLIENTS, note, {"notas": None}, {"notas": "y"}))["by"]["device"]
        == desk.number
    )


def test_parents_that_are_missing_and_children_that_are_there_are_told_apart(
    tenant: Tenant,
) -> None:
    """Catches foreign keys that are looked at only when the whole exchange commits."""
    desk = tenant.device().join()
    lost = op("I", CLIENTS, desk.new_id(), new=client_row(dentista_asignado_id=999))
    assert desk.push(lost)["code"] == "parent_missing"
    tenant.db.execute(
        "CREATE TABLE hijo (cliente_id bigint REFERENCES pacientes_cliente);"
        "INSERT INTO hijo VALUES (%s)" % (parent := tenant.client())
    )
    assert desk.push(op("D", CLIENTS, parent, {}))["code"] == "in_use"
    assert desk.exchange()["status"] == "ok"


def test_defaults_stay_where_an_older_program_says_nothing(tenant: Tenant) -> None:
    """Catches an insert or update that blanks columns which the client does not know."""
    room = tenant.one("INSERT INTO agenda_sala (nombre, orden) VALUES ('1', 5) RETURNING id")
    desk = tenant.device()
    desk.hello(columns={"agenda_sala": ["nombre", "id", "ghost"]})
    desk.start()
    assert desk.read("agenda_sala") == [["1", room]]
    new = desk.new_id()
    desk.push(op("I", "agenda_sala", new, new={"nombre": "2"}))
    desk.push(op("U", "agenda_sala", room, {"nombre": "1"}, {"nombre": "uno"}))
    assert tenant.db.execute(
        "SELECT nombre, orden, activa FROM agenda_sala ORDER BY id"
    ).fetchall() == [
        ("uno", 5, True),
        ("2", 0, True),
    ]


def test_a_device_gets_what_its_profile_may_read_and_no_more(tenant: Tenant) -> None:
    """Catches a profile that is looked at in one of hello, read and delta but not in the others."""
    mine, theirs, client = tenant.staff("A"), tenant.staff("B"), tenant.client()
    desk, laptop = (
        tenant.device("reception").join(),
        tenant.device("practitioner", practitioner=mine).join(),
    )
    insert = "INSERT INTO clinica_notasesion (cliente_id, profesional_id, texto) VALUES (%s, %s, 't') RETURNING id"
    own, foreign = tenant.one(insert, client, mine), tenant.one(insert, client, theirs)
    desk.exchange(), laptop.exchange()
    assert "clinica_notasesion" not in desk.rows
    assert set(laptop.rows["clinica_notasesion"]) == {own}
    assert [row[0] for row in laptop.read("clinica_notasesion")] == [own]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        desk.read("clinica_notasesion")
    assert "clinica_notasesion" not in {t["name"] for t in desk.hello()["tables"]}
    for edit in (
        op("U", "clinica_notasesion", foreign, {}, {"texto": "x"}),
        op("D", "clinica_notasesion", foreign, {}),
        op("U", "clinica_notasesion", own, {"profesional_id": mine}, {"profesional_id": theirs}),
        op("I", "clinica_notasesion", laptop.new_id(), new={"cliente_id": client, "texto": "x"}),
    ):
        assert laptop.push(edit)["code"] == "forbidden"
    accounts = next(t for t in laptop.hello()["tables"] if t["name"] == "auth_user")
    assert "password" not in accounts["columns"]


def test_a_row_that_changes_hands_leaves_one_device_and_comes_to_the_other(tenant: Tenant) -> None:
    """Catches a delta that leaves a practitioner with a colleague's note, or without an own one."""
    one, two, client = tenant.staff("A"), tenant.staff("B"), tenant.client()
    devices = [tenant.device("practitioner", practitioner=staff).join() for staff in (one, two)]
    note = tenant.one(
        "INSERT INTO clinica_notasesion (cliente_id, profesional_id, texto) VALUES (%s, %s, 't')"
        " RETURNING id",
        client,
        one,
    )
    for holder in (devices, devices[::-1]):
        for device in devices:
            device.exchange()
        assert [set(d.rows.get("clinica_notasesion", {})) for d in holder] == [{note}, set()]
        tenant.db.execute("UPDATE clinica_notasesion SET profesional_id = %s", (two,))


def test_trouble_of_the_server_is_raised_and_not_taken_for_a_rejection(tenant: Tenant) -> None:
    """Catches a deadlock or a full disk that would throw a person's work out of the queue."""
    desk = tenant.device().join()
    tenant.db.execute(
        "CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = TG_ARGV[0]; END $$"
    )
    given = transaction(op("I", CLIENTS, desk.new_id(), new=client_row()))
    request = desk.request(given)
    for state in ("40P01", "40001", "53100", "57P01", "58030", "XX000", "55P03"):
        tenant.db.execute(
            "CREATE OR REPLACE TRIGGER trouble BEFORE INSERT ON pacientes_cliente"
            f" FOR EACH ROW EXECUTE FUNCTION trouble('{state}')"
        )
        with pytest.raises(psycopg.Error) as raised:
            desk.call("sync_exchange", **request)
        assert raised.value.sqlstate == state
    tenant.db.execute("DROP TRIGGER trouble ON pacientes_cliente")
    assert desk.take(desk.call("sync_exchange", **request))["results"][0]["status"] == "applied"
