"""Signing in: the server compares and locks; without it, what was kept here, for two weeks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from desktop.domain import passwords
from desktop.domain.actor import Actor
from desktop.domain.errors import AppError, EnvironmentTrouble
from desktop.domain.permissions import ALL, ROLES, permissions_of
from desktop.models import OFFICE
from desktop.services import devices
from desktop.services.accounts import Accounts, NewAccount
from desktop.services.cache import Cache
from tests.admin.conftest import set_quick_password
from tests.support.clinic import Clinic, Station

PASSWORD = "Clave-de-prueba-1"


@dataclass
class Desk:
    """A workstation's accounts, and a switch for its network."""

    station: Station
    schema: str
    cache: Cache
    online: bool = True

    def connect(self) -> psycopg.Connection:
        if not self.online:
            raise EnvironmentTrouble("server.unreachable", host="x")
        return self.station.workstation.connect()

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.cache, self.connect, self.schema)


@pytest.fixture(scope="module")
def stations(clinic: Clinic) -> dict[str, Station]:
    return {profile: clinic.station(profile, profile) for profile in ("reception", "office")}


@pytest.fixture
def desk(clinic: Clinic, stations: dict[str, Station], cache: Cache) -> Desk:
    """A reception workstation with a cache and a clock of the test's own."""
    return Desk(stations["reception"], clinic.schema, cache)


@pytest.fixture
def office(clinic: Clinic, stations: dict[str, Station], cache: Cache) -> Desk:
    return Desk(stations["office"], clinic.schema, cache)


@pytest.fixture
def rosa(clinic: Clinic) -> Iterator[str]:
    """The username of a receptionist; nobody has failed with it yet."""
    made = clinic.value(
        "SELECT account_add(%s)",
        NewAccount("rosa", "Rosa Díaz", "administrativo").asked(
            passwords.encode(PASSWORD, iterations=1000)
        ),
    )
    assert made["status"] == "created"
    yield "rosa"
    clinic.query("DELETE FROM auth_user WHERE username = 'rosa'")
    clinic.query("DELETE FROM acceso_intento")


def refused(code: str, call: Callable[[], object]) -> AppError:
    with pytest.raises(AppError) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def test_somebody_signs_in_online(desk: Desk, rosa: str, clinic: Clinic) -> None:
    actor = desk.accounts.sign_in(" rosa ", PASSWORD)
    assert (actor.name, actor.username, actor.role) == ("Rosa Díaz", "rosa", "administrativo")
    assert actor.staff_id == clinic.value(
        "SELECT p.id FROM personal_perfil p JOIN auth_user u ON u.id = p.user_id"
        " WHERE username = 'rosa'"
    )
    assert actor.may("finance.pay")
    assert not actor.may("admin")
    assert clinic.value("SELECT last_login IS NOT NULL FROM auth_user WHERE username = 'rosa'")


def test_a_password_made_by_django_signs_in(desk: Desk, rosa: str, clinic: Clinic) -> None:
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    hasher = PBKDF2PasswordHasher()
    clinic.query(
        "UPDATE auth_user SET password = %s WHERE username = 'rosa'",
        hasher.encode("hecha-en-django-2", hasher.salt()),
    )
    assert desk.accounts.sign_in(rosa, "hecha-en-django-2").username == "rosa"


@pytest.mark.parametrize("name", ["rosa", "nadie"])
def test_five_failures_lock_real_and_made_up_names_alike(
    desk: Desk, rosa: str, clinic: Clinic, name: str
) -> None:
    for _ in range(5):
        refused("account.wrong", lambda: desk.accounts.sign_in(name, "no es"))
    error = refused("account.locked", lambda: desk.accounts.sign_in(name, PASSWORD))
    assert error.params["minutes"] == 15
    clinic.query("UPDATE acceso_intento SET bloqueado_hasta = now() - interval '1 second'")
    if name == "rosa":
        assert desk.accounts.sign_in(name, PASSWORD)
        assert clinic.value("SELECT count(*) FROM acceso_intento") == 0
    else:
        refused("account.wrong", lambda: desk.accounts.sign_in(name, PASSWORD))


def test_failures_long_ago_are_forgotten(desk: Desk, rosa: str, clinic: Clinic) -> None:
    for _ in range(4):
        refused("account.wrong", lambda: desk.accounts.sign_in(rosa, "no es"))
    clinic.query("UPDATE acceso_intento SET ultimo = now() - interval '16 minutes'")
    refused("account.wrong", lambda: desk.accounts.sign_in(rosa, "no es"))
    assert desk.accounts.sign_in(rosa, PASSWORD)


def test_names_can_not_be_probed(desk: Desk, rosa: str, clinic: Clinic) -> None:
    def challenge(name: str) -> dict[str, object]:
        with desk.connect() as connection:
            return desk.accounts._call(connection, "account_challenge", name)

    clinic.query("UPDATE auth_user SET password = %s", passwords.encode(PASSWORD, iterations=1000))
    real, made_up, other = challenge("rosa"), challenge("nadie"), challenge("nadie2")
    assert real.keys() == made_up.keys()
    assert real["iterations"] == made_up["iterations"]
    assert len(str(real["salt"])) == len(str(made_up["salt"])) == 22
    assert str(made_up["salt"]).isalnum()
    assert made_up == challenge("nadie")
    assert made_up["salt"] != other["salt"]


def test_the_hash_never_leaves_the_server(desk: Desk, rosa: str, clinic: Clinic) -> None:
    digest = clinic.value(
        "SELECT split_part(password, '$', 4) FROM auth_user WHERE username = 'rosa'"
    )
    with desk.connect() as connection:
        for function, values in (
            ("account_challenge", ["rosa"]),
            ("account_verify", ["rosa", digest]),
            ("account_verify", ["rosa", "x"]),
        ):
            assert digest not in json.dumps(desk.accounts._call(connection, function, *values))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                f'SELECT password FROM "{clinic.schema.replace(chr(34), chr(34) * 2)}".auth_user'
            )
    cached = b"".join(path.read_bytes() for path in desk.station.folder.glob("cache.db*"))
    assert digest.encode() not in cached


def test_clients_and_retired_people_stay_out(desk: Desk, rosa: str, clinic: Clinic) -> None:
    clinic.query("UPDATE personal_perfil SET activo = false WHERE nombre_completo = 'Rosa Díaz'")
    refused("account.inactive", lambda: desk.accounts.sign_in(rosa, PASSWORD))
    clinic.query("DELETE FROM personal_perfil WHERE nombre_completo = 'Rosa Díaz'")
    refused("account.not_staff", lambda: desk.accounts.sign_in(rosa, PASSWORD))
    clinic.query("UPDATE auth_user SET is_active = false WHERE username = 'rosa'")
    refused("account.inactive", lambda: desk.accounts.sign_in(rosa, PASSWORD))


def test_an_unusable_password_is_wrong_and_a_foreign_one_is_said_to_be(
    desk: Desk, rosa: str, clinic: Clinic
) -> None:
    clinic.query("UPDATE auth_user SET password = '!abc' WHERE username = 'rosa'")
    refused("account.wrong", lambda: desk.accounts.sign_in(rosa, PASSWORD))
    clinic.query(
        "UPDATE auth_user SET password = 'argon2$argon2id$v=19$x$y' WHERE username = 'rosa'"
    )
    refused("account.algorithm", lambda: desk.accounts.sign_in(rosa, PASSWORD))


def test_offline_for_fourteen_days(desk: Desk, rosa: str, clock: object) -> None:
    desk.online = False
    refused("account.no_verifier", lambda: desk.accounts.sign_in(rosa, PASSWORD))
    desk.online = True
    online = desk.accounts.sign_in(rosa, PASSWORD)
    desk.online = False
    assert desk.accounts.sign_in(rosa, PASSWORD) == online
    desk.cache.clock.forward(days=14)  # type: ignore[attr-defined]
    assert desk.accounts.sign_in(rosa, PASSWORD) == online
    desk.cache.clock.forward(seconds=1)  # type: ignore[attr-defined]
    refused("account.offline_expired", lambda: desk.accounts.sign_in(rosa, PASSWORD))
    desk.cache.clock.forward(days=-30)  # type: ignore[attr-defined]
    refused("account.offline_expired", lambda: desk.accounts.sign_in(rosa, PASSWORD))


def test_offline_failures_lock_too(desk: Desk, rosa: str) -> None:
    desk.accounts.sign_in(rosa, PASSWORD)
    desk.online = False
    for _ in range(5):
        refused("account.wrong", lambda: desk.accounts.sign_in(rosa, "no es"))
    refused("account.locked", lambda: desk.accounts.sign_in(rosa, PASSWORD))
    desk.cache.clock.forward(minutes=15)  # type: ignore[attr-defined]
    assert desk.accounts.sign_in(rosa, PASSWORD)


def test_what_the_last_sync_said_of_a_person_holds_offline(
    desk: Desk, rosa: str, administrator: Actor
) -> None:
    actor = desk.accounts.sign_in(rosa, PASSWORD)
    desk.online = False
    columns = (
        "id, nombre_completo, telefono, email, rol, fecha_registro, activo, requiere_acceso_sistema,"
        " puede_gestionar_citas, puede_gestionar_clientes, puede_gestionar_insumos,"
        " puede_gestionar_personal, puede_ver_reportes, puede_crear_odontogramas"
    )
    with desk.cache.writing(administrator, "staff.edit") as session:
        session.connection().exec_driver_sql(
            f"INSERT INTO personal_perfil ({columns}) VALUES"
            " (?, 'Rosa D. Vega', '', '', 'administrativo', '2026-01-01T00:00:00+00:00',"
            " 1, 1, 0, 0, 0, 1, 0, 0)",
            (actor.staff_id,),
        )
    promoted = desk.accounts.sign_in(rosa, PASSWORD)
    assert promoted.name == "Rosa D. Vega"
    assert promoted.may("admin")
    with desk.cache.writing(administrator, "staff.edit") as session:
        session.connection().exec_driver_sql("UPDATE personal_perfil SET activo = 0")
    refused("account.inactive", lambda: desk.accounts.sign_in(rosa, PASSWORD))


def test_a_password_is_changed_and_the_old_one_is_forgotten_everywhere(
    desk: Desk, rosa: str, clinic: Clinic
) -> None:
    desk.accounts.sign_in(rosa, PASSWORD)
    refused("password.short", lambda: desk.accounts.change_password(rosa, PASSWORD, "corta"))
    refused("account.wrong", lambda: desk.accounts.change_password(rosa, "no es", "Nueva-clave-2"))
    desk.accounts.change_password(rosa, PASSWORD, "Nueva-clave-2")
    encoded = clinic.value("SELECT password FROM auth_user WHERE username = 'rosa'")
    assert passwords.verify("Nueva-clave-2", encoded)
    desk.online = False
    refused("account.no_verifier", lambda: desk.accounts.sign_in(rosa, PASSWORD))
    refused(
        "server.unreachable", lambda: desk.accounts.change_password(rosa, "Nueva-clave-2", PASSWORD)
    )


def test_a_password_changed_elsewhere_ends_the_old_verifier(
    desk: Desk, rosa: str, clinic: Clinic
) -> None:
    desk.accounts.sign_in(rosa, PASSWORD)
    set_quick_password(clinic, rosa, "Nueva-clave-2")
    refused("account.wrong", lambda: desk.accounts.sign_in(rosa, PASSWORD))
    desk.online = False
    refused("account.no_verifier", lambda: desk.accounts.sign_in(rosa, PASSWORD))


def test_accounts_are_made_and_mended_from_the_office_alone(
    desk: Desk, office: Desk, rosa: str, clinic: Clinic, administrator: Actor
) -> None:
    luis = NewAccount("luis", "Luis Vera", "dentista", superuser=True)
    refused("account.forbidden", lambda: desk.accounts.create(administrator, luis, PASSWORD))
    refused(
        "account.forbidden",
        lambda: desk.accounts.set_password(administrator, rosa, "Nueva-clave-2"),
    )
    nobody = Actor(1, "X", "x", "administrativo", permissions_of("administrativo"))
    refused("permission.denied", lambda: office.accounts.create(nobody, luis, PASSWORD))
    staff = office.accounts.create(administrator, luis, PASSWORD)
    assert clinic.query(
        "SELECT rol, is_superuser FROM personal_perfil p JOIN auth_user u ON u.id = p.user_id"
        " WHERE p.id = %s",
        staff,
    ) == [("dentista", False)]
    refused("account.exists", lambda: office.accounts.create(administrator, luis, PASSWORD))
    for _ in range(5):
        refused("account.wrong", lambda: desk.accounts.sign_in(rosa, "no es"))
    office.accounts.set_password(administrator, rosa, "Nueva-clave-2")
    assert desk.accounts.sign_in(rosa, "Nueva-clave-2")
    refused(
        "account.unknown", lambda: office.accounts.set_password(administrator, "nadie", PASSWORD)
    )


def test_a_revoked_workstation_signs_nobody_in(
    desk: Desk, rosa: str, clinic: Clinic, admin: psycopg.Connection
) -> None:
    clinic.query("UPDATE sync_device SET revoked_at = now() WHERE profile = 'reception'")
    try:
        refused("device.revoked", lambda: desk.accounts.sign_in(rosa, PASSWORD))
    finally:
        clinic.query("UPDATE sync_device SET revoked_at = NULL WHERE profile = 'reception'")
    lent = clinic.station("prestado", OFFICE)
    devices.revoke(admin, clinic.schema, lent.cache.device)
    refused("device.revoked", lent.workstation.connect)


def test_roles_and_flags_say_who_may_what() -> None:
    assert permissions_of("general") == ALL
    assert permissions_of("dentista", superuser=True) == ALL
    for role in ROLES:
        assert permissions_of(role) <= ALL
        assert permissions_of(role) <= permissions_of(role, manages_appointments=True)
    assert "finance.pay" not in permissions_of("dentista")
    assert "clinical.view" not in permissions_of("administrativo")
    assert "agenda.edit" in permissions_of("administrativo", manages_appointments=True)
    assert "clients.edit" in permissions_of("dentista", manages_clients=True)
    assert "reports.view" in permissions_of("otro", sees_reports=True)
    assert {"admin", "finance.reverse"} <= permissions_of("administrativo", manages_staff=True)
    assert "admin" not in permissions_of("otro")


def test_nothing_is_asked_for_that_no_role_can_have() -> None:
    import re

    root = Path(__file__).parents[2] / "desktop"
    asked = {
        name
        for path in root.rglob("*.py")
        for name in re.findall(r"(?:\.may|\.require)\(\s*\"([a-z_.]+)\"", path.read_text("utf-8"))
    }
    assert asked
    assert asked <= ALL
