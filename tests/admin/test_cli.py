"""Every command: what it says, what it prints as JSON, and its exit code."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import keyring
import psycopg
import pytest
from psycopg import conninfo, sql

from desktop import cli
from desktop.domain import messages, passwords
from desktop.domain.sentences import admin as admin_sentences
from desktop.domain.sentences import all_sentences
from desktop.services import tenants, workstation
from desktop.services.migrations import head_version
from tests.admin.conftest import ODD_NAME, Ran
from tests.support.clinic import PASSWORD, Clinic
from tests.support.embedded import Server

Run = Callable[..., Ran]
Secret = Callable[..., Path]
SECRET = "Clave-muy-secreta-3"
PHRASE = "cuatro palabras al azar"


def failed(ran: Ran, code: str, exit_code: int = 1) -> str:
    """The sentence of a failure that was asked for as JSON."""
    assert ran.code == exit_code, ran
    assert ran.json["ok"] is False
    assert ran.json["error"]["code"] == code
    assert ran.err == ""
    message: str = ran.json["error"]["message"]
    return message


class TestTenant:
    @pytest.mark.parametrize(
        "name", ["clinica", 'Con "comillas"', "Ñuñoa; DROP TABLE x", "á" * 31 + "b"]
    )
    def test_create_list_migrate(
        self, run: Run, secret: Secret, pg_database: str, name: str
    ) -> None:
        made = run(
            "tenant",
            "create",
            name,
            "--dsn",
            pg_database,
            "--clinic",
            "Clínica Ñ",
            "--json",
            "--admin-user",
            "jefa",
            "--admin-password-file",
            secret(SECRET),
        )
        assert made.code == 0, made
        assert SECRET not in made.out
        assert made.json["tenant"]["name"] == name
        listed = run("tenant", "list", "--dsn", pg_database, "--json").json["tenants"]
        assert [(each["name"], each["clinic"]) for each in listed] == [(name, "Clínica Ñ")]
        assert listed[0]["version"] == listed[0]["head"]
        assert run("tenant", "migrate", name, "--dsn", pg_database).code == 0
        assert run("tenant", "migrate", "--all", "--dsn", pg_database, "--json").json["ok"]
        again = run(
            "tenant",
            "create",
            name,
            "--dsn",
            pg_database,
            "--json",
            "--admin-password-file",
            secret(SECRET),
        )
        assert name in failed(again, "tenant.exists")
        with psycopg.connect(pg_database) as connection:
            row = connection.execute(
                sql.SQL("SELECT password, is_superuser FROM {} WHERE username = 'jefa'").format(
                    sql.Identifier(name, "auth_user")
                )
            ).fetchone()
            settings = dict(
                connection.execute(
                    sql.SQL("SELECT clave, valor FROM {}").format(
                        sql.Identifier(name, "configuracion_ajuste")
                    )
                ).fetchall()
            )
        assert row is not None
        assert row[1]
        assert passwords.verify(SECRET, row[0])
        assert settings["zona_horaria"] == "America/Santiago"

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("á" * 32, "tenant.name_long"),
            ("pg_mia", "tenant.name_reserved"),
            ("PG_mia", "tenant.name_reserved"),
            ("public", "tenant.name_reserved"),
            (" ", "tenant.name_empty"),
        ],
    )
    def test_impossible_names(self, run: Run, secret: Secret, name: str, code: str) -> None:
        ran = run("tenant", "create", name, "--admin-password-file", secret(SECRET), "--json")
        failed(ran, code)

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            (("--zone", "Luna/Norte"), "tenant.zone"),
            (("--currency", "XXZ"), "tenant.currency"),
            (("--clinic", " "), "tenant.clinic_name"),
            (("--admin-user", "con espacio"), "account.invalid"),
        ],
    )
    def test_bad_clinic_data_makes_nothing(
        self, run: Run, secret: Secret, admin: psycopg.Connection, options: list[str], code: str
    ) -> None:
        password = secret(SECRET)
        ran = run("tenant", "create", "otra", "--admin-password-file", password, "--json", *options)
        failed(ran, code)
        assert "otra" not in tenants.names(admin)
        assert not admin.execute("SELECT FROM pg_namespace WHERE nspname = 'otra'").fetchall()

    def test_a_weak_password(self, run: Run, secret: Secret) -> None:
        ran = run("tenant", "create", "otra", "--admin-password-file", secret("corta"), "--json")
        failed(ran, "password.short")

    def test_unknown_and_newer_clinics(self, run: Run, clinic: Clinic) -> None:
        assert "no hay" in failed(run("tenant", "migrate", "no hay", "--json"), "tenant.unknown")
        clinic.query("UPDATE alembic_version SET version_num = '9999'")
        try:
            failed(run("tenant", "migrate", ODD_NAME, "--json"), "tenant.too_new")
            assert run("tenant", "list", "--json").json["tenants"][0]["known"] is False
        finally:
            clinic.query("UPDATE alembic_version SET version_num = %s", head_version())

    def test_grant_web(self, run: Run, clinic: Clinic) -> None:
        failed(run("tenant", "grant-web", ODD_NAME, "no existe", "--json"), "role.unknown")
        clinic.query('CREATE ROLE "web de prueba"')
        try:
            ran = run("tenant", "grant-web", ODD_NAME, "web de prueba", "--json")
            assert (ran.code, ran.json["role"]) == (0, "web de prueba")
        finally:
            clinic.query('DROP OWNED BY "web de prueba"')
            clinic.query('DROP ROLE "web de prueba"')

    @pytest.mark.long
    def test_generate(self, run: Run, secret: Secret, pg_database: str) -> None:
        dsn = ("--dsn", pg_database)
        run("tenant", "create", "demo", *dsn, "--admin-password-file", secret(SECRET))
        how = ("--json", "--accounts-password-file", secret(SECRET))
        ran = run("tenant", "generate", "demo", *dsn, "--seed", "7", "--today", "2026-11-23", *how)
        assert ran.code == 0, ran
        assert (ran.json["size"], ran.json["today"]) == ("small", "2026-11-23")
        failed(run("tenant", "generate", "no", *dsn, *how), "tenant.unknown")
        failed(run("tenant", "generate", "demo", *dsn, *how), "generate.not_empty")
        with psycopg.connect(pg_database) as connection:
            assert connection.execute(
                "SELECT count(*) > 1000 FROM demo.pacientes_cliente"
            ).fetchone() == (True,)


class TestTheConnection:
    def test_a_password_in_the_dsn(self, run: Run) -> None:
        ran = run("tenant", "list", "--dsn", "postgresql://ana:secreta@localhost/x", "--json")
        message = failed(ran, "server.dsn_password", 2)
        assert "secreta" not in message + ran.err

    def test_none_and_garbage(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        failed(run("tenant", "list", "--dsn", "what is this", "--json"), "server.dsn", 2)
        monkeypatch.delenv("CONSULTORIO_DSN")
        failed(run("tenant", "list", "--json"), "server.dsn_missing", 2)

    def test_nobody_answers(self, run: Run) -> None:
        ran = run("tenant", "list", "--dsn", "host=127.0.0.1 port=1 dbname=x")
        assert ran.code == 1
        assert "no responde" in ran.err
        assert ran.out == ""

    def test_a_remote_server_is_verified(self, run: Run) -> None:
        failed(run("tenant", "list", "--dsn", "host=db.example.com", "--json"), "server.tls")

    @pytest.fixture
    def limited(self, clinic: Clinic, postgres: Server) -> str:
        """The DSN of a role with a password and no rights."""
        role = f"limitado_{os.urandom(4).hex()}"
        clinic.query(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'")
        self.role = role
        return conninfo.make_conninfo(clinic.dsn, user=role, dbname="postgres")

    def test_a_password_by_file_keyring_or_not_at_all(
        self,
        run: Run,
        secret: Secret,
        limited: str,
        clinic: Clinic,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        command = ("tenant", "list", "--dsn", limited, "--json")
        try:
            failed(run(*command), "server.password_needed")
            assert run(*command, "--password-file", secret(SECRET)).json["tenants"] is not None
            failed(run(*command, "--password-file", secret("otra")), "server.refused")
            failed(run(*command, "--password-file", secret(SECRET, 0o644)), "secret_file.open")
            failed(run(*command, "--password-file", tmp_path / "no"), "secret_file.missing")
            failed(run(*command, "--password-file", secret("")), "secret_file.empty")
            given = conninfo.conninfo_to_dict(limited)
            entry = f"{given['user']}@{given['host']}:{given.get('port') or 5432}/{given['dbname']}"
            keyring.set_password("consultorio-admin", entry, SECRET)
            assert run(*command).code == 0
            keyring.delete_password("consultorio-admin", entry)
            passfile = secret(f"*:*:*:{self.role}:{SECRET}")
            monkeypatch.setenv("PGPASSFILE", str(passfile))
            assert run(*command).code == 0
        finally:
            clinic.query(f"DROP ROLE {self.role}")

    def test_a_user_without_the_rights(
        self, run: Run, secret: Secret, limited: str, clinic: Clinic
    ) -> None:
        try:
            ran = run(
                "tenant",
                "create",
                "otra",
                "--dsn",
                limited,
                "--json",
                "--password-file",
                secret(SECRET),
                "--admin-password-file",
                secret(SECRET),
            )
            failed(ran, "server.not_allowed")
        finally:
            clinic.query(f"DROP ROLE {self.role}")


class TestDevicesAndAccounts:
    def test_enroll_list_revoke(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "f"
        made = run("device", "enroll", ODD_NAME, "--profile", "office", "--out", file, "--json")
        assert made.code == 0, made
        content = json.loads(file.read_text("utf-8"))
        assert content["secret"] not in made.out
        assert file.stat().st_mode & 0o077 == 0
        number = made.json["device"]
        listed = run("device", "list", ODD_NAME, "--json").json["devices"]
        assert [each["profile"] for each in listed if each["number"] == number] == ["office"]
        assert run("device", "list", ODD_NAME).out.count("office") >= 1
        before = len(listed)
        again = run("device", "enroll", ODD_NAME, "--profile", "office", "--out", file, "--json")
        failed(again, "file.exists")
        nowhere = tmp_path / "no" / "f"
        lost = run("device", "enroll", ODD_NAME, "--profile", "office", "--out", nowhere, "--json")
        failed(lost, "file.not_written")
        listed = run("device", "list", ODD_NAME, "--json").json["devices"]
        assert all(each["revoked_at"] for each in listed[before:])
        assert run("device", "revoke", ODD_NAME, number, "--json").json["revoked"] == [number]
        failed(run("device", "revoke", ODD_NAME, number, "--json"), "device.already_revoked")
        failed(run("device", "revoke", ODD_NAME, "9999", "--json"), "device.unknown")

    def test_the_address_can_be_another_than_the_administrators(
        self, run: Run, tmp_path: Path
    ) -> None:
        run(
            "device",
            "enroll",
            ODD_NAME,
            "--profile",
            "office",
            "--out",
            tmp_path / "f",
            "--server-host",
            "db.clinica.cl",
            "--server-port",
            "6432",
        )
        server = json.loads((tmp_path / "f").read_text("utf-8"))["server"]
        assert (server["host"], server["port"]) == ("db.clinica.cl", 6432)

    def test_a_folder_that_is_not_there_uses_up_no_number(self, run: Run, tmp_path: Path) -> None:
        command = ("device", "enroll", ODD_NAME, "--profile", "office", "--json", "--out")
        before = run(*command, tmp_path / "one").json["device"]
        failed(run(*command, tmp_path / "nowhere" / "f"), "file.not_written")
        assert run(*command, tmp_path / "two").json["device"] == before + 1

    def test_a_practitioner_is_needed(self, run: Run, tmp_path: Path) -> None:
        command = (
            "device",
            "enroll",
            ODD_NAME,
            "--profile",
            "practitioner",
            "--json",
            "--out",
            tmp_path / "f",
        )
        failed(run(*command), "device.practitioner_needed", 2)
        failed(run(*command, "--practitioner", "999999"), "device.practitioner_unknown")

    def test_accounts(self, run: Run, secret: Secret, clinic: Clinic) -> None:
        create = (
            "account",
            "create",
            ODD_NAME,
            "rosa",
            "--name",
            "Rosa",
            "--role",
            "administrativo",
            "--json",
            "--new-password-file",
        )
        assert run(*create, secret(SECRET)).json["staff_id"] > 0
        failed(run(*create, secret(SECRET)), "account.exists")
        change = ("account", "password", ODD_NAME)
        ran = run(*change, "rosa", "--new-password-file", secret(PASSWORD), "--json")
        assert (ran.code, PASSWORD in ran.out) == (0, False)
        encoded = clinic.value("SELECT password FROM auth_user WHERE username = 'rosa'")
        assert passwords.verify(PASSWORD, encoded)
        failed(
            run(*change, "nadie", "--new-password-file", secret(SECRET), "--json"),
            "account.unknown",
        )
        failed(run(*change, "rosa", "--json"), "password.nobody_asked")
        failed(
            run(
                *create[:3],
                "ana",
                *create[4:-1],
                "--staff",
                999999,
                "--new-password-file",
                secret(SECRET),
            ),
            "account.no_staff",
        )


class TestWorkstation:
    @pytest.fixture
    def file(self, run: Run, tmp_path: Path) -> Path:
        path = tmp_path / "equipo.inscripcion"
        assert run("device", "enroll", ODD_NAME, "--profile", "reception", "--out", path).code == 0
        return path

    def test_join_sync_status_as_processes_of_their_own(
        self, run_apart: Run, file: Path, secret: Secret, tmp_path: Path, run: Run
    ) -> None:
        here = ("--data-dir", tmp_path / "equipo", "--json")
        phrase = ("--passphrase-file", secret(PHRASE))
        failed(run_apart("join", file, *here), "secrets.passphrase_needed")
        joined = run_apart("join", file, *here, *phrase)
        assert joined.code == 0, joined
        assert joined.json["secrets"] == "passphrase"
        failed(
            run_apart("join", file, "--json", *phrase, "--data-dir", tmp_path / "b"),
            "enrolment.used",
        )
        synced = run_apart("sync", "--once", *here, *phrase)
        assert synced.code == 0, synced
        assert synced.json["state"] == "in_step"
        status = run_apart("status", *here, *phrase).json
        assert (status["pending"], status["rejected"], status["profile"]) == (0, 0, "reception")
        assert status["last_sync"] == synced.json["last_sync"]
        failed(
            run_apart("status", *here, "--passphrase-file", secret("otra frase larga")),
            "secrets.passphrase_wrong",
        )
        open_phrase = secret(PHRASE, 0o644)
        failed(run_apart("status", *here, "--passphrase-file", open_phrase), "secret_file.open")
        with workstation.Workstation.open(tmp_path / "equipo", passphrase=lambda: PHRASE):
            failed(run_apart("sync", "--once", *here, *phrase), "workstation.already_open")
            assert run_apart("status", *here, *phrase).json["open_elsewhere"] is True
        run("device", "revoke", ODD_NAME, synced.json["device"])
        failed(run_apart("sync", "--once", *here, *phrase), "device.shut_out_now_empty")
        failed(run_apart("status", *here, *phrase), "device.shut_out_unsaved")
        failed(run_apart("sync", "--once", *here), "device.shut_out_empty")
        failed(run_apart("status", *here), "device.shut_out_empty")

    def test_altered_and_missing_files(self, run: Run, file: Path, tmp_path: Path) -> None:
        where = ("--data-dir", tmp_path / "e", "--json")
        failed(run("join", tmp_path / "no", *where), "enrolment.unreadable")
        file.write_text(file.read_text("utf-8").replace("reception", "office"), encoding="utf-8")
        failed(run("join", file, *where), "enrolment.altered")
        failed(run("status", *where), "workstation.none")
        failed(run("sync", "--once", *where), "workstation.none")

    def test_the_server_is_newer_or_older_than_the_program(
        self, run: Run, file: Path, tmp_path: Path, clinic: Clinic
    ) -> None:
        where = ("--data-dir", tmp_path / "e", "--json")
        assert run("join", file, *where).code == 0
        kept = clinic.query("SELECT schema_version, min_client_version FROM sync_meta")[0]
        try:
            clinic.query("UPDATE sync_meta SET schema_version = 99, min_client_version = 99")
            failed(run("sync", "--once", *where), "sync.client_too_old")
            clinic.query("UPDATE sync_meta SET schema_version = 0, min_client_version = 0")
            failed(run("sync", "--once", *where), "sync.server_too_old")
        finally:
            clinic.query("UPDATE sync_meta SET schema_version = %s, min_client_version = %s", *kept)
        assert run("sync", "--once", *where).json["state"] == "in_step"

    def test_people_read_spanish_or_english(self, run: Run, tmp_path: Path) -> None:
        nowhere = ("status", "--data-dir", tmp_path)
        assert "No hay ningún equipo" in run(*nowhere).err
        assert "There is no workstation" in run("--language", "en", *nowhere).err


class TestUsage:
    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("tenant",),
            ("tenant", "create"),
            ("tenant", "migrate"),
            ("tenant", "migrate", "a", "--all"),
            ("tenant", "generate", "a", "--size", "huge"),
            ("device", "enroll", "a", "--profile", "boss", "--out", "f"),
            ("device", "enroll", "a", "--profile", "office", "--out", "f", "--hours", "0"),
            ("device", "enroll", "a", "--profile", "office", "--out", "f", "--hours", "x"),
            ("device", "revoke", "a", "one"),
            ("sync",),
            ("--language", "fr", "status"),
            ("what",),
        ],
    )
    def test_wrong_usage(self, run: Run, arguments: tuple[str, ...]) -> None:
        ran = run(*arguments)
        assert ran.code == 2
        assert "usage:" in ran.err
        assert "_hours" not in ran.err
        if arguments:
            assert failed(run(*arguments, "--json"), "usage", 2)

    def test_help(self, run: Run) -> None:
        assert run("--help").code == 0
        assert "Equipos de una clínica" in run("--help").out
        assert "Workstations of a clinic" in run("--language", "en", "--help").out

    def test_a_bug_of_ours_is_a_sentence(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(_folder: Path) -> None:
            raise ZeroDivisionError("Juan Pérez, 12345678-5")

        monkeypatch.setattr(workstation.Description, "load", broken)
        message = failed(run("status", "--data-dir", tmp_path, "--json"), "unexpected")
        assert "ZeroDivisionError" in message
        assert "Juan" not in message

    def test_every_sentence_has_its_spanish_and_the_same_gaps(self) -> None:
        for code, english in admin_sentences.SENTENCES.items():
            spanish = messages._(english)
            assert spanish != english, code
            gaps = {part.split("}")[0] for part in english.split("{")[1:]}
            assert gaps == {part.split("}")[0] for part in spanish.split("{")[1:]}, code

    def test_every_code_that_is_raised_here_has_a_sentence(self) -> None:
        import re

        root = Path(cli.__file__).parent
        raised = {
            code
            for path in [
                *root.glob("cli*.py"),
                *(root / "services").glob("*.py"),
                root / "domain" / "passwords.py",
            ]
            for code in re.findall(
                r"(?:RuleError|EnvironmentTrouble)\(\s*\"([a-z_.]+)\"", path.read_text("utf-8")
            )
        }
        assert len(raised) > 50
        assert raised - all_sentences().keys() == set()
