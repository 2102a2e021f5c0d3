"""A list that floats under a line, over what stands below it in the same window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QWidget

from desktop.domain.messages import _
from desktop.qt.theme import current_theme

_FOLLOWED = frozenset({QEvent.Type.Move, QEvent.Type.Resize})
_PASSING = frozenset(
    {Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason}
)  # another program or a menu: the person comes back to where they were


def _leaves(event: QEvent) -> bool:
    """Whether a line with this event is done with."""
    if event.type() == QEvent.Type.FocusOut and isinstance(event, QFocusEvent):
        return event.reason() not in _PASSING
    return event.type() == QEvent.Type.Hide


class FloatingHits(QListWidget):
    """Hits of a search, as wide as its line, down to the window's lower edge at most.

    No window of its own: the focus stays in the line, and it moves with its window. It goes when
    the line is left or hidden.
    """

    def __init__(self, line: QLineEdit) -> None:
        super().__init__(line)
        self._line = line
        self.setProperty("floating", True)
        self.setAccessibleName(_("Search results"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.hide()
        line.installEventFilter(self)

    def open(self) -> None:
        """Show what is in the list under the line."""
        window = self._line.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        one: QWidget | None = self._line
        while one is not None:
            one.installEventFilter(self)
            one = None if one is window else one.parentWidget()
        self._place()
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the line; go with it."""
        if event.type() in _FOLLOWED:
            if self.isVisible():
                self._place()
        elif watched is self._line and _leaves(event):
            self.hide()
        return False

    def updateGeometries(self) -> None:
        """Its lines have come, gone or grown with the text."""
        super().updateGeometries()
        if self.isVisible():
            self._place()

    def _place(self) -> None:
        space = current_theme().spacing
        window = self._line.window()
        top = self._line.mapTo(window, QPoint(0, self._line.height() + space.xs))
        rows = sum(self.sizeHintForRow(at) for at in range(self.count()))
        wanted = rows + 2 * self.frameWidth() + 6
        high = min(wanted, window.height() - top.y() - space.s)
        self.setGeometry(top.x(), top.y(), self._line.width(), max(0, high))
