"""The clinic's key pair: made with the clinic, told by half, kept from every workstation."""

from __future__ import annotations

import json
from collections.abc import Callable

import psycopg
import pyrage
import pytest
from psycopg import sql

from desktop.models import sync_schema
from desktop.services import office_key, tenants
from desktop.services.cache import executor
from sync import store, wire
from tests.office.conftest import told
from tests.support.clinic import Clinic, Station


def test_a_clinic_has_a_key_whose_halves_fit(clinic: Clinic, admin: psycopg.Connection) -> None:
    _tenant, private = office_key.identity(admin, clinic.schema)
    public = str(pyrage.x25519.Identity.from_str(private).to_public())
    assert office_key.public(admin, clinic.schema) == public
    assert clinic.value("SELECT office_key FROM sync_meta") == public


def test_migrating_gives_an_older_clinic_its_key_once(
    clinic: Clinic, admin: psycopg.Connection
) -> None:
    kept = clinic.query("SELECT office_key, office_identity FROM sync_meta")[0]
    tenants.migrate(admin, clinic.schema)
    assert clinic.query("SELECT office_key, office_identity FROM sync_meta")[0] == kept
    clinic.query("UPDATE sync_meta SET office_key = NULL, office_identity = NULL")
    try:
        told("office.no_key", lambda: office_key.identity(admin, clinic.schema))
        tenants.migrate(admin, clinic.schema)
        made = clinic.query("SELECT office_key, office_identity FROM sync_meta")[0]
        assert all(made)
        assert made != kept
    finally:
        clinic.query("UPDATE sync_meta SET office_key = %s, office_identity = %s", *kept)


def test_a_workstation_hears_the_public_half(clinic: Clinic, desk: Station) -> None:
    with desk.cache.reading() as session:
        known = store.get_state(executor(session), "office_key")
    assert known == clinic.value("SELECT office_key FROM sync_meta")


@pytest.mark.parametrize("profile", ["reception", "office"])
def test_no_workstation_reads_the_private_half(
    clinic: Clinic, stations: Callable[..., Station], profile: str
) -> None:
    station = stations(profile)
    table = sql.Identifier(clinic.schema, "sync_meta")
    hello = wire.hello_request(sync_schema(), station.cache.device)
    with station.workstation.connect() as connection:
        for columns in ("office_identity", "*"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.SQL("SELECT {} FROM {}").format(sql.SQL(columns), table))  # type: ignore[arg-type]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                sql.SQL("SELECT {}.sync_enter(%s)").format(sql.Identifier(clinic.schema)), (hello,)
            )
        answer = connection.execute(
            sql.SQL("SELECT {}.sync_hello(%s)::text").format(sql.Identifier(clinic.schema)),
            (hello,),
        ).fetchall()[0][0]
        readable = connection.execute(
            "SELECT count(*) FROM information_schema.columns WHERE column_name = 'office_identity'"
        ).fetchall()
    assert json.loads(answer)["office_key"].startswith("age1")
    assert "AGE-SECRET" not in answer
    assert readable == [(0,)]
    with station.workstation.connect() as connection:
        told("server.not_allowed", lambda: office_key.identity(connection, clinic.schema))


def test_the_web_programs_do_not_read_it(clinic: Clinic) -> None:
    with psycopg.connect(clinic.web_dsn()) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT office_identity FROM sync_meta")
