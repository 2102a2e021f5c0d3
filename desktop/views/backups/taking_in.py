"""Imports another program's backup: look at the file, take it in, say what became of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop.domain.locale_format import number
from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.qt.jobs import Progress
from desktop.qt.room import Room
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, Card, Field, button, label
from desktop.services.backups_records import ForeignImport, ForeignLook
from desktop.views.backups.asking import Credentials
from desktop.views.backups.steps import Page, Steps

FOUND_HEIGHT, REPORT_HEIGHT = 150, 320
"""Of the lines about a file, before the text's scale."""


class ImportWizard(Steps):
    """A file of another program becomes an archive of ours, which can be restored like any other.

    :param done: called with the id of the archive, and whether it shall be restored now.
    """

    def __init__(
        self, parent: QWidget, context: AppContext, done: Callable[[str, bool], None]
    ) -> None:
        super().__init__(parent, context, _("Import another program's backup"), width=680)
        self._backups = context.services.backups
        self._on_done = done
        self._now = False
        self.looked: ForeignLook | None = None
        self.imported: ForeignImport | None = None
        self.finished.connect(self._tell)
        self.choose = Page(
            _("Which file?"),
            _(
                "A dumpdata file (.json) or a plain SQL dump (.sql). It is only read: nothing that "
                "stands in it is executed, and the clinic is not touched."
            ),
        )
        self.path = QLineEdit()
        browse = button(_("&Choose…"), icon="file")
        browse.clicked.connect(self._ask_file)
        held = QWidget()
        beside = QHBoxLayout(held)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(current_theme().spacing.s)
        beside.addWidget(self.path, 1)
        beside.addWidget(browse)
        self.path_field = Field(_("File"), held)
        self.path_field.name.setBuddy(self.path)
        self.path.setAccessibleName(_("File"))
        self.choose.add(self.path_field)
        self.found = Page(_("What was found"))
        self.report = Page(_("What was taken in"))
        self.schema = QComboBox()
        self.schema_field = Field(_("Which clinic of the file?"), self.schema)
        self.credentials = Credentials(context, database=True)
        self.found_card = Card(margin=current_theme().spacing.m)
        self.found.add(self.found_card, self.schema_field, self.credentials)
        self.set_steps(self.choose, self.found, self.report)

    def start(self) -> None:
        """Open with the cursor where the file is named."""
        self.open()
        self._show_choice()

    def _show_choice(self) -> None:
        self.show_page(self.choose, _("Look at it"), self._look, focus=self.path)

    @Slot()
    def _ask_file(self) -> None:
        dialog = QFileDialog(self, _("Backup of another program"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([_("Backups (*.json *.jsonl *.sql *.gz)"), _("All files (*)")])
        dialog.fileSelected.connect(self.path.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot()
    def _look(self) -> None:
        typed = self.path.text().strip()
        self.path_field.set_error("" if typed else _("Choose the file."))
        if not typed:
            self.path.setFocus()
            return
        backups, actor, path = self._backups, self.context.actor, Path(typed)

        def work(progress: Progress) -> ForeignLook:
            looked: ForeignLook = backups.look(actor, path, tell=progress.update)
            return looked

        self.run(work, self._show_found, title=_("Looking at the file"))

    def _show_found(self, looked: ForeignLook) -> None:
        self.looked = looked
        _empty(self.found_card)
        self.found_card.body.addWidget(
            label(looked.program or looked.path.name, "strong", wrap=True)
        )
        self.found_card.body.addWidget(_lines(looked.lines, FOUND_HEIGHT))
        self.schema.clear()
        for name, rows in looked.schemas.items():
            self.schema.addItem(_("{name} ({n} records)").format(name=name, n=number(rows)), name)
        several = len(looked.schemas) > 1
        self.schema_field.setVisible(several)
        self.show_page(
            self.found,
            _("Take it in"),
            self._take_in,
            back=self._show_choice,
            focus=self.schema if several else self.credentials.own,
        )

    @Slot()
    def _take_in(self) -> None:
        looked = self.looked
        if looked is None or not self.credentials.complete():
            return
        backups, actor = self._backups, self.context.actor
        schema = str(self.schema.currentData()) if len(looked.schemas) > 1 else None
        password, database = self.credentials.own.text(), self.credentials.database

        def work(progress: Progress) -> ForeignImport:
            taken: ForeignImport = backups.import_foreign(
                actor, looked.path, schema, password, database, tell=progress.update
            )
            return taken

        self.run(
            work,
            self._show_report,
            title=_("Taking the data in"),
            text=_("It becomes a backup of its own. The clinic is not touched yet."),
        )

    def _show_report(self, imported: ForeignImport) -> None:
        self.imported = imported
        self.credentials.clear()
        card = Card(margin=current_theme().spacing.m)
        card.body.addWidget(_lines(imported.lines, REPORT_HEIGHT))
        self.report.add(
            card,
            Banner(
                _(
                    "It is a backup now, beside the others. The clinic stays as it is until you restore it."
                ),
                "info",
            ),
        )
        self.show_page(self.report, _("Restore it…"), self._restore, cancel=_("Close"))

    @Slot()
    def _restore(self) -> None:
        self._now = True
        self.accept()

    @Slot()
    def _tell(self, _result: int = 0) -> None:
        if self.imported is not None:
            self._on_done(self.imported.archive.id, self._now)


def _lines(said: tuple[str, ...], height: int) -> Room:
    """Lines that scroll where they are many: what is asked below stays in sight."""
    held = QWidget()
    body = QVBoxLayout(held)
    body.setContentsMargins(0, 0, 0, 0)
    body.setSpacing(current_theme().spacing.xs)
    for line in said:
        body.addWidget(label(line, wrap=True))
    body.addStretch(1)
    room = Room(held)
    room.setMaximumHeight(current_theme().px(height))
    room.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    room.setAccessibleName(" ".join(said))
    return room


def _empty(card: Card) -> None:
    while card.body.count():
        item = card.body.takeAt(0)
        widget = None if item is None else item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
