"""What was typed of a client and is not saved: wrong, refused, or not yet finished.

It is kept in the workstation's own cache, encrypted like the rest, and never sent: a program that is
closed, or ends without being asked, loses none of it. A draft belongs to who typed it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from desktop.domain.actor import Actor
from desktop.services.cache import Cache
from desktop.services.clients_records import Change
from sync import codec

NEW = 0
"""Stands for the client who is being entered and has no number yet."""

_PREPARE = (
    """CREATE TABLE IF NOT EXISTS local_draft (
        person TEXT NOT NULL, client INTEGER NOT NULL, field TEXT NOT NULL, name TEXT NOT NULL,
        seen TEXT NOT NULL, typed TEXT NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (person, client, field)) WITHOUT ROWID""",
    # A copied workstation gives its rows new ids before it sends them: a draft goes with its client.
    """CREATE TRIGGER IF NOT EXISTS local_draft_follows AFTER UPDATE OF row_id ON sync_op
        WHEN new.tbl = 'pacientes_cliente' AND new.row_id <> old.row_id
        BEGIN UPDATE OR REPLACE local_draft SET client = new.row_id WHERE client = old.row_id; END""",
)


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """One field as it was left.

    :ivar client_id: ``NEW`` for somebody who is being entered.
    :ivar name: the client's name when it was typed, for people.
    :ivar seen: what the field held before. :ivar typed: what it holds now.
    """

    client_id: int
    name: str
    field: str
    seen: str | int | None
    typed: str | int | None


class ClientDrafts:
    """The drafts of one cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        with cache.writing_local() as session:
            for statement in _PREPARE:
                session.connection().exec_driver_sql(statement)

    def kept(self, actor: Actor) -> list[KeptDraft]:
        """What ``actor`` typed and has not saved, the oldest first.

        Drafts of clients who are not on this workstation are left out, and kept.
        """
        with self._cache.reading() as session:
            rows = session.connection().exec_driver_sql(
                "SELECT client, name, field, seen, typed FROM local_draft d WHERE person = ?"
                " AND (client = ? OR EXISTS (SELECT 1 FROM pacientes_cliente c WHERE c.id = d.client))"
                " ORDER BY at, client, field",
                (actor.username, NEW),
            )
            return [
                KeptDraft(client, name, field, json.loads(seen), json.loads(typed))
                for client, name, field, seen, typed in rows
            ]

    def keep(self, actor: Actor, client_id: int, name: str, changes: Mapping[str, Change]) -> None:
        """Keep fields as they were typed, in place of what was kept of them before."""
        at = codec.instant_to_text(self._cache.now())
        with self._cache.writing_local() as session:
            for field, change in changes.items():
                session.connection().exec_driver_sql(
                    "INSERT OR REPLACE INTO local_draft VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(actor.username, client_id, field, name),
                        *(json.dumps(change.old), json.dumps(change.new), at),
                    ),
                )

    def forget(self, actor: Actor, client_id: int, fields: Iterable[str]) -> None:
        """Drop what was kept of these fields: it was saved, or is not wanted any more."""
        with self._cache.writing_local() as session:
            forget(session, actor, client_id, fields)


def forget(session: Session, actor: Actor, client_id: int, fields: Iterable[str]) -> None:
    """As :meth:`ClientDrafts.forget`, in the transaction of what is saved."""
    for field in fields:
        session.connection().exec_driver_sql(
            "DELETE FROM local_draft WHERE person = ? AND client = ? AND field = ?",
            (actor.username, client_id, field),
        )
