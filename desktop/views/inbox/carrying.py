"""Dialogs around the file that carries unsent work: where to write it, and taking one in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.qt.dialogs import Dialog, confirm, tell
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Field, button
from desktop.services.office import Imported, in_words
from desktop.services.office_file import SUFFIX


class ExportDialog(QFileDialog):
    """Asks where to write what is not sent: for the office, or, after a warning, readable by all.

    :param sealed: whether the clinic has a key to encrypt it to. :param name: of the new file.
    :ivar chosen: a path, and whether the file shall be readable by anybody.
    """

    chosen = Signal(str, bool)

    def __init__(self, parent: QWidget, *, sealed: bool, name: str) -> None:
        super().__init__(parent, _("Export what is not sent"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._name = name
        self._plain = _("Readable by anybody (*.json)")
        office = _("Encrypted for the office (*{suffix})").format(suffix=SUFFIX)
        self.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        self.setNameFilters([office, self._plain] if sealed else [self._plain])
        self.filterSelected.connect(self._follow)
        self.fileSelected.connect(self._choose)
        self._follow(office if sealed else self._plain)

    @Slot(str)
    def _follow(self, kind: str) -> None:
        readable = kind == self._plain
        stem = self._name.removesuffix(SUFFIX)
        self.setDefaultSuffix("json" if readable else SUFFIX.removeprefix("."))
        self.selectFile(f"{stem}.json" if readable else self._name)
        # A file for the office is never written over: there would be no use in agreeing to it.
        self.setOption(QFileDialog.Option.DontConfirmOverwrite, not readable)

    @Slot(str)
    def _choose(self, path: str) -> None:
        self.chosen.emit(path, self.selectedNameFilter() == self._plain)


def warn_readable(parent: QWidget, write: Callable[[], None]) -> None:
    """Ask once more before ``write`` writes a file that anybody can read."""
    confirm(
        parent,
        _("Write a readable file?"),
        _(
            "Whoever gets the file can read the clients' data in it. For the office, choose the "
            "encrypted file instead."
        ),
        action=_("Write it readable"),
        yes=write,
        danger=True,
    )


class ImportDialog(Dialog):
    """Takes in the file of another workstation, with the database administrator's password.

    :param done: called when something was taken in.
    """

    def __init__(self, parent: QWidget, context: AppContext, done: Callable[[], None]) -> None:
        super().__init__(
            parent,
            _("Import unsent work"),
            _(
                "From a workstation that was shut out or does not start any more. What it never "
                "sent is sent from here, with its own hour and person; what was refused comes to "
                "this inbox."
            ),
            action=_("Import"),
            width=560,
        )
        self._context, self._done = context, done
        self.path = QLineEdit()
        self.choose = button(_("&Choose…"))
        self.choose.clicked.connect(self._ask_file)
        row = QWidget()
        beside = QHBoxLayout(row)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(current_theme().spacing.s)
        beside.addWidget(self.path, 1)
        beside.addWidget(self.choose)
        self.path_field = Field(_("File that the workstation wrote"), row)
        self.path_field.name.setBuddy(self.path)
        self.path.setAccessibleName(_("File that the workstation wrote"))
        self.user = QLineEdit()
        self.user_field = Field(
            _("Administrator of the database"),
            self.user,
            hint=_("The file opens with the clinic's key, which only this user can read."),
        )
        self.password = QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.password_field = Field(_("Password of the database"), self.password)
        for field in (self.path_field, self.user_field, self.password_field):
            self.body.addWidget(field)
        self.primary.clicked.connect(self._take_in)

    def start(self) -> None:
        """Open with the cursor where the file is named."""
        self.open()
        self.path.setFocus()

    @Slot()
    def _ask_file(self) -> None:
        dialog = QFileDialog(self, _("File that the workstation wrote"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(
            [
                _("Encrypted for the office (*{suffix})").format(suffix=SUFFIX),
                _("All files (*)"),
            ]
        )
        dialog.fileSelected.connect(self.path.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot()
    def _take_in(self) -> None:
        self.clear_error()
        for field, editor, words in (
            (self.path_field, self.path, _("Choose the file.")),
            (self.user_field, self.user, _("Write the database user that owns the clinic.")),
        ):
            field.set_error("" if editor.text().strip() else words)
            if not editor.text().strip():
                editor.setFocus()
                return
        office, actor = self._context.services.office, self._context.actor
        path, user = Path(self.path.text().strip()), self.user.text().strip()
        password = self.password.text()
        self.set_busy(True)
        self._context.jobs.write(
            self,
            lambda _progress: office.import_file(actor, path, user, password),
            done=self._taken_in,
            failed=self.show_error,
            title=_("Import unsent work"),
        )

    def _taken_in(self, done: Imported) -> None:
        parent = self.parent()
        self.accept()
        self._done()
        tell(parent if isinstance(parent, QWidget) else None, self.windowTitle(), in_words(done))
