"""Nobody is there any more: what is on the screen is to be hidden."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QWindow

DEFAULT_IDLE_MINUTES = 15
ACTIVITY = frozenset(
    {QEvent.Type.KeyPress, QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress, QEvent.Type.Wheel}
)


class IdleWatch(QObject):
    """Watches the program's windows while it is started.

    :ivar idle: no key and no movement for so long.
    """

    idle = Signal()

    def __init__(self, parent: QObject, minutes: int = DEFAULT_IDLE_MINUTES) -> None:
        super().__init__(parent)
        self.timer = QTimer(self, interval=minutes * 60_000, singleShot=True)
        self.timer.timeout.connect(self.idle)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.focusWindowChanged.connect(self._watch)

    def start(self) -> None:
        """Begin to count."""
        self.timer.start()

    def stop(self) -> None:
        """There is nothing to hide."""
        self.timer.stop()

    def _watch(self, window: QWindow | None) -> None:
        if window is not None:
            window.removeEventFilter(self)
            window.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Any key or movement begins the count anew."""
        if event.type() in ACTIVITY and self.timer.isActive():
            self.timer.start()
        return False
