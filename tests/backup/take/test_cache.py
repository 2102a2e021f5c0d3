"""A backup of a workstation's own cache says what the server said, in the server's words."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from desktop.backup.take import Sealing, take_full
from desktop.backup.take_cache import take_cache
from desktop.domain.errors import RuleError
from desktop.models import sync_schema
from desktop.services.clients import Clients, NewClient
from sync import store
from sync.errors import Cancelled
from tests.backup.take.conftest import WHO, Safe
from tests.support.clinic import Clinic, Station

ODD = (
    "INSERT INTO pacientes_cliente (nombre_completo, email, rut, telefono, fecha_registro, activo,"
    " alergias, notas, fecha_nacimiento) VALUES (%s, %s, NULL, '1', '1999-12-31 23:59:59.120000+00',"
    " false, %s, '', '0099-02-28')"
)


@pytest.fixture
def full_of_oddities(clinic: Clinic) -> None:
    for number, text in enumerate(
        ("tab\tbar\\N", "a\nb\rc\bd\ve\ff\\", "ñandú 🐦 'x' \"y\"", "\\.")
    ):
        clinic.query(ODD, f"{text}", f"{number}-{text[:1].encode().hex()}@x", text)
    clinic.query(
        "INSERT INTO finanzas_ingresomanual (monto, descripcion, fecha, creado_el)"
        " VALUES (-0.05, 'x', '2026-01-01', now()), (12345678.90, 'y', '2026-01-01', now())"
    )
    yield
    clinic.query("DELETE FROM pacientes_cliente WHERE email LIKE '%@x'")


def test_it_is_to_the_byte_what_a_backup_of_the_server_has(
    clinic: Clinic,
    office: psycopg.Connection,
    office_station: Station,
    full_of_oddities: None,
    tmp_path: Path,
    safe: Safe,
) -> None:
    """Every synced table; amounts, moments, texts with all that has to be escaped."""
    clients = Clients(office_station.cache, office_station.clinic)
    clients.create(office_station.actor, NewClient(full_name="Ya Enviada", phone="987650002"))
    office_station.sync()
    with office_station.cache.reading() as session:
        from desktop.services.cache import executor

        acked = {row[0] for row in executor(session)("SELECT tx FROM sync_acked")}
    clients.create(office_station.actor, NewClient(full_name="Por Enviar", phone="987650003"))
    with office_station.cache.writing(office_station.actor, "client.update") as session:
        from sqlalchemy import text

        session.execute(text("UPDATE pacientes_cliente SET notas = 'cambiada' WHERE id = 1"))
        session.execute(text("DELETE FROM pacientes_cliente WHERE id = 2"))
    take_full(office, clinic.schema, tmp_path / "server", safe.sealing, WHO)
    connection = office_station.cache.connect()
    taken = take_cache(connection, tmp_path / "cache", safe.sealing, WHO)
    connection.close()
    server, cache = safe.open(tmp_path / "server"), safe.open(tmp_path / "cache")
    manifest, other = cache.contents.manifest, server.contents.manifest
    assert {table.name for table in manifest.tables} == {
        *(table.name for table in sync_schema().tables),
        "sync_result",
    }
    for table in manifest.tables:
        if table.name == "sync_result":
            continue
        columns = [column.name for column in other.table(table.name).columns]
        types = {column.name: column.type for column in other.table(table.name).columns}
        assert {column.name: column.type for column in table.columns}.items() <= types.items()
        places = [columns.index(column.name) for column in table.columns]
        wanted = {tuple(line[at] for at in places) for line in _lines(server.rows.get(table.name))}
        assert {tuple(line) for line in _lines(cache.rows.get(table.name))} == wanted, table.name
    assert {line[0] for line in cache.lines("sync_result")} == acked
    assert acked <= {line[0] for line in server.lines("sync_result")}
    kept = {line[0]: json.loads(line[3]) for line in server.lines("sync_result")}
    for line in cache.lines("sync_result"):
        assert json.loads(line[3]) == kept[line[0]]
    assert (manifest.source, manifest.extra["scope"]) == ("cache", "office")
    assert (manifest.tenant, manifest.epoch, manifest.clinic) == (
        other.tenant,
        other.epoch,
        other.clinic,
    )
    assert (manifest.revision, manifest.schema_version) == (other.revision, other.schema_version)
    assert taken.kind == "full"


def _lines(text: bytes | None) -> list[list[str]]:
    return [line.split("\t") for line in (text or b"").decode().split("\n")[:-1]]


def test_a_receptionists_cache_says_that_it_is_not_the_clinic(
    clinic: Clinic, tmp_path: Path, safe: Safe
) -> None:
    station = clinic.station("mesón", "reception")
    station.sync()
    connection = station.cache.connect()
    with pytest.raises(Cancelled):
        take_cache(connection, tmp_path / "a", safe.sealing, WHO, cancelled=lambda: True)
    assert list(tmp_path.iterdir()) == []
    taken = take_cache(connection, tmp_path / "a", safe.sealing, WHO)
    assert taken.contents.manifest.extra["scope"] == "reception"
    assert "clinica_notasesion" not in {t.name for t in taken.contents.manifest.tables}
    with pytest.raises(RuleError, match=r"backup_key\.missing"):
        take_cache(connection, tmp_path / "b", Sealing(safe.signer), WHO)
    store.set_state(store.executor(connection), "bootstrap", "loaded")
    with pytest.raises(RuleError, match=r"backup\.cache_incomplete"):
        take_cache(connection, tmp_path / "b", safe.sealing, WHO)
    connection.close()
