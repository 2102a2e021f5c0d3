"""Finds somebody on the day that is shown: who comes to the desk and says a name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from desktop.domain.messages import _
from desktop.domain.names import fold
from desktop.domain.statuses import Status
from desktop.qt.dialogs import Dialog
from desktop.qt.theme import current_theme
from desktop.qt.widgets import SearchBox, label
from desktop.services.agenda_records import DayAppointment
from desktop.views.agenda import describe
from desktop.views.agenda.model import DayModel

APPOINTMENT = Qt.ItemDataRole.UserRole
EXPECTED = frozenset({Status.BOOKED, Status.CONFIRMED})


def ranked(model: DayModel, now: dt.datetime) -> list[DayAppointment]:
    """The visits of the day: who is still expected first, the next one on top."""

    def key(item: DayAppointment) -> tuple[bool, dt.timedelta, int]:
        return item.status not in EXPECTED, abs(item.starts_at - now), item.id

    visits = [item for item in model.by_id.values() if item.status is not Status.AVAILABLE]
    return sorted(visits, key=key)


def matches(item: DayAppointment, text: str) -> bool:
    """Whether every word of ``text`` stands in the client's name, or its digits in the phone."""
    name = fold(f"{item.client_name} {item.service_name}")
    digits = "".join(figure for figure in item.client_phone if figure.isdigit())
    return all(word in name or (word.isdigit() and word in digits) for word in fold(text).split())


class DayFinder(Dialog):
    """Type some letters of a name; Enter goes there.

    :param model: the day, ``None`` while it is still read: whoever types a name right away must
        find a line to type it in, not the agenda's keys of one letter.
    :param chosen: gets the appointment's id.
    """

    def __init__(
        self,
        parent: QWidget,
        model: DayModel | None,
        now: dt.datetime,
        chosen: Callable[[int], None],
    ) -> None:
        super().__init__(
            parent,
            _("Find on this day"),
            _("Who is still expected comes first."),
            action=_("Show"),
            width=680,
        )
        self._model, self._now, self._chosen = model, now, chosen
        self._items = ranked(model, now) if model is not None else []
        self.box = SearchBox(_("Name or phone"))
        self.list = QListWidget()
        self.list.setAccessibleName(_("Visits of the day"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMinimumHeight(current_theme().px(280))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.nobody = label(_("Nobody of this name on this day."), "muted")
        self.body.addWidget(self.box)
        self.body.addWidget(self.list, 1)
        self.body.addWidget(self.nobody)
        self.box.textChanged.connect(self._fill)
        self.box.moved.connect(self._step)
        self.box.chosen.connect(self._go)
        self.list.itemClicked.connect(self._go)
        self.primary.clicked.connect(self._go)
        self._fill("")
        self.box.setFocus()

    def show_model(self, model: DayModel) -> None:
        """The day has been read, perhaps once more; who is marked stays marked."""
        marked = self.list.currentItem()
        wanted = marked.data(APPOINTMENT) if marked is not None else None
        self._model, self._items = model, ranked(model, self._now)
        self._fill(self.box.text())
        for line in range(self.list.count()):
            if self.list.item(line).data(APPOINTMENT) == wanted:
                self.list.setCurrentRow(line)

    def _fill(self, text: str) -> None:
        self.list.clear()
        model = self._model
        for item in self._items:
            if model is not None and matches(item, text):
                column = model.agenda.columns[model.column_of[item.id]]
                words = [
                    describe.times(item, model.agenda.day.zone),
                    describe.title(item),
                    describe.status(item, self._now),
                    describe.column_name(column),
                ]
                line = QListWidgetItem("  ·  ".join(words))
                line.setData(APPOINTMENT, item.id)
                self.list.addItem(line)
        self.list.setCurrentRow(0)
        self.nobody.setVisible(model is not None and self.list.count() == 0)
        self.primary.setEnabled(self.list.count() > 0)

    def _step(self, steps: int) -> None:
        last = self.list.count() - 1
        self.list.setCurrentRow(max(0, min(last, self.list.currentRow() + steps)))

    def _go(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.accept()
            self._chosen(item.data(APPOINTMENT))
