"""Says at the rail, on every screen, that there is no fresh backup."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Slot

from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.services.backups_records import Overview
from desktop.views.rail import RailButton

LOOK_MS = 5 * 60_000


class AlarmWatch(QObject):
    """Looks every few minutes at what is known here, and marks the rail's button.

    Nothing is asked over the network for it.
    """

    def __init__(self, context: AppContext, button: RailButton) -> None:
        super().__init__(button)
        self._context, self._button = context, button
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        self.look()

    @Slot()
    def look(self) -> None:
        """Look now."""
        backups = self._context.services.backups
        self._context.jobs.read(
            self,
            lambda _progress: backups.overview(refresh=False),
            done=self._show,
            failed=lambda _error: None,
            lane_key="alarm",
        )

    def _show(self, overview: Overview) -> None:
        self._button.set_alarm(_("no fresh backup") if overview.alarm else "")
