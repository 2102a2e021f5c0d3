"""The line at the foot of the window: connection, what waits, the last sync, what was refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from desktop.domain.messages import _
from desktop.qt.jobs import JobView
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import IconButton, label, line, set_property
from desktop.services.status import StatusWords, WorkstationStatus, in_words

_TICK_MS = 15_000
_ICONS = {"success": "online", "warning": "offline", "danger": "warning", "neutral": "sync"}


class StatusBar(QWidget):
    """Shows a :class:`WorkstationStatus` in words and colour.

    :ivar offlineSwitched: a person turned "work offline" on or off.
    :ivar inboxWanted: a person clicked on the refused changes.
    :ivar syncWanted: a person clicked on the connection: exchange now.
    :ivar cancelWanted: the number of a job that a person wants stopped.
    """

    offlineSwitched = Signal(bool)
    inboxWanted = Signal()
    syncWanted = Signal()
    cancelWanted = Signal(object)

    def __init__(self, now: Callable[[], dt.datetime], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._now = now
        self._status = WorkstationStatus()
        self.setProperty("bar", "status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        space = current_theme().spacing
        layout = QHBoxLayout(self)
        layout.setContentsMargins(space.s, space.xs, space.s, space.xs)
        layout.setSpacing(space.s)
        self.connection = IconButton("", "", "sync")
        self.connection.clicked.connect(self.syncWanted)
        self.offline = QCheckBox(_("Work offline"))
        self.offline.setToolTip(
            _("Everything you do is kept here and sent when you turn this off.")
        )
        self.offline.toggled.connect(self.offlineSwitched)
        self.unsynced = label("")
        self.last_sync = label("")
        self.rejected = IconButton("", "", "inbox")
        self.rejected.clicked.connect(self.inboxWanted)
        self._before_last = line(vertical=True)
        for widget in (
            self.connection,
            self.offline,
            line(vertical=True),
            self.unsynced,
            self._before_last,
            self.last_sync,
        ):
            layout.addWidget(widget)
        layout.addStretch(1)
        self._job = _JobStrip()
        self._job.cancelWanted.connect(self.cancelWanted)
        layout.addWidget(self._job)
        layout.addWidget(self.rejected)
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._tell)
        self._timer.start()
        theme_switch().themeChanged.connect(self._tell)
        self._tell()

    @property
    def status(self) -> WorkstationStatus:
        """What is shown."""
        return self._status

    def words(self) -> StatusWords:
        """What is shown, in words."""
        return in_words(self._status, self._now())

    @Slot(object)
    def show_status(self, status: WorkstationStatus) -> None:
        """Show the figures of the moment; the ages in them go on counting."""
        self._status = status
        self.offline.blockSignals(True)
        self.offline.setChecked(status.switched_off)
        self.offline.blockSignals(False)
        self._tell()

    @Slot(object)
    def show_jobs(self, views: tuple[JobView, ...]) -> None:
        """Show the work that takes its time, the latest of it."""
        self._job.show_job(views[-1] if views else None)

    @Slot()
    def _tell(self) -> None:
        words = self.words()
        self.connection.setText(words.connection)
        self._colour(self.connection, words.connection_tone, _ICONS[words.connection_tone])
        self.connection.setToolTip(words.explanation or _("Click to send and receive now."))
        self.connection.setAccessibleDescription(words.explanation)
        self.unsynced.setAccessibleName(words.unsynced)
        self.unsynced.setToolTip(f"{words.unsynced}\n{words.last_sync}")
        self._tone(self.unsynced, words.unsynced_tone)
        self.last_sync.setText(words.last_sync)
        self._tone(self.last_sync, "neutral")
        self.rejected.setText(words.rejected)
        self._colour(self.rejected, words.rejected_tone, "inbox")
        self._fit(words)

    def _fit(self, words: StatusWords) -> None:
        """Where it is narrow the ages go, not the ends of the words; the tooltip has them."""
        apart = 2 * current_theme().spacing.s + self._before_last.sizeHint().width()
        least = self.sizeHint().width() - self.unsynced.sizeHint().width()
        if not self.last_sync.isHidden():
            least -= self.last_sync.sizeHint().width() + apart
        long, brief = (
            self.unsynced.fontMetrics().horizontalAdvance(text)
            for text in (words.unsynced, words.unsynced_brief)
        )
        last = self.last_sync.fontMetrics().horizontalAdvance(words.last_sync) + apart
        room = self.width() - least
        self.unsynced.setText(words.unsynced if long <= room else words.unsynced_brief)
        shown = (long if long <= room else brief) + last <= room
        self.last_sync.setVisible(shown)
        self._before_last.setVisible(shown)

    def event(self, event: QEvent) -> bool:
        """Say as much as there is room for, whenever that is another."""
        done = super().event(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._fit(self.words())
        return done

    def _colour(self, made: IconButton, tone: str, icon: str) -> None:
        set_property(made, "tone", tone)
        token = "text_muted" if tone == "neutral" else tone
        made.setIcon(current_theme().icon(icon, token))
        made.setIconSize(QSize(16, 16))

    def _tone(self, made: QLabel, tone: str) -> None:
        set_property(made, "tone", tone)


class _JobStrip(QWidget):
    """What is under way, how far it is, and a way to stop it."""

    cancelWanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._words = label("", "small")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(120)
        self._cancel = QToolButton()
        self._cancel.setIcon(current_theme().icon("close", "text_muted"))
        self._cancel.setAccessibleName(_("Stop"))
        self._cancel.setToolTip(_("Stop"))
        self._cancel.clicked.connect(lambda: self.cancelWanted.emit(self._number))
        for widget in (self._words, self._bar, self._cancel):
            layout.addWidget(widget)
        self.hide()

    def show_job(self, view: JobView | None) -> None:
        """Show one job; nothing hides the strip."""
        self.setVisible(view is not None)
        if view is None:
            return
        self._number = view.number
        self._words.setText(" · ".join(part for part in (view.title, view.text) if part))
        self._bar.setRange(0, 0 if view.fraction is None else 1000)
        if view.fraction is not None:
            self._bar.setValue(round(view.fraction * 1000))
        self._cancel.setEnabled(not view.cancelled)
