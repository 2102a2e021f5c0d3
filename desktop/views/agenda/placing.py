"""A refused booking, brought to the agenda: a person chooses its new time there."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop.domain.errors import AppError
from desktop.domain.messages import _, ngettext
from desktop.qt.context import AppContext
from desktop.qt.dialogs import report_failure
from desktop.qt.widgets import Banner, button
from desktop.services.agenda_records import Placement
from desktop.services.inbox_records import BookingDraft

SETTLED = "inbox.settled"


class Placing(QObject):
    """Holds the draft until it is booked or left; left, it waits in the inbox as before.

    :ivar strip: says for whom a time is wanted; hidden while there is nothing to place.
    :ivar bookAsked: the button "book here". :ivar placed: the appointment's id.
    :ivar ended: the draft is placed, or left.
    """

    bookAsked = Signal()
    placed = Signal(object)
    ended = Signal()

    def __init__(self, context: AppContext, screen: QWidget) -> None:
        super().__init__(screen)
        self._context = context
        self._screen = screen
        self._busy = False
        self.draft: BookingDraft | None = None
        self.strip = Banner("", "info")
        self.book = button(_("Book here (Enter)"), "primary")
        self.back = button(_("Back to the inbox (Esc)"))
        self.book.clicked.connect(self.bookAsked)
        self.back.clicked.connect(self.leave)
        self.strip.buttons.addWidget(self.back)
        self.strip.buttons.addWidget(self.book)

    def begin(self, draft: BookingDraft) -> None:
        """Ask for a time for ``draft``."""
        self.draft = draft
        length = ngettext("{n} minute", "{n} minutes", draft.minutes).format(n=draft.minutes)
        parts = [draft.client_name or _("No name"), draft.service, length]
        self.strip.show_text(
            _("Choose a time for {visit}.").format(visit=" · ".join(part for part in parts if part))
        )

    def leave(self) -> None:
        """Give it up for now: the draft is where it was."""
        draft = self.draft
        self._end()
        if draft is not None:
            self._context.navigate("inbox", {"tx": draft.tx})

    def place(self, placement: Placement) -> None:
        """Book the draft at the start of ``placement`` and with its practitioner."""
        draft = self.draft
        if draft is None or self._busy:
            return
        inbox: Any = self._context.services.inbox
        actor = self._context.actor
        self._busy = True
        self._context.jobs.write(
            self._screen,
            lambda _progress: inbox.other_slot(
                actor, draft.tx, placement.starts_at, placement.practitioner_id
            ),
            done=self._placed,
            failed=self._refused,
        )

    def _placed(self, appointment_id: int) -> None:
        self._end()
        self._context.statusWanted.emit()
        self._context.notify(
            _("Booked at the new time; it is on its way."),
            "success",
            _("Back to the inbox"),
            lambda: self._context.navigate("inbox"),
        )
        self.placed.emit(appointment_id)

    def _refused(self, error: Exception) -> None:
        self._busy = False
        report_failure(self._screen, error)
        if isinstance(error, AppError) and error.code == SETTLED:
            self._end()

    def _end(self) -> None:
        self._busy = False
        self.draft = None
        self.strip.show_text("")
        self.ended.emit()
