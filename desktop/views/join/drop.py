"""A place to drop the enrolment file on, or to choose it from."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QLabel, QVBoxLayout

from desktop.domain.messages import _
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import Card, button, label, set_property


class DropZone(Card):
    """Emits ``chosen(path)`` for a file that was dropped here or picked in the dialog."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(margin=current_theme().spacing.xl)
        self.setProperty("drop", "idle")
        self.setAcceptDrops(True)
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        words = label(_("Drop the enrolment file here"), "heading", wrap=True)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pick = button(_("&Choose the file…"), "primary", icon="file")
        self.pick.clicked.connect(self._ask)
        column: QVBoxLayout = self.body
        column.addWidget(self._icon)
        column.addWidget(words)
        column.addWidget(self.pick, 0, Qt.AlignmentFlag.AlignHCenter)
        theme_switch().themeChanged.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        self._icon.setPixmap(current_theme().icon("file", "text_muted").pixmap(QSize(32, 32)))

    def _ask(self) -> None:
        dialog = QFileDialog(self, _("Choose the enrolment file"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.chosen.emit(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """One file at a time, from this computer."""
        urls = event.mimeData().urls()
        if len(urls) == 1 and urls[0].isLocalFile():
            event.acceptProposedAction()
            set_property(self, "drop", "over")

    def dragLeaveEvent(self, _event: object) -> None:
        """As before."""
        set_property(self, "drop", "idle")

    def dropEvent(self, event: QDropEvent) -> None:
        """Take the file."""
        set_property(self, "drop", "idle")
        event.acceptProposedAction()
        self.chosen.emit(Path(event.mimeData().urls()[0].toLocalFile()))
