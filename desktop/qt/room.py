"""Room for a content of any height: as high as it where there is space, else it scrolls."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Slot
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QWidget

from desktop.qt.theme import current_theme

LEAST = 96
"""What is left in sight of a content that is higher, before the text's scale."""


class Room(QScrollArea):
    """A scroll area without a frame that asks its layout for all that its content wants.

    (A plain ``QScrollArea`` asks for a fixed number of lines and never for more.) What has the
    focus is kept in sight.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content = content
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_moved)

    def hasHeightForWidth(self) -> bool:
        """Where the content wraps its words."""
        return self._content.hasHeightForWidth()

    def heightForWidth(self, width: int) -> int:
        """The content's."""
        return self._content.heightForWidth(width)

    def sizeHint(self) -> QSize:
        """The content's."""
        return self._content.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """As wide as the content must be; of its height, a little."""
        least = self._content.minimumSizeHint()
        return QSize(least.width(), min(least.height(), current_theme().px(LEAST)))

    def event(self, event: QEvent) -> bool:
        """Pass on that the content wants another size."""
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return done

    @Slot(QWidget, QWidget)
    def _focus_moved(self, _old: QWidget | None, now: QWidget | None) -> None:
        if now is not None and self._content.isAncestorOf(now):
            self.ensureWidgetVisible(now)
