"""The inbox: refused changes at the left, one of them with its ways out at the right."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, QSignalBlocker, Slot
from PySide6.QtGui import QFocusEvent, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QListView,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.domain.messages import _, ngettext
from desktop.qt.context import AppContext
from desktop.qt.dialogs import confirm, report_failure
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import EmptyState, button, label
from desktop.services.agenda_records import FreeSlot
from desktop.services.inbox_records import BookingDraft, InboxItem, Way
from desktop.views.inbox.carrying import ExportDialog, ImportDialog, warn_readable
from desktop.views.inbox.detail import InboxDetail
from desktop.views.inbox.model import InboxDelegate, InboxModel
from desktop.views.inbox.slots import SlotDialog
from desktop.views.inbox.words import DONE

LIST, NARROW_LIST, NARROW = 360, 270, 960
"""Widths of the list, and of the page below which it is narrow, before the text's scale."""


class InboxScreen(QWidget):
    """List and detail of what the server refused; complete by keyboard."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._settled = False
        self._wanted: str | None = None
        self.detail: InboxDetail | None = None
        self.model = InboxModel()
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(InboxDelegate(self.list))
        self.list.setMouseTracking(True)
        self.list.setAccessibleName(_("Refused changes"))
        theme_switch().themeChanged.connect(self._share)
        self.list.selectionModel().currentChanged.connect(self._show_detail)
        self.setFocusProxy(self.list)
        self._empty = QStackedWidget()
        self._right = QVBoxLayout()
        self._lay_out()
        self._look_what_may_be()
        context.changed.connect(self._refresh)
        self._refresh()

    def _lay_out(self) -> None:
        space = current_theme().spacing
        self.waiting = button(_("To &settle"), "quiet")
        self.history = button(_("&History"), "quiet")
        group = QButtonGroup(self)
        for made in (self.waiting, self.history):
            made.setCheckable(True)
            group.addButton(made)
        self.waiting.setChecked(True)
        self.history.toggled.connect(self._filter)
        self.export = button(_("&Export what is not sent…"), "", icon="export")
        self.export.clicked.connect(self._ask_export)
        self.take_in = button(_("&Import…"), "", icon="inbox")
        self.take_in.clicked.connect(self._ask_import)
        self.take_in.hide()
        head = QHBoxLayout()
        head.setSpacing(space.s)
        head.addWidget(label(_("Inbox"), "display"))
        head.addSpacing(space.l)
        head.addWidget(self.waiting)
        head.addWidget(self.history)
        head.addStretch(1)
        head.addWidget(self.take_in)
        head.addWidget(self.export)
        body = QHBoxLayout()
        body.setSpacing(space.l)
        body.addWidget(self.list)
        body.addLayout(self._right, 1)
        page = QWidget()
        page.setLayout(body)
        body.setContentsMargins(0, 0, 0, 0)
        self._empty.addWidget(page)
        self._all_well = EmptyState(
            "success",
            _("Nothing to settle"),
            _("Everything this workstation sent was accepted. What is refused appears here."),
        )
        self._empty.addWidget(self._all_well)
        self._no_history = EmptyState(
            "inbox", _("No history yet"), _("What you settle stays here with its whole draft.")
        )
        self._empty.addWidget(self._no_history)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(space.xl, space.xl, space.xl, space.xl)
        outer.setSpacing(space.l)
        outer.addLayout(head)
        outer.addWidget(self._empty, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The ways out of a conflict have to fit beside the list."""
        super().resizeEvent(event)
        self._share()

    def _share(self) -> None:
        theme = current_theme()
        self.list.setFixedWidth(theme.px(LIST if self.width() >= theme.px(NARROW) else NARROW_LIST))

    def shortcuts(self) -> list[tuple[str, str]]:
        """For the sheet of shortcuts."""
        return [
            ("Up / Down", _("Another change")),
            ("Tab", _("From the list to the fields and the ways out")),
            ("Alt+S / Alt+H", _("To settle, history")),
            ("Alt+E", _("Export what is not sent…")),
        ]

    def open(self, arguments: dict[str, Any]) -> None:
        """Show one item: ``{"tx": …}``."""
        self._wanted = arguments.get("tx")
        self._refresh()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The list has the focus."""
        super().focusInEvent(event)
        self.list.setFocus()

    # Reading ------------------------------------------------------------------------------------

    @Slot()
    def _refresh(self, _tables: object = None) -> None:
        inbox, settled = self._context.services.inbox, self._settled
        self._context.jobs.read(
            self,
            lambda _progress: inbox.items(settled=settled),
            done=self._show,
            lane_key="items",
        )

    def _show(self, items: tuple[InboxItem, ...]) -> None:
        if items and items == self.model.items and self._wanted is None:
            return
        index = self.list.currentIndex()
        row = index.row()
        present = self._wanted or (self.model.items[row].tx if index.isValid() else None)
        self._wanted = None
        with QSignalBlocker(self.list.selectionModel()):
            self.model.show_items(items)
        if not items:
            self._clear_detail()
            self._empty.setCurrentWidget(self._no_history if self._settled else self._all_well)
            return
        self._empty.setCurrentIndex(0)
        found = self.model.row_of(present) if present else -1
        at = found if found >= 0 else min(max(row, 0), len(items) - 1)
        self.list.setCurrentIndex(self.model.index(at))
        if self.detail is None or self.detail.item != items[at]:
            self._show_item(items[at])

    @Slot(QModelIndex, QModelIndex)
    def _show_detail(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid():
            self._show_item(self.model.items[index.row()])

    def _show_item(self, item: InboxItem) -> None:
        self._clear_detail()
        self.detail = InboxDetail(self._context, item)
        self.detail.chosen.connect(self._settle)
        self.detail.parentWanted.connect(self._go_to)
        self.detail.reopenWanted.connect(partial(self._reopen, item.tx))
        self._right.addWidget(self.detail)

    def _clear_detail(self) -> None:
        if self.detail is not None:
            self._right.removeWidget(self.detail)
            self.detail.hide()
            self.detail.deleteLater()
            self.detail = None

    @Slot(bool)
    def _filter(self, settled: bool) -> None:
        self._settled = settled
        self._refresh()

    @Slot(str)
    def _go_to(self, tx: str) -> None:
        row = self.model.row_of(tx)
        if row >= 0:
            self.list.setCurrentIndex(self.model.index(row))

    # Settling -----------------------------------------------------------------------------------

    @Slot(object)
    def _settle(self, way: Way) -> None:
        detail = self.detail
        if detail is None:
            return
        tx, inbox, actor = detail.item.tx, self._context.services.inbox, self._context.actor
        if way is Way.OTHER_SLOT:
            SlotDialog(
                self, self._context, tx, partial(self._book, tx), partial(self._to_agenda, tx)
            ).open()
            return
        if way is Way.KEEP_THEIRS:
            self._ask_keep_theirs(detail.item)
            return
        act = {
            Way.KEEP_MINE: partial(inbox.keep_mine, actor, tx),
            Way.TRY_AGAIN: partial(inbox.try_again, actor, tx),
            Way.MERGE: partial(inbox.merge, actor, tx, detail.mine()),
            Way.CORRECT: partial(inbox.correct, actor, tx, detail.texts()),
            Way.RESTORE: partial(inbox.restore, actor, tx),
            Way.NEW_NUMBER: partial(inbox.new_number, actor, tx),
            Way.WITHOUT_LINK: partial(inbox.without_link, actor, tx),
        }[way]
        self._run(act, way)

    def _ask_keep_theirs(self, item: InboxItem) -> None:
        inbox, actor = self._context.services.inbox, self._context.actor
        text = _("Your draft is not sent. It stays in the history, and you can take it back.")
        if item.dependents:
            count = len(item.dependents)
            text += " " + ngettext(
                "{n} more change builds on this one and goes with it.",
                "{n} more changes build on this one and go with it.",
                count,
            ).format(n=count)
        confirm(
            self,
            _("Keep theirs?"),
            text,
            action=_("Keep theirs"),
            yes=lambda: self._run(
                partial(inbox.keep_theirs, actor, item.tx), Way.KEEP_THEIRS, item
            ),
        )

    def _book(self, tx: str, slot: FreeSlot) -> None:
        inbox, actor = self._context.services.inbox, self._context.actor
        act = partial(inbox.other_slot, actor, tx, slot.starts_at, slot.practitioner_id)
        self._run(act, Way.OTHER_SLOT)

    def _to_agenda(self, tx: str) -> None:
        """Place it in the agenda, from the day that was asked for; until then the draft waits."""
        services = self._context.services

        def show(draft: BookingDraft) -> None:
            self._context.navigate("agenda", {"draft": draft})

        self._context.jobs.read(self, lambda _progress: services.inbox.booking_draft(tx), done=show)

    def _run(self, act: partial[None], way: Way, undoable: InboxItem | None = None) -> None:
        if self.detail is not None:
            self.detail.set_busy(True)

        def done(_result: None) -> None:
            self._refresh()
            self._settled_one()
            if undoable is None:
                self._context.notify(_(DONE[way]), "success")
            else:
                undo = partial(self._reopen, undoable.tx)
                self._context.notify(_(DONE[way]), "success", _("Undo"), undo)

        self._context.jobs.write(self, lambda _progress: act(), done=done, failed=self._failed)

    def _failed(self, error: Exception) -> None:
        if self.detail is not None:
            self.detail.set_busy(False)
        report_failure(self, error)
        self._refresh()

    def _reopen(self, tx: str) -> None:
        inbox, actor = self._context.services.inbox, self._context.actor

        def done(_result: None) -> None:
            self._wanted = tx
            self.waiting.setChecked(True)
            self._refresh()
            self._settled_one()

        self._context.jobs.write(
            self, lambda _progress: inbox.reopen(actor, tx), done=done, failed=self._failed
        )

    def _settled_one(self) -> None:
        """The count in the rail and in the status bar follows at once."""
        self._context.statusWanted.emit()

    # To the office and from there ---------------------------------------------------------------

    def _look_what_may_be(self) -> None:
        office, actor = self._context.services.office, self._context.actor
        self._context.jobs.read(
            self, lambda _progress: office.may_import(actor), done=self.take_in.setVisible
        )

    @Slot()
    def _ask_export(self) -> None:
        office = self._context.services.office

        def ask(found: tuple[bool, str]) -> None:
            sealed, name = found
            dialog = ExportDialog(self, sealed=sealed, name=name)
            dialog.chosen.connect(self._export_chosen)
            dialog.open()

        self._context.jobs.read(
            self, lambda _progress: (office.key is not None, office.suggested_name()), done=ask
        )

    @Slot(str, bool)
    def _export_chosen(self, name: str, readable: bool) -> None:
        if readable:
            warn_readable(self, partial(self.export_to, Path(name), readable=True))
        else:
            self.export_to(Path(name))

    def export_to(self, path: Path, *, readable: bool = False) -> None:
        """Write what is not sent to a file, and say how much it was.

        :param readable: not encrypted; so it is, too, where the clinic has no key yet.
        """
        services = self._context.services

        def write(_progress: object) -> tuple[int, bool]:
            if readable or services.office.key is None:
                return services.inbox.export(path), False
            return services.office.export(path), True

        def done(written: tuple[int, bool]) -> None:
            count, sealed = written
            words = (
                ngettext("{n} change written to {file}.", "{n} changes written to {file}.", count)
                if not sealed
                else ngettext(
                    "{n} change written to {file}. Only the office can open it.",
                    "{n} changes written to {file}. Only the office can open it.",
                    count,
                )
            )
            self._context.notify(words.format(n=count, file=path.name), "success")

        self._context.jobs.read(self, write, done=done, title=_("Export what is not sent"))

    @Slot()
    def _ask_import(self) -> None:
        ImportDialog(self, self._context, self._settled_one).start()
