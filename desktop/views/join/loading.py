"""How far the first load has come, with what can be done about it."""

from __future__ import annotations

from PySide6.QtWidgets import QBoxLayout, QPushButton, QWidget

from desktop.domain.messages import _
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Busy, button


class LoadPanel(QWidget):
    """A bar, its words and the buttons; upright in a card, lying as a strip above something else."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = Busy()
        self.stop: QPushButton = button(_("&Stop"))
        self.resume: QPushButton = button(_("Go &on"), "primary")
        self.other: QPushButton = button(_("Choose another &file"))
        self._buttons = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        for made in (self.resume, self.stop, self.other):
            self._buttons.addWidget(made)
        self._buttons.addStretch(1)
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(current_theme().spacing.m)
        self._layout.addWidget(self.busy, 1)
        self._layout.addLayout(self._buttons)

    def lie_down(self, lying: bool) -> None:
        """Buttons beside the bar, or under it."""
        directions = QBoxLayout.Direction
        self._layout.setDirection(directions.LeftToRight if lying else directions.TopToBottom)

    def show_running(self, running: bool) -> None:
        """Offer to stop what runs, or to go on with what does not; the focus goes there."""
        self.busy.bar.setVisible(running)
        self.stop.setVisible(running)
        self.stop.setEnabled(running)
        self.resume.setVisible(not running)
        self.other.setVisible(not running)
