"""From the enrolment file to a workstation that opens, once; and what each mishap is called."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import stat
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import keyring
import psycopg
import pytest
from psycopg import conninfo

from desktop.domain.errors import AppError
from desktop.services import devices, enrolment, joining, secrets, server, tenants
from desktop.services.accounts import NewAccount
from desktop.services.cache import Cache, utc_now
from desktop.services.enrolment import Enrolment
from desktop.services.first_day import FirstDay
from desktop.services.tenants import NewClinic
from desktop.services.workstation import Description, Workstation, take_lock
from sync.engine import SyncEngine
from sync.sqltext import device_group
from tests.support.clinic import PASSPHRASE, PASSWORD, Clinic
from tests.support.embedded import Server
from tests.support.memory_keyring import MemoryKeyring


def refused(code: str, call: Callable[[], object]) -> AppError:
    with pytest.raises(AppError) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def passphrase() -> str:
    return PASSPHRASE


class TestTheFile:
    def test_only_its_owner_reads_it(self, file: Path, admitted: Enrolment) -> None:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert enrolment.read(file, now=utc_now()) == admitted

    def test_it_is_never_overwritten(self, file: Path, admitted: Enrolment) -> None:
        refused("file.exists", lambda: enrolment.write(admitted, file))

    @pytest.mark.parametrize(
        "field", ["schema", "tenant", "role", "secret", "expires", "device", "server", "tag"]
    )
    def test_altered(self, file: Path, field: str) -> None:
        content = json.loads(file.read_text("utf-8"))
        if field == "server":
            content["server"]["host"] = "otro.example.com"
        else:
            content[field] = "2099-01-01T00:00:00+00:00"
        file.write_text(json.dumps(content), encoding="utf-8")
        refused("enrolment.altered", lambda: enrolment.read(file, now=utc_now()))

    def test_cut_short_or_something_else(self, file: Path, tmp_path: Path) -> None:
        file.write_bytes(file.read_bytes()[:-40])
        refused("enrolment.unreadable", lambda: enrolment.read(file, now=utc_now()))
        file.write_text("{}")
        refused("enrolment.unreadable", lambda: enrolment.read(file, now=utc_now()))
        refused("enrolment.unreadable", lambda: enrolment.read(tmp_path / "no", now=utc_now()))

    def test_expired(self, file: Path) -> None:
        later = utc_now() + dt.timedelta(hours=devices.VALID_HOURS)
        refused("enrolment.expired", lambda: enrolment.read(file, now=later))

    def test_an_expired_secret_is_refused_by_the_server_too(
        self, clinic: Clinic, admin: psycopg.Connection, tmp_path: Path
    ) -> None:
        old = devices.enroll(admin, clinic.schema, profile="reception", valid_hours=-1)
        path = tmp_path / "old"
        enrolment.write(old, path)
        an_hour_ago = utc_now() - dt.timedelta(hours=2)
        refused(
            "enrolment.used",
            lambda: joining.join(path, tmp_path / "w", clock=lambda: an_hour_ago),
        )
        assert not list(tmp_path.glob("w*"))


class TestJoining:
    def test_a_workstation_comes_to_be(
        self, file: Path, tmp_path: Path, clinic: Clinic, memory_keyring: MemoryKeyring
    ) -> None:
        folder = tmp_path / "equipo"
        told: list[tuple[str, int, int]] = []
        description = joining.join(
            file,
            folder,
            watch=joining.Watch(lambda table, done, total: told.append((table, done, total))),
        )
        assert description == Description.load(folder)
        assert ("pacientes_cliente", 2, 2) in told
        assert not list(tmp_path.glob("*.joining"))
        with Workstation.open(folder) as station:
            cache = station.open_cache()
            try:
                with cache.reading() as session:
                    rows = session.connection().exec_driver_sql(
                        "SELECT count(*) FROM pacientes_cliente"
                    )
                    assert rows.scalar() == 2
                engine = SyncEngine(cache.connect, station.server(), joining.sync_schema())
                assert engine.sync_once().state == "in_step"
                engine.close()
            finally:
                cache.close()

    def test_nothing_secret_lies_in_the_folder(
        self, file: Path, tmp_path: Path, admitted: Enrolment, memory_keyring: MemoryKeyring
    ) -> None:
        folder = tmp_path / "equipo"
        joining.join(file, folder)
        (kept,) = memory_keyring.entries.values()
        found = Secretly(folder)
        for secret in (*kept.split(), admitted.secret, "María José", "pacientes_cliente"):
            assert not found.contains(secret), secret
        assert found.contains("Mesón")

    def test_used_twice(self, file: Path, tmp_path: Path, memory_keyring: MemoryKeyring) -> None:
        joining.join(file, tmp_path / "uno")
        refused("enrolment.used", lambda: joining.join(file, tmp_path / "dos"))
        assert not list(tmp_path.glob("dos*"))
        assert len(memory_keyring.entries) == 1

    def test_revoked_before_it_joined(
        self,
        file: Path,
        tmp_path: Path,
        admitted: Enrolment,
        clinic: Clinic,
        admin: psycopg.Connection,
    ) -> None:
        devices.revoke(admin, clinic.schema, admitted.device)
        refused("device.revoked", lambda: joining.join(file, tmp_path / "equipo"))

    def test_a_folder_in_use_is_left_alone(self, file: Path, tmp_path: Path) -> None:
        used = tmp_path / "usada"
        used.mkdir()
        (used / "carta.txt").write_text("hola")
        refused("workstation.folder_used", lambda: joining.join(file, used))
        empty = tmp_path / "vacia"
        empty.mkdir()
        joining.join(file, empty)
        refused("workstation.exists", lambda: joining.join(file, empty))

    def test_cut_after_the_secret_changed_it_goes_on(
        self, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def cut(*_: object) -> None:
            raise ConnectionAbortedError

        with monkeypatch.context() as patch:
            patch.setattr(joining, "_load", cut)
            with pytest.raises(ConnectionAbortedError):
                joining.join(file, tmp_path / "equipo")
        assert not (tmp_path / "equipo").exists()
        joining.join(file, tmp_path / "equipo")
        Workstation.open(tmp_path / "equipo").close()

    def test_another_clinic_behind_the_address_is_noticed(
        self, admitted: Enrolment, tmp_path: Path, clinic: Clinic
    ) -> None:
        from dataclasses import replace

        path = tmp_path / "f"
        enrolment.write(replace(admitted, tenant="00000000-0000-0000-0000-000000000000"), path)
        seen: list[FirstDay] = []
        watch = joining.Watch(day=seen.append)
        refused(
            "enrolment.other_clinic", lambda: joining.join(path, tmp_path / "equipo", watch=watch)
        )
        assert not seen
        assert not (tmp_path / "equipo").exists()

    def test_an_unreachable_server(self, admitted: Enrolment, tmp_path: Path) -> None:
        from dataclasses import replace

        address = replace(admitted.server, host="127.0.0.1", port=1)
        path = tmp_path / "f"
        enrolment.write(replace(admitted, server=address), path)
        refused("server.unreachable", lambda: joining.join(path, tmp_path / "equipo"))

    def test_a_remote_server_without_its_certificate_authority(
        self, admitted: Enrolment, tmp_path: Path
    ) -> None:
        from dataclasses import replace

        address = replace(admitted.server, host="db.example.com")
        path = tmp_path / "f"
        enrolment.write(replace(admitted, server=address), path)
        refused("server.tls", lambda: joining.join(path, tmp_path / "equipo"))


class Secretly:
    """Everything in a folder, as bytes."""

    def __init__(self, folder: Path) -> None:
        self._bytes = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())

    def contains(self, text: str) -> bool:
        return text.encode() in self._bytes


@pytest.fixture
def folder(file: Path, tmp_path: Path) -> Path:
    path = tmp_path / "equipo"
    joining.join(file, path, passphrase=passphrase)
    return path


class TestOpening:
    def test_a_second_process_is_told(self, folder: Path) -> None:
        with Workstation.open(folder):
            refused("workstation.already_open", lambda: Workstation.open(folder))
            tried = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    "import sys; from pathlib import Path\n"
                    "from desktop.services.workstation import take_lock\n"
                    "from desktop.domain.errors import AppError\n"
                    "try: take_lock(Path(sys.argv[1]))\n"
                    "except AppError as error: print(error.code)",
                    str(folder),
                ],
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            )
            assert tried.stdout.strip() == "workstation.already_open"
            Workstation.open(folder, exclusive=False).close()
        take_lock(folder).release()

    def test_the_key_is_missing(self, folder: Path, memory_keyring: MemoryKeyring) -> None:
        memory_keyring.entries.clear()
        refused("secrets.key_missing", lambda: Workstation.open(folder))
        assert (folder / "cache.db").exists()
        take_lock(folder).release()

    def test_the_keyring_is_gone(self, folder: Path, no_keyring: None) -> None:
        refused("secrets.no_keyring", lambda: Workstation.open(folder))

    def test_the_entry_was_spoiled(self, folder: Path, memory_keyring: MemoryKeyring) -> None:
        (entry,) = memory_keyring.entries
        memory_keyring.entries[entry] = "?"
        refused("secrets.damaged", lambda: Workstation.open(folder))

    def test_the_wrong_key(self, folder: Path) -> None:
        with Workstation.open(folder) as station:
            refused("cache.key_wrong", lambda: Cache.open(station.cache_path, b"x" * 32))

    def test_the_cache_is_missing_or_damaged(self, folder: Path) -> None:
        whole = (folder / "cache.db").read_bytes()
        (folder / "cache.db").write_bytes(whole[:4096] + b"\0" * 8192 + whole[12288:])
        with Workstation.open(folder) as station:
            with pytest.raises(AppError) as caught:
                station.open_cache()
            assert caught.value.code in {"cache.damaged", "cache.key_wrong"}
        (folder / "cache.db").unlink()
        refused("cache.missing", lambda: Workstation.open(folder))

    def test_the_description_is_missing_damaged_or_newer(
        self, folder: Path, tmp_path: Path
    ) -> None:
        refused("workstation.none", lambda: Workstation.open(tmp_path))
        path = folder / "workstation.json"
        content = json.loads(path.read_text("utf-8"))
        path.write_text("{")
        refused("workstation.damaged", lambda: Workstation.open(folder))
        path.write_text(json.dumps(content | {"format": 99}))
        refused("workstation.too_new", lambda: Workstation.open(folder))

    def test_a_copied_folder_keeps_its_key_in_the_keyring(
        self, folder: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(folder, tmp_path / "copia")
        Workstation.open(tmp_path / "copia").close()


class TestWithoutAKeyring:
    @pytest.fixture(autouse=True)
    def _none(self, no_keyring: None) -> None:
        assert not secrets.has_keyring()

    def test_a_passphrase_is_asked_for_and_opens(self, folder: Path) -> None:
        assert Description.load(folder).vault == "passphrase"
        assert stat.S_IMODE((folder / "secrets.bin").stat().st_mode) == 0o600
        Workstation.open(folder, passphrase=passphrase).close()
        refused("secrets.passphrase_needed", lambda: Workstation.open(folder))
        refused(
            "secrets.passphrase_needed", lambda: Workstation.open(folder, passphrase=lambda: "")
        )
        refused(
            "secrets.passphrase_wrong",
            lambda: Workstation.open(folder, passphrase=lambda: "otra frase larga"),
        )
        (folder / "secrets.bin").unlink()
        refused("secrets.key_missing", lambda: Workstation.open(folder, passphrase=passphrase))

    def test_nobody_to_ask(self, file: Path, tmp_path: Path) -> None:
        refused("secrets.passphrase_needed", lambda: joining.join(file, tmp_path / "e"))
        joining.join(file, tmp_path / "e", passphrase=passphrase)

    def test_too_short(self, file: Path, tmp_path: Path) -> None:
        refused(
            "secrets.passphrase_short",
            lambda: joining.join(file, tmp_path / "e", passphrase=lambda: "corta"),
        )

    def test_every_flipped_byte_of_the_vault_is_noticed(self, tmp_path: Path) -> None:
        path = tmp_path / "secrets.bin"
        kept = secrets.Secrets.fresh()
        secrets.save_with_passphrase(path, kept, PASSPHRASE)
        assert secrets.load_with_passphrase(path, PASSPHRASE) == kept
        whole = path.read_bytes()
        for place in (0, 15, 16, 100, 4000, len(whole) - 1):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            refused(
                "secrets.passphrase_wrong",
                lambda: secrets.load_with_passphrase(path, PASSPHRASE),
            )


class TestDevices:
    def test_a_workstation_may_call_its_functions_and_nothing_else(
        self, clinic: Clinic, folder: Path
    ) -> None:
        with Workstation.open(folder) as station, station.connect() as connection:
            schema = (clinic.schema,)
            tables = connection.execute(
                "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'v', 'S') AND"
                " c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND"
                " CASE WHEN c.relkind = 'S'"
                " THEN has_sequence_privilege(c.oid, 'USAGE, SELECT, UPDATE')"
                " ELSE has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')"
                " OR has_table_privilege(c.oid, 'DELETE, TRUNCATE') END",
                schema,
            ).fetchall()
            functions = connection.execute(
                "SELECT p.proname FROM pg_proc p WHERE has_function_privilege(p.oid, 'EXECUTE')"
                " AND p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)",
                schema,
            ).fetchall()
        assert tables == []
        assert {row[0] for row in functions} == {
            "sync_hello",
            "sync_start",
            "sync_read",
            "sync_read_ids",
            "sync_exchange",
            "sync_hashes",
            "sync_poll",
            "sync_recover",
            "sync_sums",
            "sync_upkeep",
            "account_challenge",
            "account_verify",
            "account_change_password",
            "account_create",
            "account_set_password",
            "backup_begin",
            "backup_history",
            "backup_purge",
            "backup_record",
            "backup_signer",
            "backup_signers",
            "device_take_over",
        }

    def test_every_function_pins_its_search_path(self, clinic: Clinic) -> None:
        loose = clinic.query(
            "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.prosecdef AND p.pronamespace ="
            " (SELECT oid FROM pg_namespace WHERE nspname = %s) AND NOT EXISTS (SELECT FROM"
            " unnest(p.proconfig) c WHERE c LIKE 'search_path=pg_catalog%%pg_temp')",
            clinic.schema,
        )
        assert loose == []

    def test_revoking_shuts_out_at_once(
        self, clinic: Clinic, folder: Path, admin: psycopg.Connection
    ) -> None:
        with Workstation.open(folder) as station:
            number = next(
                device.number
                for device in devices.listed(admin, clinic.schema)
                if device.role == station.description.role
            )
            connection = station.connect()
            assert devices.revoke(admin, clinic.schema, number) == [number]
            with pytest.raises(psycopg.OperationalError):
                while True:
                    connection.execute("SELECT pg_sleep(0.02)")
            refused("device.revoked", station.connect)
        refused("device.already_revoked", lambda: devices.revoke(admin, clinic.schema, number))
        refused("device.unknown", lambda: devices.revoke(admin, clinic.schema, 9999))

    def test_an_administrator_need_not_be_a_superuser(
        self, any_postgres: Server, tmp_path: Path
    ) -> None:
        owner = f"duena_{tmp_path.name[-8:]}{uuid.uuid4().hex[:6]}"
        with any_postgres.database() as dsn, psycopg.connect(dsn, autocommit=True) as boss:
            boss.execute(f"CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'clave'")
            boss.execute(f"GRANT CREATE ON DATABASE {boss.info.dbname} TO {owner}")
            theirs = conninfo.make_conninfo(dsn, user=owner, password="clave")
            group = device_group(owner)
            made: list[str] = []
            try:
                with psycopg.connect(theirs, autocommit=True) as mistress:
                    tenants.create(
                        mistress,
                        owner,
                        NewClinic(name="Propia"),
                        NewAccount("admin", "Ana", "general"),
                        PASSWORD,
                    )
                    admitted = devices.enroll(mistress, owner, profile="office")
                    made.append(admitted.role)
                    enrolment.write(admitted, tmp_path / "f")
                    joining.join(tmp_path / "f", tmp_path / "equipo")
                    with Workstation.open(tmp_path / "equipo") as station:
                        connection = station.connect()
                        devices.revoke(mistress, owner, admitted.device)
                        with pytest.raises(psycopg.OperationalError):
                            while True:
                                connection.execute("SELECT pg_sleep(0.02)")
                        refused("device.revoked", station.connect)
            finally:
                for role in (*made, group, owner):
                    boss.execute(f'DROP OWNED BY "{role}" CASCADE')
                    boss.execute(f'DROP ROLE "{role}"')

    def test_numbers_are_never_given_twice(self, clinic: Clinic, admin: psycopg.Connection) -> None:
        one = devices.enroll(admin, clinic.schema, profile="office")
        clinic.query("DELETE FROM sync_device WHERE number = %s", one.device)
        assert devices.enroll(admin, clinic.schema, profile="office").device > one.device

    def test_a_practitioners_workstation_has_an_owner(
        self, clinic: Clinic, admin: psycopg.Connection
    ) -> None:
        def enroll(**options: object) -> Enrolment:
            return devices.enroll(admin, clinic.schema, profile="practitioner", **options)  # type: ignore[arg-type]

        refused("device.practitioner_needed", enroll)
        refused("device.practitioner_unknown", lambda: enroll(practitioner_id=10**9))
        owner = clinic.practitioners[0]
        assert enroll(practitioner_id=owner).label == "Paula Núñez Rojas"
        refused("device.profile", lambda: devices.enroll(admin, clinic.schema, profile="x"))
        refused("tenant.unknown", lambda: devices.enroll(admin, "no hay", profile="office"))


class TestParameters:
    @pytest.mark.parametrize("host", ["", "/run/postgresql", "localhost", "127.0.0.1", "::1"])
    def test_this_computer_needs_no_tls(self, host: str) -> None:
        assert "sslmode" not in server.parameters(host=host)

    @pytest.mark.parametrize("host", ["db.example.com", "10.0.0.5", "localhost,db.example.com"])
    def test_another_computer_is_verified_or_refused(self, host: str) -> None:
        refused("server.tls", lambda: server.parameters(host=host))
        refused(
            "server.tls",
            lambda: server.parameters(host=host, sslmode="require", sslrootcert="ca.pem"),
        )
        given = server.parameters(host=host, sslrootcert="ca.pem")
        assert given["sslmode"] == "verify-full"
        assert given["channel_binding"] == "require"
        assert given["require_auth"] == "scram-sha-256"

    def test_a_password_in_the_dsn_is_refused(self) -> None:
        refused("server.dsn_password", lambda: server.parse_dsn("postgresql://a:b@localhost/c"))
        refused("server.dsn_password", lambda: server.parse_dsn("host=localhost password=b"))
        refused("server.dsn", lambda: server.parse_dsn("what is this"))
        assert server.parse_dsn("host=localhost user=a") == {"host": "localhost", "user": "a"}

    def test_a_database_that_is_not_there(self, clinic: Clinic) -> None:
        given = server.parse_dsn(conninfo.make_conninfo(clinic.dsn, dbname="no hay"))
        refused("server.no_database", lambda: server.connect(given))


def test_secrets_do_not_print() -> None:
    kept = secrets.Secrets.fresh()
    assert kept.password not in repr(kept)
    assert keyring.get_password("consultorio", "x") is None
