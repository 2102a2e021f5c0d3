"""The demo's clinic: an embedded server, a generated clinic, two workstations that joined it."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import conninfo, sql

from desktop.services import devices, enrolment, joining, tenants
from desktop.services.accounts import NewAccount
from desktop.services.generate import generate
from desktop.services.tenants import NewClinic
from tests.support import embedded

ZONE = ZoneInfo("America/Santiago")
DATABASE = "consultorio"
SCHEMA = "clinica_demo"
WEB_ROLE = "web_demo"
PASSWORD = "Demo-consultorio-1"
VERSION = 1


@dataclass(frozen=True)
class World:
    """Where everything is.

    :ivar practitioner: username of the laptop's owner.
    """

    folder: Path
    dsn: str
    practitioner: str
    practitioner_id: int
    today: dt.date

    @property
    def reception(self) -> Path:
        return self.folder / "recepcion"

    @property
    def laptop(self) -> Path:
        return self.folder / "profesional"

    @property
    def passphrase_file(self) -> Path:
        return self.folder / "frase"

    @property
    def web_dsn(self) -> str:
        return conninfo.make_conninfo(
            self.dsn,
            user=WEB_ROLE,
            password=_secret(self.folder / "web"),
            options=f"-csearch_path={SCHEMA}",
        )


def folder() -> Path:
    return Path(os.environ.get("CONSULTORIO_DEMO_DIR", ".demo")).absolute()


def _secret(path: Path) -> str:
    """What a file that only its owner reads says; a new random word where there is none."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(18), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def known(where: Path) -> World | None:
    """The world that an earlier run left, if it is of today and of this version."""
    try:
        said: dict[str, Any] = json.loads((where / "demo.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if said.get("version") != VERSION or said.get("today") != _today().isoformat():
        return None
    server = embedded.start(where / "pg")
    return World(
        where,
        server.dsn_of(DATABASE),
        said["practitioner"],
        said["practitioner_id"],
        dt.date.fromisoformat(said["today"]),
    )


def _today() -> dt.date:
    return dt.datetime.now(ZONE).date()


def hour_to_play() -> dt.timedelta:
    """What to add to the clock so that the clinic is open: nothing from nine to five.

    A day that is played by itself at night is played as at twenty past eleven.
    """
    now = dt.datetime.now(ZONE)
    if 9 <= now.hour < 17:
        return dt.timedelta(0)
    return now.replace(hour=11, minute=20, second=0, microsecond=0) - now


def build(where: Path, shift: dt.timedelta = dt.timedelta(0)) -> World:
    """A new world: about half a minute, most of it the generated years.

    :param shift: how far the clock of the workstations is off, see :func:`hour_to_play`.
    """
    where.mkdir(parents=True, exist_ok=True)
    for name in ("recepcion", "profesional", "oficina"):
        for folder_ in (name, f"{name}.joining"):
            shutil.rmtree(where / folder_, ignore_errors=True)
    print("Starting PostgreSQL …", flush=True)
    server = embedded.start(where / "pg")
    with server.connect() as admin:
        name = sql.Identifier(DATABASE)
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        for (role,) in admin.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE %s OR rolname = %s",
            (f"{SCHEMA}%", WEB_ROLE),
        ).fetchall():
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
        admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
    dsn = server.dsn_of(DATABASE)
    today = _today()
    with psycopg.connect(dsn, autocommit=True) as connection:
        print("Making the clinic and three years of its life …", flush=True)
        tenants.create(
            connection,
            SCHEMA,
            NewClinic(
                name="Clínica Los Aromos",
                email="hola@losaromos.example",
                phone="+56222345678",
                address="Avenida Italia 1234, Ñuñoa, Santiago",
            ),
            NewAccount(username="jefatura", name="Ana Administra", role="general"),
            PASSWORD,
        )
        at = (dt.datetime.now(ZONE) + shift).time().replace(second=0, microsecond=0)
        generate(connection, SCHEMA, "small", 1, today, password=PASSWORD, at=at)
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(WEB_ROLE), sql.Literal(_secret(where / "web"))
            )
        )
        tenants.grant_web(connection, SCHEMA, WEB_ROLE)
        practitioner_id, username = connection.execute(
            sql.SQL(
                "SELECT p.id, u.username FROM {0}.personal_perfil p"
                " JOIN {0}.auth_user u ON u.id = p.user_id"
                " WHERE p.rol = 'dentista' ORDER BY p.id LIMIT 1"
            ).format(sql.Identifier(SCHEMA))
        ).fetchall()[0]
        world = World(where, dsn, username, practitioner_id, today)
        phrase = _secret(world.passphrase_file)
        for target, profile, owner, label in (
            (world.reception, "reception", None, "Recepción"),
            (world.laptop, "practitioner", practitioner_id, "Portátil"),
        ):
            print(f"Enrolling and joining {label} …", flush=True)
            admitted = devices.enroll(
                connection, SCHEMA, profile=profile, practitioner_id=owner, label=label
            )
            file = where / f"{profile}.inscripcion"
            file.unlink(missing_ok=True)
            enrolment.write(admitted, file)
            joining.join(file, target, passphrase=lambda: phrase)
    (where / "demo.json").write_text(
        json.dumps(
            {
                "version": VERSION,
                "today": today.isoformat(),
                "practitioner": username,
                "practitioner_id": practitioner_id,
            }
        ),
        encoding="utf-8",
    )
    return world


def ready(where: Path) -> World:
    """Today's world: the one at hand, or a new one."""
    return known(where) or build(where)
