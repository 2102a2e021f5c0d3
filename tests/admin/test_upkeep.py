"""An administrator keeps the log short and looks whether every change is captured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from desktop import cli_admin
from desktop.domain import messages
from desktop.services import migrations, upkeep
from tests.admin.conftest import ODD_NAME, Ran
from tests.support.clinic import Clinic

Run = Callable[..., Ran]


@pytest.fixture
def not_done_today(clinic: Clinic) -> None:
    clinic.query("UPDATE sync_meta SET upkeep_at = NULL")


@pytest.fixture
def damaged(clinic: Clinic) -> Iterator[None]:
    clinic.query("ALTER TABLE agenda_sala DISABLE TRIGGER sync_capture_update")
    yield
    clinic.query("ALTER TABLE agenda_sala ENABLE TRIGGER sync_capture_update")


class TestMaintain:
    @pytest.mark.usefixtures("not_done_today")
    def test_one_clinic_once_a_day(self, run: Run, clinic: Clinic) -> None:
        """Catches a command that does nothing, or works each time that it is called."""
        clinic.query("INSERT INTO agenda_sala (nombre) VALUES ('Box viejo')")
        clinic.query("UPDATE sync_log SET at = at - interval '40 days'")
        before = clinic.value("SELECT count(*) FROM sync_log")
        first = run("tenant", "maintain", ODD_NAME, "--json")
        assert first.code == 0
        (told,) = first.json["tenants"]
        assert (told["tenant"], told["state"]) == (ODD_NAME, "done")
        assert told["dropped"] >= 1
        assert before > 0 == clinic.value("SELECT count(*) FROM sync_log")
        again = run("tenant", "maintain", "--all")
        assert again.code == 0
        assert ODD_NAME in again.out
        assert "hecho hace menos de 20 horas" in again.out

    @pytest.mark.usefixtures("not_done_today")
    def test_somebody_in_the_way_is_no_failure(self, run: Run, clinic: Clinic) -> None:
        clinic.query("UPDATE sync_log SET at = at - interval '40 days'")
        clinic.query("INSERT INTO agenda_sala (nombre) VALUES ('Box lento')")
        clinic.query("UPDATE sync_log SET at = at - interval '40 days'")
        with psycopg.connect(clinic.dsn) as busy:
            busy.execute(
                "SELECT pg_advisory_xact_lock(hashtext('consultorio upkeep'), hashtext(%s))",
                (ODD_NAME,),
            )
            ran = run("tenant", "maintain", ODD_NAME, "--json")
        assert (ran.code, ran.json["tenants"][0]["state"]) == (0, "busy")

    def test_an_older_clinic_is_left_alone_and_the_others_are_not(
        self, run: Run, clinic: Clinic
    ) -> None:
        """Catches a crash over functions that are not there, and one that stops all the rest."""
        schema = "antigua"
        clinic.query(f"CREATE SCHEMA {schema}")
        try:
            with psycopg.connect(clinic.dsn, autocommit=True) as connection:
                migrations.upgrade_tenant(connection, schema)
                migrations.downgrade_tenant(connection, schema, "0001")
            clinic.query("UPDATE sync_meta SET upkeep_at = NULL")
            ran = run("tenant", "maintain", "--all", "--json")
            assert (ran.code, ran.json["error"]["code"]) == (1, "tenant.outdated")
            assert f"«{schema}»" in ran.json["error"]["message"]
            assert clinic.value("SELECT upkeep_at > now() - interval '1 minute' FROM sync_meta")
            ran = run("tenant", "check", schema, "--json")
            assert (ran.code, ran.json["error"]["code"]) == (1, "tenant.outdated")
        finally:
            clinic.query(f"DROP SCHEMA {schema} CASCADE")

    def test_which_clinic_must_be_said(self, run: Run) -> None:
        assert run("tenant", "maintain").code == 2
        ran = run("tenant", "maintain", "no hay", "--json")
        assert (ran.code, ran.json["error"]["code"]) == (1, "tenant.unknown")


class TestCheck:
    def test_a_sound_clinic(self, run: Run) -> None:
        ran = run("tenant", "check", ODD_NAME)
        assert (ran.code, ran.err) == (0, "")
        assert "registra" in ran.out
        assert run("tenant", "check", ODD_NAME, "--json").json["problems"] == []

    @pytest.mark.usefixtures("damaged")
    def test_what_is_wrong_is_said(self, run: Run, admin: psycopg.Connection) -> None:
        """Catches a check that ends with 0, and one that does not say which table."""
        ran = run("tenant", "check", ODD_NAME)
        assert (ran.code, ran.out) == (1, "")
        assert "agenda_sala: un disparador de registro está desactivado" in ran.err
        told = run("tenant", "check", ODD_NAME, "--json")
        assert told.code == 1
        assert told.json["ok"] is False
        assert told.json["error"]["code"] == "tenant.not_captured"
        assert told.json["problems"] == [{"table": "agenda_sala", "problem": "trigger_disabled"}]
        assert run("tenant", "migrate", ODD_NAME).code == 0
        assert upkeep.inventory(admin, ODD_NAME) == []

    @pytest.mark.parametrize(
        "english", [*cli_admin.UPKEEP_STATES.values(), *cli_admin.CAPTURE_PROBLEMS.values()]
    )
    def test_all_of_it_is_translated(self, english: str) -> None:
        assert messages._(english) != english
