"""Work under way on the screen itself: what it is, how far it has come, a button that stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.qt.dialogs import report_failure
from desktop.qt.jobs import Job, JobView, Progress
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Busy, Card, button, label
from desktop.views.backups.steps import show_snapshot

T = TypeVar("T")


class RunningStrip(Card):
    """One long work at a time, shown above the list until it ends.

    :ivar changed: work began or ended. :ivar failed: it ended without success; what was found out
        may stand in the history all the same.
    """

    changed = Signal()
    failed = Signal()

    def __init__(self, screen: QWidget, context: AppContext) -> None:
        super().__init__(margin=current_theme().spacing.m)
        self._screen, self._context = screen, context
        self.job: Job[Any] | None = None
        self.title = label("", "strong")
        self.busy = Busy()
        self.stop = button(_("&Stop"), icon="close")
        self.stop.clicked.connect(self._stop)
        said = QVBoxLayout()
        said.setSpacing(current_theme().spacing.xs)
        said.addWidget(self.title)
        said.addWidget(self.busy)
        beside = QHBoxLayout()
        beside.setSpacing(current_theme().spacing.l)
        beside.addLayout(said, 1)
        beside.addWidget(self.stop)
        self.body.addLayout(beside)
        self.hide()
        context.jobs.progressChanged.connect(self._show_progress)

    def run(self, title: str, work: Callable[[Progress], T], done: Callable[[T], None]) -> None:
        """Do ``work`` beside other work; a failure is told in a dialog, a stop in a toast."""

        def end() -> None:
            self.job = None
            self.hide()
            self.changed.emit()

        def ended(result: T) -> None:
            end()
            done(result)

        def failed(error: Exception) -> None:
            end()
            report_failure(self._screen, error)
            self.failed.emit()

        def stopped() -> None:
            end()
            self._context.notify(_("Stopped. Nothing half-done was left."), "info")

        self.title.setText(title)
        self.busy.show_fraction(None, _("Beginning…"))
        self.stop.setEnabled(True)
        self.show()
        self.job = self._context.jobs.read(
            self._screen, work, done=ended, failed=failed, stopped=stopped, title=title
        )
        self.changed.emit()

    @Slot()
    def _stop(self) -> None:
        if self.job is not None:
            self.job.cancel()
            self.stop.setEnabled(False)
            show_snapshot(self.busy, self.job.progress)

    @Slot(object)
    def _show_progress(self, _views: tuple[JobView, ...]) -> None:
        if self.job is not None:
            show_snapshot(self.busy, self.job.progress)
