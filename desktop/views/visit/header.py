"""Who is being attended, what must not be overlooked, and how far the visit has come."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout

from desktop.domain import identifiers, statuses
from desktop.domain.actor import Actor
from desktop.domain.locale_format import date_long, time_of_day
from desktop.domain.messages import _, ngettext
from desktop.domain.statuses import Status
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Badge, Banner, Card, button, label
from desktop.services.finance_types import Visit

_TONES = {
    Status.ARRIVED: "warning",
    Status.READY: "warning",
    Status.IN_PROGRESS: "accent",
    Status.FINISHED: "info",
    Status.COMPLETED: "success",
    Status.CANCELLED: "danger",
    Status.NO_SHOW: "danger",
}


class VisitHeader(Card):
    """The top of the page.

    :ivar stepped: the :class:`Status` that somebody wants next.
    :ivar left: somebody wants to go back to the agenda.
    """

    stepped = Signal(object)
    left = Signal()

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self._zone = zone
        self._step: Status | None = None
        space = current_theme().spacing
        self.back = button(_("Agenda"), "quiet", icon="chevron-left", shortcut="Alt+Left")
        self.back.clicked.connect(self.left)
        self.name = label("", "title", wrap=True)
        self.status = Badge()
        self.step = button("", icon="chevron-right")
        self.step.clicked.connect(lambda: self._emit(self._step))
        self.complete = button(_("Complete visit"), shortcut="F9", icon="check")
        self.complete.clicked.connect(lambda: self._emit(Status.COMPLETED))
        self.person = label("", "muted", wrap=True)
        self.when = label("", "muted", wrap=True)
        top = QHBoxLayout()
        top.setSpacing(space.s)
        top.addWidget(self.back)
        top.addWidget(self.name, 1)
        top.addWidget(self.status)
        middle = QHBoxLayout()
        middle.setSpacing(space.s)
        middle.addWidget(self.person, 1)
        for part in (self.step, self.complete):
            middle.addWidget(part)
        self.allergies = Banner("", "danger")
        self.body.setSpacing(space.s)
        self.body.addLayout(top)
        self.body.addLayout(middle)
        self.body.addWidget(self.when)
        self.body.addWidget(self.allergies)

    def show_visit(self, visit: Visit, actor: Actor, today: dt.date) -> None:
        """Say who, when, with whom and how far."""
        appointment, client = visit.appointment, visit.client
        self.name.setText(appointment.client_name or _("Without a client"))
        self.person.setText(self._person(visit, today))
        self.when.setText(self._when(visit))
        allergies = (client.allergies or "").strip() if client else ""
        self.allergies.show_text(
            _("Allergies: {allergies}").format(allergies=allergies) if allergies else ""
        )
        status = statuses.read(appointment.status)
        tone = _TONES.get(status, "neutral") if status else "neutral"
        self.status.show_text(statuses.label(appointment.status), tone)
        self._step = statuses.usual_next(status) if status else None
        may = actor.may("agenda.edit") or actor.may("clinical.edit")
        completes = bool(status and statuses.may_follow(status, Status.COMPLETED))
        self.complete.setVisible(may and completes)
        step = self._step is not None and self._step is not Status.COMPLETED
        self.step.setVisible(may and step)
        if self._step is not None:
            self.step.setText(statuses.label(self._step))

    def _person(self, visit: Visit, today: dt.date) -> str:
        client = visit.client
        if client is None:
            return ""
        parts = [
            identifiers.rut_for_reading(client.identity),
            identifiers.phone_for_reading(client.phone),
        ]
        if client.birth_date is not None:
            born = client.birth_date
            age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
            parts.append(ngettext("{n} year old", "{n} years old", age).format(n=age))
        return "  ·  ".join(part for part in parts if part)

    def _when(self, visit: Visit) -> str:
        appointment = visit.appointment
        day = date_long(appointment.starts_at.astimezone(self._zone).date())
        parts = [f"{day}, {time_of_day(appointment.starts_at, self._zone)}"]
        parts += [words for words in (appointment.service, appointment.practitioner) if words]
        return "  ·  ".join(parts)

    def _emit(self, status: Status | None) -> None:
        if status is not None:
            self.stepped.emit(status)
