"""Backups by the server's administrator, without a workstation: a clinic by its schema, places by folder.

What a workstation keeps in its encrypted cache stands here in a folder of the administrator's own: the
history, and the key that signs, in files that nobody else reads.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import platformdirs
import psycopg
from psycopg import sql

from desktop.backup import keys
from desktop.backup.history import LocalHistory
from desktop.backup.places.base import Place
from desktop.backup.places.folder import FolderPlace
from desktop.backup.places.settings import PlaceSettings
from desktop.domain import durable, passwords
from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.domain.permissions import ALL, GENERAL
from desktop.models import OFFICE
from desktop.services import backups_recovering as recovering
from desktop.services.backups import Backups
from desktop.services.backups_desk import Desk, Open
from desktop.services.backups_drills import Proof
from desktop.services.backups_records import Settings
from desktop.services.backups_settings import read_rule
from desktop.services.cache import utc_now
from desktop.services.secrets import read_secret_file
from desktop.services.server import translated
from sync.identifiers import with_parameters


def default_folder() -> Path:
    """Where an administrator's history and key are kept unless another folder is named."""
    return Path(platformdirs.user_data_dir("consultorio-admin", appauthor=False))


def place_id(folder: Path) -> str:
    """The same folder has the same id on the same computer."""
    return "folder-" + hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]


class AdministratorSettings:
    """What :class:`Backups` asks of a workstation, for an administrator of the server."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        schema: str,
        folders: Sequence[Path],
        own: Path,
    ) -> None:
        """:param folders: where archives are kept. :param own: the administrator's own folder."""
        self._schema = schema
        self._folders = folders
        self._own = own
        with connect() as connection:
            self.ground = recovering.ground(connection, schema)
            self._rule = None if self.ground.tenant is None else self._stored(connection)

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's time zone."""
        return self.ground.zone

    @property
    def clinic(self) -> str:
        """The clinic's name."""
        return self.ground.clinic

    @property
    def recipients(self) -> tuple[str, ...]:
        """The server is asked each time."""
        return ()

    def remember(self, recipients: tuple[str, ...]) -> None:
        """The server is asked each time."""

    def now(self) -> dt.datetime:
        """The moment, aware, in UTC."""
        return utc_now()

    def load(self) -> Settings:
        """The clinic's schedule and retention."""
        rule, keep = read_rule(self._rule)
        return Settings(schedule=rule, keep=keep, places=(), automatic=False)

    def save(self, _actor: Actor, _settings: Settings, /) -> None:
        """Settings are made at a workstation."""
        raise RuleError("backup.at_a_workstation")

    def try_out(self, _place: PlaceSettings, _secret: str | None, /) -> None:
        """Places are tried at a workstation."""
        raise RuleError("backup.at_a_workstation")

    def keep_secret(self, _place: PlaceSettings, _secret: str, /) -> None:
        """An administrator's commands use folders."""
        raise RuleError("backup.at_a_workstation")

    def keep_proof(self, _proof: Proof | None, /) -> None:
        """An administrator's scheduler gives what is needed with each command."""
        raise RuleError("backup.at_a_workstation")

    def cache(self) -> AbstractContextManager[Any]:
        """There is none."""
        raise RuleError("backup.at_a_workstation")

    def places(self) -> dict[str, Open]:
        """The folders."""

        def opener(folder: Path) -> Callable[[], Place]:
            return lambda: FolderPlace(folder)

        return {
            place_id(each): Open(place_id(each), str(each), opener(each)) for each in self._folders
        }

    def proof(self) -> Proof | None:
        """An administrator's scheduler gives what is needed with each command."""
        return None

    def signer(self) -> keys.Signer:
        """The administrator's own key, made where there is none yet."""
        path = self._own / "signer"
        if path.exists():
            return keys.Signer(read_secret_file(path))
        made = keys.Signer.generate()
        try:
            self._own.mkdir(parents=True, exist_ok=True, mode=0o700)
            durable.replace(path, made.private.encode())
        except OSError as error:
            raise EnvironmentTrouble("backup.settings_not_kept", path=str(self._own)) from error
        return made

    def _stored(self, connection: psycopg.Connection) -> str | None:
        with translated():
            rows = connection.execute(
                sql.SQL("SELECT valor FROM {} WHERE clave = 'respaldos'").format(
                    sql.Identifier(self._schema, "configuracion_ajuste")
                )
            ).fetchall()
        return rows[0][0] if rows else None


def administrators_backups(
    connect: Callable[[], psycopg.Connection],
    schema: str,
    folders: Sequence[Path],
    own: Path,
    *,
    username: str = "",
    program: str = "",
) -> tuple[Backups, Actor]:
    """The use cases over an administrator's connections, and the administrator as a person.

    :param connect: as the schema's owner; who can connect so needs no other leave.
    :param username: the person's own in the clinic: whose sealed copy of the key is opened.
    Raises those of :func:`desktop.services.backups_recovering.ground`.
    """
    settings = AdministratorSettings(connect, schema, folders, own)
    tenant = settings.ground.tenant or ""
    work = own / (tenant or "new")
    actor = Actor(None, username or "administrador", username, GENERAL, frozenset(ALL))

    def desk() -> Desk:
        return Desk(
            schema=schema,
            tenant=tenant,
            connect=connect,
            now=settings.now,
            work=work,
            signer=settings.signer(),
            places=settings.places(),
            local=LocalHistory(work / "history.jsonl"),
            program=program,
        )

    def sign_in(name: str, password: str) -> Actor:
        """Nobody where no name is given: who owns the schema needs no other leave."""
        if name and tenant:
            with connect() as connection, translated():
                rows = connection.execute(
                    sql.SQL("SELECT password FROM {} WHERE username = %s AND is_active").format(
                        with_parameters(schema, "auth_user")
                    ),
                    (name,),
                ).fetchall()
            if not rows or not passwords.verify(password, rows[0][0]):
                raise RuleError("account.wrong")
        return actor

    backups = Backups(
        desk,
        settings,
        sign_in,
        lambda _user, _password: connect(),
        schema,
        OFFICE,
    )
    return backups, actor
