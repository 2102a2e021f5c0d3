"""Choosing another time for a refused appointment."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from desktop.domain.locale_format import date_long, time_of_day
from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.qt.dialogs import Dialog
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Busy, button
from desktop.services.agenda_records import FreeSlot

SLOT = Qt.ItemDataRole.UserRole


class SlotDialog(Dialog):
    """The free times of the practitioner who was asked for; or the agenda, to look by oneself."""

    def __init__(
        self,
        parent: QWidget,
        context: AppContext,
        tx: str,
        chosen: Callable[[FreeSlot], None],
        agenda: Callable[[], None],
    ) -> None:
        super().__init__(
            parent,
            _("Choose another time"),
            _("These times are free as far as this workstation knows."),
            action=_("Book"),
            width=600,
        )
        self._context = context
        self._chosen = chosen
        self.busy = Busy(_("Looking for free times…"))
        self.list = QListWidget()
        self.list.setAccessibleName(_("Free times"))
        self.list.setMinimumHeight(current_theme().px(280))
        self.list.setVisible(False)
        self.list.itemActivated.connect(self._book)
        self.body.addWidget(self.busy)
        self.body.addWidget(self.list, 1)
        look = button(_("Choose in the &agenda"), "link")
        look.clicked.connect(self.reject)
        look.clicked.connect(agenda)
        self.footer.insertWidget(0, look)
        self.primary.clicked.connect(self._book)
        self.primary.setEnabled(False)
        inbox = context.services.inbox
        context.jobs.read(
            self, lambda _progress: inbox.free_slots(tx), done=self._show, failed=self._failed
        )

    def _show(self, slots: list[FreeSlot]) -> None:
        self.busy.setVisible(False)
        if not slots:
            self.banner.show_text(_("There is no free time in the next weeks."), "warning")
            return
        zone = self._context.services.clinic.zone
        for slot in slots:
            local = slot.starts_at.astimezone(zone)
            words = f"{date_long(local.date())} · {time_of_day(slot.starts_at, zone)}"
            item = QListWidgetItem(f"{words} · {slot.practitioner_name}")
            item.setData(SLOT, slot)
            self.list.addItem(item)
        self.list.setVisible(True)
        self.list.setCurrentRow(0)
        self.list.setFocus()
        self.primary.setEnabled(True)

    def _failed(self, error: Exception) -> None:
        self.busy.setVisible(False)
        self.show_error(error)
        self.primary.setEnabled(False)

    def _book(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self._chosen(item.data(SLOT))
            self.accept()
