"""Says at the rail, on every screen, that there is no fresh backup."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Slot

from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.services.backups_records import Overview
from desktop.views.rail import RailButton

LOOK_MS = 15 * 60_000


class AlarmWatch(QObject):
    """Looks now and then at the clinic's history of backups, and marks the rail's button.

    Where the server can't be asked nobody is alarmed by what is not known.
    """

    def __init__(self, context: AppContext, button: RailButton) -> None:
        super().__init__(button)
        self._context, self._button = context, button
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        context.statusWanted.connect(self._look_here)
        self.look()

    @Slot()
    def look(self) -> None:
        """Ask the server and the places."""
        self._ask(refresh=True)

    @Slot()
    def _look_here(self) -> None:
        """What this workstation has just done is known without asking."""
        self._ask(refresh=False)

    def _ask(self, *, refresh: bool) -> None:
        backups = self._context.services.backups
        self._context.jobs.read(
            self,
            lambda _progress: backups.overview(refresh=refresh),
            done=self._show if refresh else self._calm,
            failed=lambda _error: None,
            lane_key="alarm",
        )

    def _show(self, overview: Overview) -> None:
        unknown = overview.last_verified is None and bool(overview.troubles)
        alarmed = bool(overview.alarm) and not unknown
        self._button.set_alarm(_("no fresh backup") if alarmed else "")

    def _calm(self, overview: Overview) -> None:
        """What is known here alone may end an alarm; it is too little to raise one."""
        if not overview.alarm:
            self._button.set_alarm("")
