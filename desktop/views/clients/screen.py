"""The screen of clients: a search box, the results beside the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.domain.locale_format import number
from desktop.domain.messages import _, ngettext
from desktop.qt.context import AppContext
from desktop.qt.jobs import Progress
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, EmptyState, KeyHint, SearchBox, button, label
from desktop.views.clients.details import TABLES, DetailsPanel
from desktop.views.clients.new_client import NewClientPanel
from desktop.views.clients.results import ResultsList

LISTED = frozenset({"pacientes_cliente", "citas_cita"})
LIST_WIDTH, RECORD_WIDTH = 390, 640


class ClientsScreen(QWidget):
    """Search, read, edit and enter clients."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._may = context.actor.may("clients.edit")
        self._open_first = False
        self.setProperty("surface", "canvas")
        self._build()
        self._connect()
        self.results.results.search("")

    # Building -----------------------------------------------------------------------------------

    def _build(self) -> None:
        space, theme = current_theme().spacing, current_theme()
        outer = QHBoxLayout(self)
        outer.setContentsMargins(space.l, space.l, space.l, space.l)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._build_finder())
        self.pages = QStackedWidget()
        self.details = DetailsPanel(self._context)
        self.new_client = NewClientPanel(self._context)
        self.welcome = self._build_welcome()
        for page in (self.welcome, self.details, self.new_client):
            self.pages.addWidget(page)
        self.splitter.addWidget(self.pages)
        self.splitter.setStretchFactor(0, 0)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([theme.px(LIST_WIDTH), theme.px(RECORD_WIDTH)])
        outer.addWidget(self.splitter)

    def _build_finder(self) -> QWidget:
        space = current_theme().spacing
        finder = QWidget()
        finder.setMinimumWidth(current_theme().px(280))
        layout = QVBoxLayout(finder)
        layout.setContentsMargins(0, 0, space.s, 0)
        layout.setSpacing(space.s)
        self.box = SearchBox(_("Name, RUT, phone or email"))
        self.add = button(_("New"), "primary", icon="plus")
        self.add.setToolTip(_("New client (Ctrl+N)"))
        self.add.setAccessibleName(_("New client"))
        self.add.setVisible(self._may)
        top = QHBoxLayout()
        top.setSpacing(space.s)
        top.addWidget(self.box, 1)
        top.addWidget(self.add)
        layout.addLayout(top)
        self.count = label("", "small")
        self.export = button(_("Export"), "link", icon="export")
        self.export.setToolTip(_("Save these clients to a file for a spreadsheet"))
        under = QHBoxLayout()
        under.addWidget(self.count, 1)
        under.addWidget(self.export)
        layout.addLayout(under)
        self.unsaved = Banner("", "warning")
        self.return_to = button(_("Go back"))
        self.unsaved.buttons.addWidget(self.return_to)
        layout.addWidget(self.unsaved)
        self.lists = QStackedWidget()
        self.results = ResultsList(self._context)
        self.add_found = button(_("Create this client"), icon="plus")
        self.add_found.setVisible(self._may)
        self.nothing = EmptyState(
            "search",
            _("Nobody found"),
            _("Check the spelling, or try with fewer letters, the RUT or the phone."),
            self.add_found,
        )
        self.add_first = button(_("Create the first client"), "primary", icon="plus")
        self.add_first.setVisible(self._may)
        self.nobody = EmptyState(
            "clients",
            _("There are no clients yet"),
            _("They will appear here as they are entered, or book on the web."),
            self.add_first,
        )
        for page in (self.results, self.nothing, self.nobody):
            self.lists.addWidget(page)
        layout.addWidget(self.lists, 1)
        return finder

    def _build_welcome(self) -> QWidget:
        space = current_theme().spacing
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.addStretch(1)
        layout.addWidget(
            EmptyState(
                "person",
                _("Choose a client"),
                _("Type in the search box; the record opens here, ready to be edited."),
            )
        )
        layout.addSpacing(space.s)
        for pair in (
            (("↑ ↓", _("choose")), ("Enter", _("open"))),
            (("Ctrl+N", _("new client")), ("Esc", _("back to the search"))),
        ):
            keys = QHBoxLayout()
            keys.setSpacing(space.s)
            keys.addStretch(1)
            for key, words in pair:
                keys.addWidget(KeyHint(key))
                keys.addWidget(label(words, "small"))
                keys.addSpacing(space.s)
            keys.addStretch(1)
            layout.addLayout(keys)
        layout.addStretch(2)
        return page

    def _connect(self) -> None:
        self.box.searched.connect(self.results.results.search)
        self.box.moved.connect(self.results.step)
        self.box.chosen.connect(self._choose)
        self.results.current.connect(self._stand_on)
        self.results.opened.connect(lambda _row: self._enter_record())
        self.results.results.answered.connect(self._answered)
        for made in (self.add, self.add_found, self.add_first):
            made.clicked.connect(self.start_new)
        self.export.clicked.connect(self._choose_file)
        self.return_to.clicked.connect(self._return_to_unsaved)
        self.details.back.connect(self.focus_search)
        self.details.openClient.connect(self.show_client)
        self.details.autosave.changed.connect(self._show_unsaved)
        self.new_client.changed.connect(self._show_unsaved)
        self.pages.currentChanged.connect(lambda _index: self._show_unsaved())
        self.new_client.back.connect(self._leave_new)
        self.new_client.openClient.connect(self.show_client)
        self.new_client.created.connect(self._created)
        self._context.changed.connect(self._tables_changed)
        for keys, act in (
            ("Ctrl+N", self.start_new),
            ("Ctrl+F", self.focus_search),
            ("F2", self._edit_name),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    # From outside -------------------------------------------------------------------------------

    def shortcuts(self) -> list[tuple[str, str]]:
        """For the sheet of shortcuts."""
        return [
            ("Up / Down", _("choose")),
            ("Return", _("open")),
            ("Ctrl+N", _("new client")),
            ("Ctrl+F", _("back to the search")),
            ("F2", _("To the name")),
            ("Esc", _("back to the search")),
        ]

    def open(self, arguments: dict[str, Any]) -> None:
        """Show ``client_id``, search for ``search``, or begin a ``new`` client; else the search box."""
        if "client_id" in arguments:
            self.show_client(arguments["client_id"])
            self.details.book.setFocus()
        elif arguments.get("new"):
            self.start_new()
        else:
            if "search" in arguments:
                self.box.setText(arguments["search"])
            self.focus_search()

    def showEvent(self, event: QShowEvent) -> None:
        """The cursor stands in the search box."""
        super().showEvent(event)
        if self.pages.currentWidget() is self.welcome:
            self.box.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        """What was typed is saved when the screen goes."""
        self.keep()
        super().hideEvent(event)

    def keep(self) -> None:
        """Save what was typed, or keep it as it is."""
        self.details.autosave.flush()
        self.new_client.keep()

    def unkept(self) -> bool:
        """Whether something typed is neither saved nor kept."""
        return self.details.autosave.unkept or self.new_client.unkept

    def _tables_changed(self, tables: frozenset[str]) -> None:
        if tables & LISTED:
            self.results.results.search(self.results.results.text)
        if tables & TABLES and self.pages.currentWidget() is self.details:
            self.details.reload()

    # Searching ----------------------------------------------------------------------------------

    def focus_search(self) -> None:
        """Back to the search box, its text selected: typing starts a new search."""
        self.box.setFocus()
        self.box.selectAll()

    def _answered(self, total: int) -> None:
        searched = bool(self.results.results.text.strip())
        words = ngettext("{n} client", "{n} clients", total)
        self.count.setText(words.format(n=number(total)))
        self.export.setEnabled(total > 0)
        if total:
            self.lists.setCurrentWidget(self.results)
        else:
            self.lists.setCurrentWidget(self.nothing if searched else self.nobody)
        self._select_shown()
        if self._open_first:
            self._open_first = False
            self._choose()

    def _select_shown(self) -> None:
        """Stand on the client that is shown, without opening anything."""
        shown = self.details.details
        model = self.results.results
        row = model.row_of(shown.id) if shown is not None else None
        blocked = self.results.blockSignals(True)
        self.results.setCurrentIndex(model.index(row) if row is not None else model.index(-1))
        self.results.blockSignals(blocked)

    def _stand_on(self, row: int) -> None:
        hit = self.results.results.hit(row)
        if hit is not None:
            self._show_record(hit.id)

    def _choose(self) -> None:
        """Enter in the search box: open the one stood on, or the best one."""
        if self.box.text() != self.results.results.text:
            self._open_first = True  # the answer to what was typed last is on its way
            self.results.results.search(self.box.text())
            return
        if not self.results.results.rowCount():
            return
        if not self.results.currentIndex().isValid():
            self.results.step(1)
        self._enter_record()

    def _enter_record(self) -> None:
        hit = self.results.results.hit(self.results.currentIndex().row())
        if hit is not None:
            self._show_record(hit.id)
            self.details.book.setFocus()

    def show_client(self, client_id: int) -> None:
        """Show a client, wherever they stand in the results."""
        self._show_record(client_id)
        row = self.results.results.row_of(client_id)
        if row is not None:
            self.results.setCurrentIndex(self.results.results.index(row))

    def _show_record(self, client_id: int) -> None:
        self.pages.setCurrentWidget(self.details)
        self.details.open(client_id)

    def _edit_name(self) -> None:
        if self.pages.currentWidget() is self.details:
            self.details.form.lines["full_name"].setFocus()
            self.details.form.lines["full_name"].selectAll()

    # Unsaved ------------------------------------------------------------------------------------

    def _show_unsaved(self) -> None:
        elsewhere = self.details.autosave.unsaved_elsewhere()
        text = ""
        if elsewhere:
            text = _("Something typed for {name} is not saved yet.").format(name=elsewhere[0][1])
        elif self.new_client.begun and self.pages.currentWidget() is not self.new_client:
            text = _("A client who was being entered is not created yet.")
        self.unsaved.show_text(text)

    def _return_to_unsaved(self) -> None:
        elsewhere = self.details.autosave.unsaved_elsewhere()
        if elsewhere:
            self.show_client(elsewhere[0][0])
        elif self.new_client.begun:
            self.start_new()

    # A new client -------------------------------------------------------------------------------

    def start_new(self) -> None:
        """The form of a new client, with what was searched for in its place."""
        if not self._may:
            return
        self.details.autosave.flush()
        nobody = self.results.results.rowCount() == 0
        self.pages.setCurrentWidget(self.new_client)
        self.new_client.start(self.box.text().strip() if nobody else "")

    def _leave_new(self) -> None:
        shown = self.details.details is not None
        self.pages.setCurrentWidget(self.details if shown else self.welcome)
        self.focus_search()

    def _created(self, client_id: int) -> None:
        self.show_client(client_id)
        self.details.book.setFocus()

    # Export -------------------------------------------------------------------------------------

    def _choose_file(self) -> None:
        dialog = QFileDialog(self, _("Export clients"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(_("Spreadsheet text (*.csv)"))
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(_("clients.csv"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.export_to)
        dialog.open()

    def export_to(self, path: str) -> None:
        """Write everybody who matches what is searched for to a file."""
        clients, text = self._context.services.clients, self.results.results.text

        def run(progress: Progress) -> int:
            count: int = clients.export(text, Path(path), progress.update)
            return count

        self._context.jobs.read(self, run, done=self._exported, title=_("Exporting clients"))

    def _exported(self, count: int) -> None:
        words = ngettext("{n} client was exported", "{n} clients were exported", count)
        self._context.notify(words.format(n=number(count)), "success")
