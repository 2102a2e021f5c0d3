"""A clinic put back at a workstation: with the person's password and the database's administrator.

The other half of :class:`desktop.services.backups.Backups`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from desktop.backup import recovery
from desktop.backup.archive_check import Texts
from desktop.domain import passwords
from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble, RuleError
from desktop.services import backups_drills as drills
from desktop.services import backups_foreign as foreign
from desktop.services import backups_keys as clinic_keys
from desktop.services import backups_recovering as recovering
from desktop.services.backups_desk import Desk
from desktop.services.backups_records import (
    EXPORT,
    RESTORE,
    SETTINGS,
    Database,
    DrillReport,
    ForeignImport,
    ForeignLook,
    Opened,
    Restored,
    RestorePlan,
    Secret,
    Tell,
    UndoItem,
    silent,
)
from desktop.services.backups_recovering import Ground
from desktop.services.backups_settings import Store
from desktop.services.backups_steps import Steps

ConnectAs = Callable[[str, str], psycopg.Connection]
SignIn = Callable[[str, str], Actor]
Source = str | Path | tuple[Path, ...]
"""An archive: its id or name in the history; or its file, or the files of a chain, the full one first."""


class PuttingBack:
    """What replaces a clinic or opens an archive. See :class:`desktop.services.backups.Backups`."""

    def __init__(
        self,
        desk: Callable[[], Desk],
        station: Store,
        sign_in: SignIn,
        connect_as: ConnectAs,
        schema: str,
        profile: str,
    ) -> None:
        """
        :param desk: where backups are taken with the settings of now.
        :param sign_in: asks whether a username and a password belong together.
        :param connect_as: reaches the clinic's database as somebody else.
        """
        self._desk = desk
        self._station = station
        self._sign_in = sign_in
        self._connect_as = connect_as
        self._schema = schema
        self._profile = profile
        self._undo: UndoItem | None = None
        self._devices: dict[int, str] = {}
        self.running = ""

    # Putting back ---------------------------------------------------------------------------------

    def open_archive(
        self,
        actor: Actor,
        source: Source,
        secret: Secret,
        database: Database,
        *,
        tell: Tell = silent,
    ) -> Opened:
        """Open an archive and authenticate all of it; nothing is changed."""
        self._again(actor, RESTORE, secret.password)
        steps = Steps(tell)
        with (
            self._ground(database) as where,
            self._files(source, steps) as paths,
            recovering.reading(
                where, paths, self._identities(where, actor, secret), steps, Texts.SUMMED
            ) as readers,
        ):
            return recovering.described(where, readers, str(source))

    def plan(
        self,
        actor: Actor,
        source: Source,
        secret: Secret,
        database: Database,
        *,
        new: bool = False,
        tell: Tell = silent,
    ) -> RestorePlan:
        """What a restore would change, in words and figures; nothing is changed.

        :param new: the clinic is not on this server and would be made.
        """
        self._again(actor, RESTORE, secret.password)
        steps = Steps(tell)
        with self._ground(database, new=new) as where, self._files(source, steps) as paths:
            return recovering.plan(
                where, paths, self._identities(where, actor, secret), str(source), steps
            )

    def restore(
        self,
        actor: Actor,
        source: Source,
        secret: Secret,
        database: Database,
        *,
        clinic_name: str,
        new: tuple[str, str] | None = None,
        tell: Tell = silent,
    ) -> Restored:
        """Put the clinic back as an archive has it, after a safety copy of what is there.

        :param clinic_name: typed by the person; ``backup.clinic_name`` for another.
        :param new: the clinic is not on this server and is made; an administrator's username and new
            password, by which somebody can sign in there.
        """
        self._again(actor, RESTORE, secret.password)
        steps = Steps(tell)
        encoded = None if new is None else (new[0], passwords.encode(new[1]))
        with self._ground(database, new=new is not None) as where:
            if new is None and _plain(clinic_name) != _plain(where.clinic):
                raise RuleError("backup.clinic_name", clinic=where.clinic)
            identities = self._identities(where, actor, secret)
            with self._files(source, steps) as paths:
                return recovering.restore(
                    where,
                    paths,
                    identities,
                    steps,
                    desk=self._administrators_desk(database),
                    actor=actor.name,
                    password=encoded,
                )

    def undoable(self, actor: Actor, database: Database) -> UndoItem | None:
        """What the last restore replaced, while it is kept."""
        actor.require(RESTORE)
        with self._database(database) as connection:
            return recovering.undoable(connection, self._schema)

    def undo(
        self, actor: Actor, password: str, database: Database, *, tell: Tell = silent
    ) -> Restored:
        """Take the last restore back. Raises ``restore.nothing_to_undo``."""
        self._again(actor, RESTORE, password)
        with self._ground(database) as where:
            return recovering.undo(where, Steps(tell), desk=self._administrators_desk(database))

    def drill(
        self,
        actor: Actor,
        id_: str | None,
        secret: Secret,
        database: Database,
        *,
        tell: Tell = silent,
    ) -> DrillReport:
        """Prove an archive by restoring it beside the clinic. :param id_: ``None``: the newest."""
        self._again(actor, RESTORE, secret.password)
        desk = self._desk()
        with self._ground(database) as where:
            return drills.drill(
                where, desk, id_, self._identities(where, actor, secret), Steps(tell)
            )

    def allow_drills(self, actor: Actor, secret: Secret, database: Database) -> None:
        """Let this workstation prove backups by itself, once a week.

        For that it keeps, in this computer's keyring, what opens the clinic's archives and the
        database's administrator: an administrator decides whether the computer is safe enough.
        """
        self._again(actor, RESTORE, secret.password)
        with self._ground(database) as where:
            identities = self._identities(where, actor, secret)
        self._station.keep_proof(drills.Proof(tuple(identities), database.user, database.password))

    def forbid_drills(self, actor: Actor) -> None:
        """Forget what :meth:`allow_drills` kept."""
        actor.require(SETTINGS)
        self._station.keep_proof(None)

    @property
    def proves_by_itself(self) -> bool:
        """Whether this workstation was let prove backups by itself."""
        return self._station.proof() is not None

    def drill_by_itself(self, *, tell: Tell = silent) -> DrillReport:
        """The weekly trial restore of the newest archive. Raises ``backup.drills_not_allowed``."""
        proof = self._station.proof()
        if proof is None:
            raise RuleError("backup.drills_not_allowed")
        with self._ground(Database(proof.user, proof.password)) as where:
            return drills.drill(where, self._desk(), None, proof.identities, Steps(tell))

    # Other programs -------------------------------------------------------------------------------

    def look(self, actor: Actor, path: Path, *, tell: Tell = silent) -> ForeignLook:
        """What another program's backup holds; nothing of it is executed."""
        actor.require(RESTORE)
        return foreign.look(path, Steps(tell))

    def import_foreign(
        self,
        actor: Actor,
        path: Path,
        schema: str | None,
        password: str,
        database: Database,
        *,
        tell: Tell = silent,
    ) -> ForeignImport:
        """Make an archive of another program's backup; it is restored like any other."""
        self._again(actor, RESTORE, password)
        with self._ground(database) as where:
            return foreign.take_in(
                where, self._administrators_desk(database), path, schema, actor.name, Steps(tell)
            )

    def export_sql(
        self, actor: Actor, path: Path, password: str, database: Database, *, tell: Tell = silent
    ) -> Path:
        """Write the clinic as plain SQL, readable by everybody who has the file."""
        self._again(actor, EXPORT, password)
        with self._ground(database) as where:
            return foreign.export_sql(where, path, Steps(tell))

    # Inside ---------------------------------------------------------------------------------------

    def _again(self, actor: Actor, permission: str, password: str) -> None:
        """The person types the own password again. Raises those of signing in."""
        actor.require(permission)
        if self._sign_in(actor.username, password).username != actor.username:
            raise RuleError("account.wrong")

    @contextmanager
    def _database(self, database: Database) -> Iterator[psycopg.Connection]:
        with self._connect_as(database.user, database.password) as connection:
            yield connection

    @contextmanager
    def _ground(self, database: Database, *, new: bool = False) -> Iterator[Ground]:
        with self._database(database) as connection:
            where = recovering.ground(connection, self._schema)
            if where.tenant is None and not new:
                raise EnvironmentTrouble("server.no_clinic")
            if where.tenant is not None and new:
                raise RuleError("tenant.exists", tenant=self._schema)
            yield where

    def _administrators_desk(self, database: Database) -> Desk:
        return replace(
            self._desk(), connect=lambda: self._connect_as(database.user, database.password)
        )

    def _identities(self, where: Ground, actor: Actor, secret: Secret) -> list[str]:
        if where.tenant is None:
            return [recovery.from_text(secret.words)]
        return clinic_keys.identities(where.connection, self._schema, actor.username, secret)

    @contextmanager
    def _files(self, source: Source, steps: Steps) -> Iterator[list[Path]]:
        if not isinstance(source, str):
            yield [source] if isinstance(source, Path) else list(source)
            return
        with self._desk().fetched(source, steps) as paths:
            yield paths


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
