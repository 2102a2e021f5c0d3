"""A clinic's keys of backups on its server: made, kept sealed for its administrators, replaced.

The server holds public halves, and copies of private ones that nobody opens without an
administrator's own password. Every function takes a connection of the schema's owner.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
import uuid
from dataclasses import dataclass

import psycopg
from psycopg import sql

from desktop.backup import keys, recovery
from desktop.backup.errors import ArchiveError
from desktop.domain.errors import RuleError
from desktop.domain.messages import language
from desktop.reports import recovery_key
from desktop.services.backups_records import Secret, Setup
from desktop.services.server import translated


@dataclass(frozen=True, slots=True)
class ClinicKey:
    """The public halves of a key. :ivar retired_at: since when it seals nothing new."""

    id: str
    recipient: str
    recovery: str
    made_at: dt.datetime
    made_by: str
    retired_at: dt.datetime | None


def new_setup(clinic: str, now: dt.datetime) -> Setup:
    """New keys, not on the server yet."""
    made = keys.new_clinic_keys()
    return Setup(
        words=tuple(
            unicodedata.normalize("NFC", word)
            for word in recovery.to_words(made.recovery_identity, language())
        ),
        qr=recovery_key.code(made.recovery_identity),
        fingerprint=made.recovery_recipient,
        clinic=clinic,
        made_at=now,
        identity=made.identity,
        recovery_identity=made.recovery_identity,
        recipient=made.recipient,
        recovery_recipient=made.recovery_recipient,
    )


def sheet(setup: Setup, made_on: dt.date) -> bytes:
    """The recovery key on a page to print, as PDF. :param made_on: in the clinic's zone."""
    return recovery_key.render(
        recovery_key.RecoverySheet(
            clinic=setup.clinic,
            made_on=made_on,
            recipient=setup.recovery_recipient,
            words=setup.words,
            identity=setup.recovery_identity,
        )
    )


def all_keys(connection: psycopg.Connection, schema: str) -> list[ClinicKey]:
    """Every key that archives may be sealed with, the one in use first."""
    with translated():
        rows = connection.execute(
            sql.SQL(
                "SELECT id::text, recipiente, recuperacion, creada_en, creada_por, retirada_en"
                " FROM {} ORDER BY retirada_en DESC NULLS FIRST"
            ).format(sql.Identifier(schema, "respaldo_llave"))
        ).fetchall()
    return [ClinicKey(*row) for row in rows]


def put(
    connection: psycopg.Connection,
    schema: str,
    setup: Setup,
    holder: str,
    password: str,
    *,
    rotate: bool = False,
) -> None:
    """Use new keys from now on.

    Older ones stay, so that their archives open as before. A sealed copy is left for ``holder``.

    :param holder: the administrator's username. :param password: the same person's.
    :param rotate: replace the key in use; without it a second one is refused
        (``RuleError('backup.set_up_already')``).
    """
    sealed = keys.seal(setup.identity, password)
    with translated(), connection.transaction():
        table = sql.Identifier(schema, "respaldo_llave")
        connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(table))
        used = connection.execute(
            sql.SQL("SELECT id FROM {} WHERE retirada_en IS NULL").format(table)
        ).fetchall()
        if used and not rotate:
            raise RuleError("backup.set_up_already")
        connection.execute(
            sql.SQL("UPDATE {} SET retirada_en = now() WHERE retirada_en IS NULL").format(table)
        )
        new = str(uuid.uuid4())
        connection.execute(
            sql.SQL(
                "INSERT INTO {} (id, recipiente, recuperacion, creada_en, creada_por)"
                " VALUES (%s, %s, %s, now(), %s)"
            ).format(table),
            (new, setup.recipient, setup.recovery_recipient, holder),
        )
        _leave_copy(connection, schema, new, holder, sealed)


def identities(
    connection: psycopg.Connection, schema: str, holder: str, secret: Secret
) -> list[str]:
    """The private halves that ``secret`` opens, for this process's memory alone.

    Raises :class:`ArchiveError`: ``backup_key.password`` where the password opens no copy and no words
    are given, and those of :func:`desktop.backup.recovery.from_text`.
    """
    if secret.words.strip():
        return [recovery.from_text(secret.words)]
    with translated():
        rows = connection.execute(
            sql.SQL(
                "SELECT c.sellada FROM {} c JOIN {} k ON k.id = c.llave WHERE c.titular = %s"
                " ORDER BY k.retirada_en DESC NULLS FIRST"
            ).format(
                sql.Identifier(schema, "respaldo_llave_copia"),
                sql.Identifier(schema, "respaldo_llave"),
            ),
            (holder,),
        ).fetchall()
    opened: list[str] = []
    for (sealed,) in rows:
        try:
            opened.append(keys.unseal(sealed, secret.password))
        except ArchiveError as error:
            if error.code != "backup_key.password":
                raise
    if not opened:
        raise ArchiveError("backup_key.password" if rows else "backup.no_copy")
    return opened


def adopt(
    connection: psycopg.Connection, schema: str, holder: str, password: str, identity: str
) -> None:
    """Leave a copy of a private half for one more administrator, or for a new password.

    Raises ``ArchiveError('backup_key.words_wrong')`` where it is none of this clinic's.
    """
    public = keys.recipient_of(identity)
    ours = [k for k in all_keys(connection, schema) if public in {k.recipient, k.recovery}]
    if not ours:
        raise ArchiveError("backup_key.words_wrong")
    sealed = keys.seal(identity, password)
    with translated(), connection.transaction():
        for key in ours:
            _leave_copy(connection, schema, key.id, holder, sealed)


def _leave_copy(
    connection: psycopg.Connection, schema: str, key: str, holder: str, sealed: str
) -> None:
    connection.execute(
        sql.SQL(
            "INSERT INTO {} (llave, titular, sellada) VALUES (%s, %s, %s) ON CONFLICT (llave, titular)"
            " DO UPDATE SET sellada = excluded.sellada, creada_en = now()"
        ).format(sql.Identifier(schema, "respaldo_llave_copia")),
        (key, holder, sealed),
    )
