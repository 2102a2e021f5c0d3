"""What was done to an appointment, as something that can be undone and done again.

Undo is a compensating action: another local transaction that puts the former values back, refused
where somebody changed the same fields meanwhile. Nothing is taken out of the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from desktop.domain import statuses
from desktop.domain.actor import Actor
from desktop.domain.errors import RuleError
from desktop.domain.messages import _
from desktop.models import Appointment
from desktop.services.agenda_records import Placement, Warned
from desktop.services.agenda_rules import check_overlap, check_times
from desktop.services.cache import Cache
from desktop.services.clinic import ClinicSettings

COLUMNS = tuple(attribute.key for attribute in sa.inspect(Appointment).column_attrs)
_STAMP = "updated_at"


def snapshot(appointment: Appointment) -> dict[str, Any]:
    """Every column of a row, by its Python name."""
    return {name: getattr(appointment, name) for name in COLUMNS}


@dataclass(frozen=True)
class Undo:
    """One action on one appointment.

    :ivar appointment_id: the appointment that was made or changed.
    :ivar warnings: what a person should know of what was done.
    """

    appointment_id: int
    warnings: tuple[Warned, ...]
    _label: str
    _named: str
    _before: Mapping[str, Any] | None = field(repr=False)
    _after: Mapping[str, Any] = field(repr=False)
    _cache: Cache = field(repr=False)
    _clinic: ClinicSettings = field(repr=False)

    @property
    def label(self) -> str:
        """What was done, in words and in the language in use: ``Move Ana Díaz``."""
        return _(self._label).format(client=self._named)

    def undo(self, actor: Actor) -> None:
        """Puts back what was there before.

        Raises ``RuleError``: ``permission.denied``, ``agenda.changed_meanwhile``, or
        ``agenda.overlap`` where the former time was given to somebody else.
        """
        self._replace(actor, self._after, self._before)

    def redo(self, actor: Actor) -> None:
        """Does it again after :meth:`undo`; raises as that does."""
        self._replace(actor, self._before, self._after)

    def _replace(
        self, actor: Actor, present: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None
    ) -> None:
        actor.require("agenda.edit")
        with self._cache.writing(actor, "appointment.undo") as session:
            row = session.get(Appointment, self.appointment_id)
            self._check_unchanged(row, present)
            if wanted is None:
                session.delete(row)
                return
            if row is None:
                row = Appointment(**wanted)
                session.add(row)
            for name, value in wanted.items():
                if name != _STAMP:
                    setattr(row, name, value)
            row.updated_at = self._cache.now()
            self._check_time(session, row)

    def _check_unchanged(self, row: Appointment | None, present: Mapping[str, Any] | None) -> None:
        """The fields that this action set must still be as it left them."""
        if present is None:
            if row is not None:
                raise RuleError("agenda.changed_meanwhile")
            return
        if row is None:
            raise RuleError("agenda.gone")
        if any(getattr(row, name) != value for name, value in present.items() if name != _STAMP):
            raise RuleError("agenda.changed_meanwhile")

    def _check_time(self, session: Session, row: Appointment) -> None:
        if statuses.read(row.status) not in statuses.ACTIVE or row.ends_at is None:
            return
        placement = Placement(row.starts_at, row.ends_at, row.practitioner_id)
        check_times(placement, self._clinic)
        if not row.overbooking_reason:
            with session.no_autoflush:
                check_overlap(session, placement, self._clinic, own_id=row.id, as_server=True)


def changed(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns that differ, as they were and as they are."""
    names = [name for name in COLUMNS if before[name] != after[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}
