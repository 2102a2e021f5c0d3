"""The inbox: refused changes at the left, one of them with its ways out at the right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSignalBlocker, Slot
from PySide6.QtGui import QFocusEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
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
from desktop.qt.widgets import Banner, EmptyState, button, label
from desktop.services.agenda_records import FreeSlot
from desktop.services.inbox_records import BookingDraft, InboxItem, Way
from desktop.views.inbox.carrying import ExportDialog, ImportDialog, warn_readable
from desktop.views.inbox.detail import InboxDetail
from desktop.views.inbox.model import InboxDelegate, InboxModel
from desktop.views.inbox.several import BringingBack, SeveralCard, may_come_back, restored_words
from desktop.views.inbox.slots import SlotDialog
from desktop.views.inbox.words import DONE
from desktop.views.whom_to_ask import only_administrators

LIST, NARROW_LIST, NARROW = 360, 270, 960
"""Widths of the list, and of the page below which it is narrow, before the text's scale."""


SHARE = 0.36
"""How much of the page the list takes at most."""


class InboxScreen(QWidget):
    """List and detail of what the server refused; complete by keyboard."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._settled = False
        self._wanted: str | None = None
        self._administrators: tuple[str, ...] = ()
        self._at_once = False
        self._back = BringingBack(self, context, self._set_at_once, self._end_at_once, self._failed)
        self.detail: InboxDetail | None = None
        self.several: SeveralCard | None = None
        self.model = InboxModel()
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(InboxDelegate(self.list))
        self.list.setMouseTracking(True)
        self.list.setAccessibleName(_("Refused changes"))
        theme_switch().themeChanged.connect(self._share)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.selectionModel().currentChanged.connect(self._show_detail)
        self.list.selectionModel().selectionChanged.connect(self._look_at_choice)
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
        outer.addWidget(self._restored_strip())
        outer.addWidget(self._empty, 1)

    def _restored_strip(self) -> Banner:
        """Says that something was saved before the server was put back, and chooses all of it."""
        self.restored = Banner("", "info")
        self.all = button(_("Choose &all of them"))
        self.all.clicked.connect(self.choose_restored)
        self.restored.buttons.addWidget(self.all)
        return self.restored

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The ways out of a conflict have to fit beside the list."""
        super().resizeEvent(event)
        self._share()

    def _share(self) -> None:
        theme = current_theme()
        wanted = theme.px(LIST if self.width() >= theme.px(NARROW) else NARROW_LIST)
        self.list.setFixedWidth(min(wanted, round(self.width() * SHARE)))

    def shortcuts(self) -> list[tuple[str, str]]:
        """For the sheet of shortcuts."""
        known = [
            ("Up / Down", _("Another change")),
            ("Shift+Up / Shift+Down / Ctrl+A", _("Choose several changes")),
            ("Tab", _("From the list to the fields and the ways out")),
            ("Alt+S / Alt+H", _("To settle, history")),
            ("Alt+E", _("Export what is not sent…")),
        ]
        if not self.take_in.isHidden():
            known.append(("Alt+I", _("Import unsent work")))
        return known

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
        if self._at_once:
            return  # once, when all are done
        inbox, settled = self._context.services.inbox, self._settled
        self._context.jobs.read(
            self,
            lambda _progress: inbox.items(settled=settled),
            done=self._show,
            lane_key="items",
        )

    def _show(self, items: tuple[InboxItem, ...]) -> None:
        self._show_restored(items)
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

    def _show_restored(self, items: tuple[InboxItem, ...]) -> None:
        count = sum(map(may_come_back, items))
        self.restored.show_text(restored_words(count) if count else "")

    @Slot()
    def choose_restored(self) -> None:
        """Choose everything that was saved before the server was put back."""
        chosen = self.list.selectionModel()
        flag = QItemSelectionModel.SelectionFlag
        rows = [at for at, item in enumerate(self.model.items) if may_come_back(item)]
        with QSignalBlocker(chosen):
            chosen.clearSelection()
            for at in rows:
                chosen.select(self.model.index(at), flag.Select)
            if rows:
                chosen.setCurrentIndex(self.model.index(rows[0]), flag.NoUpdate)
        self.list.viewport().update()
        self._look_at_choice()
        self.list.setFocus()

    def _chosen(self) -> tuple[InboxItem, ...]:
        rows = sorted(index.row() for index in self.list.selectionModel().selectedRows())
        return tuple(self.model.items[at] for at in rows)

    @Slot()
    def _look_at_choice(self, _in: object = None, _out: object = None) -> None:
        """Several at once have one page of their own."""
        items = self._chosen()
        if len(items) > 1:
            self._clear_detail()
            self.several = SeveralCard(items, self._forbidden("admin"))
            self.several.bringWanted.connect(self._back.ask)
            self.several.leaveWanted.connect(self._ask_leave_out)
            self._right.addWidget(self.several)
        elif items and (self.detail is None or self.detail.item != items[0]):
            self._show_item(items[0])

    def _forbidden(self, permission: str) -> str:
        if self._context.actor.may(permission):
            return ""
        return only_administrators(self._administrators)

    @Slot(QModelIndex, QModelIndex)
    def _show_detail(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid():
            self._show_item(self.model.items[index.row()])

    def _show_item(self, item: InboxItem) -> None:
        self._clear_detail()
        self.detail = InboxDetail(self._context, item, self._forbidden(item.permission))
        self.detail.chosen.connect(self._settle)
        self.detail.parentWanted.connect(self._go_to)
        self.detail.reopenWanted.connect(partial(self._reopen, item.tx))
        self._right.addWidget(self.detail)

    def _clear_detail(self) -> None:
        for shown in (self.detail, self.several):
            if shown is not None:
                self._right.removeWidget(shown)
                shown.hide()
                shown.deleteLater()
        self.detail = self.several = None

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
        if way is Way.LEAVE_OUT:
            self._ask_leave_out((tx,))
            return
        act: Callable[[], object] = {
            Way.SAME: partial(inbox.keep_same, actor, tx),
            Way.BRING_BACK: partial(inbox.bring_back, actor, tx, alike_too=bool(detail.item.alike)),
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
                partial(inbox.keep_theirs, actor, item.tx), Way.KEEP_THEIRS, (item.tx,)
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

    # Several at once ----------------------------------------------------------------------------

    def _set_at_once(self, on: bool) -> None:
        self._at_once = on
        self.all.setEnabled(not on)
        self.list.setEnabled(not on)
        for shown in (self.detail, self.several):
            if shown is not None:
                shown.set_busy(on)

    def _end_at_once(self) -> None:
        self._set_at_once(False)
        self._refresh()
        self._settled_one()

    def _ask_leave_out(self, txs: tuple[str, ...]) -> None:
        inbox, actor = self._context.services.inbox, self._context.actor
        count = len(txs)
        title = ngettext("Leave {n} change out?", "Leave {n} changes out?", count)
        confirm(
            self,
            title.format(n=count),
            _("Nothing is sent. The drafts stay in the history, and you can take it back."),
            action=_("Don't bring back"),
            yes=lambda: self._run(partial(inbox.leave_out, actor, txs), Way.LEAVE_OUT, txs),
        )

    def _run(self, act: Callable[[], object], way: Way, undoable: tuple[str, ...] = ()) -> None:
        for shown in (self.detail, self.several):
            if shown is not None:
                shown.set_busy(True)

        def done(_result: object) -> None:
            self._refresh()
            self._settled_one()
            if not undoable:
                self._context.notify(_(DONE[way]), "success")
            else:
                undo = partial(self._reopen, *undoable)
                self._context.notify(_(DONE[way]), "success", _("Undo"), undo)

        self._context.jobs.write(self, lambda _progress: act(), done=done, failed=self._failed)

    def _failed(self, error: Exception) -> None:
        if self.detail is not None:
            self.detail.set_busy(False)
        self._look_at_choice()
        report_failure(self, error)
        self._refresh()

    def _reopen(self, *txs: str) -> None:
        inbox, actor = self._context.services.inbox, self._context.actor

        def done(_result: None) -> None:
            self._wanted = txs[0]
            self.waiting.setChecked(True)
            self._refresh()
            self._settled_one()

        self._context.jobs.write(
            self, lambda _progress: inbox.reopen(actor, *txs), done=done, failed=self._failed
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
        accounts = self._context.services.accounts
        self._context.jobs.read(
            self, lambda _progress: accounts.administrators(), done=self._know_administrators
        )

    def _know_administrators(self, names: tuple[str, ...]) -> None:
        self._administrators = names
        if self.detail is not None and self._forbidden(self.detail.item.permission):
            self._show_item(self.detail.item)

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
