"""Looks for what a lost record would come back beside: somebody may have entered it again meanwhile.

Another workstation brought it back, or people typed it anew after the server was put back. A client
is compared by the rule of entry, an appointment by its hour, its practitioner and its client.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from desktop.domain import statuses
from desktop.domain.locale_format import date_time
from desktop.domain.messages import N_, _
from desktop.services import clients_duplicates, inbox_graves, inbox_words
from desktop.services.cache import executor
from desktop.services.clinic import ClinicSettings
from desktop.services.inbox_replay import Key, missing_parents, missing_rows, row
from sync import codec
from sync.schema import SyncSchema
from sync.store import Execute, Operation

CLIENTS, APPOINTMENTS = "pacientes_cliente", "citas_cita"

REASONS = {
    "rut": N_("same RUT"),
    "email": N_("same email"),
    "phone": N_("same phone, similar name"),
    "birth_date": N_("same birth date, similar name"),
}


@dataclass(frozen=True, slots=True)
class Alike:
    """A record that is there, and may be the one that a draft would make.

    :ivar key: the row that would be made. :ivar there: the id of the one that is there.
    :ivar words: what it is and why it may be the same.
    :ivar certain: both can't be kept: the server would refuse the second.
    """

    key: Key
    there: int
    words: str
    certain: bool


def to_make(
    execute: Execute, schema: SyncSchema, operations: tuple[Operation, ...]
) -> dict[Key, Mapping[str, Any]]:
    """The rows that doing drafts over would make, as they would be: their own, and kept ones."""
    made: dict[Key, Mapping[str, Any]] = {}
    for operation in operations:
        key = (operation.table, operation.row_id)
        if operation.kind == "I" and row(execute, schema, key) is None:
            made[key] = operation.new
    missing = [key for _o, _c, key in missing_parents(execute, schema, operations)]
    for key in (*missing, *missing_rows(execute, schema, operations)):
        image = inbox_graves.find(execute, *key)
        if image is not None:
            made[key] = image
    return made


class Finder:
    """Finds what is there already, in the state that a session sees when it is made."""

    def __init__(self, session: Session, clinic: ClinicSettings) -> None:
        self._session, self._clinic = session, clinic
        self._born: dict[str, list[tuple[int, str]]] | None = None

    def find(self, made: Mapping[Key, Mapping[str, Any]], moved: Mapping[Key, int]) -> list[Alike]:
        """One for each row that would be made and seems to be there.

        :param moved: rows for which others stand.
        """
        found = []
        for key, image in made.items():
            one = None
            if key[0] == CLIENTS:
                one = self._client(key, image)
            elif key[0] == APPOINTMENTS:
                client = image.get("cliente_id")
                stands = moved.get((CLIENTS, client), client) if client is not None else None
                one = self._appointment(key, {**image, "cliente_id": stands})
            if one is not None:
                found.append(one)
        return found

    def _client(self, key: Key, image: Mapping[str, Any]) -> Alike | None:
        born = image.get("fecha_nacimiento")
        stored = {
            "full_name": image.get("nombre_completo"),
            "rut": image.get("rut"),
            "email": image.get("email"),
            "phone": image.get("telefono"),
            "birth_date": dt.date.fromisoformat(born) if born else None,
        }
        ids = clients_duplicates.reachable_alike(self._session, stored)
        ids.update(self._born_on(born, image.get("fecha_registro") or "") if born else ())
        ids.discard(key[1])
        found = clients_duplicates.compared(self._session, stored, ids)
        for other in sorted(found, key=lambda one: (not one.certain, -len(one.reasons))):
            # Whoever was there when the lost one was entered is known to be somebody else.
            if other.client_id is None or (
                not other.certain and _entered_before(self._session, other.client_id, image)
            ):
                continue
            reasons = ", ".join(_(REASONS[reason]) for reason in other.reasons)
            words = _("{name} ({reasons})").format(name=other.full_name, reasons=reasons)
            return Alike(key, other.client_id, words, other.certain)
        return None

    def _born_on(self, date: str, since: str) -> list[int]:
        """The clients who were born on a date and not entered before another one.

        Read once: a search by name takes its time.
        """
        if self._born is None:
            self._born = {}
            for row_id, born, entered in executor(self._session)(
                f'SELECT id, fecha_nacimiento, fecha_registro FROM "{CLIENTS}"'
                " WHERE fecha_nacimiento IS NOT NULL"
            ):
                self._born.setdefault(born, []).append((row_id, entered or ""))
        return [row_id for row_id, entered in self._born.get(date, ()) if entered >= since]

    def _appointment(self, key: Key, image: Mapping[str, Any]) -> Alike | None:
        active = sorted(status.value for status in statuses.ACTIVE)
        if image.get("estado") not in active or image.get("cliente_id") is None:
            return None
        marks = ", ".join("?" * len(active))
        rows = executor(self._session)(
            f'SELECT id, sobrecupo_motivo FROM "{APPOINTMENTS}" WHERE cliente_id = ?'
            f" AND fecha_hora = ? AND dentista_id IS ? AND id <> ? AND estado IN ({marks}) LIMIT 1",
            (image["cliente_id"], image["fecha_hora"], image.get("dentista_id"), key[1], *active),
        )
        if not rows:
            return None
        when = date_time(codec.text_to_instant(image["fecha_hora"]), self._clinic.zone)
        name = inbox_words.row_name(self._session, CLIENTS, image["cliente_id"])
        words = _("{name} ({reasons})").format(name=name, reasons=when)
        certain = rows[0][1] is None and image.get("sobrecupo_motivo") is None
        return Alike(key, rows[0][0], words, certain)


def _entered_before(session: Session, client_id: int, image: Mapping[str, Any]) -> bool:
    ((entered,),) = executor(session)(
        f'SELECT fecha_registro FROM "{CLIENTS}" WHERE id = ?', (client_id,)
    )
    lost = image.get("fecha_registro")
    if not entered or not lost:
        return False
    return codec.text_to_instant(entered) < codec.text_to_instant(lost)
