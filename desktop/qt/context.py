"""What a screen is given: the services, the job runner, who is signed in, and the way to others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from desktop.domain.actor import Actor
from desktop.qt.jobs import Jobs
from desktop.qt.settings import Settings

_COALESCE_MS = 15


class AppContext(QObject):
    """Everything a screen needs from outside. Made once for each person who signs in.

    :ivar services: the bundle of :mod:`desktop.services.bundle`.
    :ivar jobs: runs work in the background.
    :ivar actor: who is signed in.
    :ivar settings: what the workstation remembers.
    :ivar changed: a frozenset of table names whose rows changed, in the main thread, whoever
        changed them; changes within a few milliseconds come together.
    :ivar navigated: ``(screen, arguments)``: the main window shows that screen and gives it
        ``arguments`` through its ``open(arguments)``.
    :ivar notified: ``(text, kind, action_text, action)``; shown as a toast.
    :ivar statusWanted: the status bar shall ask for its figures anew.
    """

    changed = Signal(object)
    navigated = Signal(str, object)
    notified = Signal(str, str, str, object)
    statusWanted = Signal()
    _heard = Signal(object)

    def __init__(
        self,
        services: Any,
        jobs: Jobs,
        actor: Actor,
        settings: Settings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.services = services
        self.jobs = jobs
        self.actor = actor
        self.settings = settings
        self._tables: frozenset[str] = frozenset()
        self._timer = QTimer(self, interval=_COALESCE_MS, singleShot=True)
        self._timer.timeout.connect(self._tell)
        self._heard.connect(self._gather, Qt.ConnectionType.QueuedConnection)
        self._stop: Callable[[], None] | None = None

    def follow(
        self, listen: Callable[[Callable[[frozenset[str]], None]], Callable[[], None]]
    ) -> None:
        """Pass on the cache's changes: ``context.follow(cache.listen)``. Any thread may tell them."""
        self._stop = listen(self._heard.emit)

    def close(self) -> None:
        """Hear no more of the cache."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        self._timer.stop()

    def navigate(self, screen: str, arguments: dict[str, Any] | None = None) -> None:
        """Show a screen (``agenda``, ``clients``, ``inbox``) and hand it ``arguments``."""
        self.navigated.emit(screen, arguments or {})

    def notify(
        self,
        text: str,
        kind: str = "info",
        action_text: str = "",
        action: Callable[[], None] | None = None,
    ) -> None:
        """A short message that goes away by itself, with at most one action (e.g. undo).

        :param kind: ``info``, ``success``, ``warning`` or ``danger``.
        """
        self.notified.emit(text, kind, action_text, action)

    @Slot(object)
    def _gather(self, tables: frozenset[str]) -> None:
        self._tables |= tables
        if not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _tell(self) -> None:
        tables, self._tables = self._tables, frozenset()
        self.changed.emit(tables)
