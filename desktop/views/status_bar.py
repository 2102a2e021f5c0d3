"""The line at the foot of the window: connection, what waits, the last sync, what was refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QToolButton,
    QWidget,
)

from desktop.domain.messages import _
from desktop.qt.jobs import JobView
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import IconButton, label, line, set_property
from desktop.services.status import StatusWords, WorkstationStatus, in_words

_TICK_MS = 15_000
_SHRINKING = (0, 0, 1, 2, 3, 4, 5, 1)
"""Which part of the bar says less next, where there is no room; see :meth:`StatusBar._fit`."""

_ICONS = {"success": "online", "warning": "offline", "danger": "warning", "neutral": "sync"}


class StatusBar(QWidget):
    """Shows a :class:`WorkstationStatus` in words and colour.

    :ivar offlineSwitched: a person turned "work offline" on or off.
    :ivar inboxWanted: a person clicked on the refused changes.
    :ivar syncWanted: a person clicked on the connection: exchange now.
    :ivar decisionWanted: a person clicked on the connection while a deletion waits to be allowed.
    :ivar alertWanted: a person clicked on what the administrator has to be told of.
    :ivar cancelWanted: the number of a job that a person wants stopped.
    """

    offlineSwitched = Signal(bool)
    inboxWanted = Signal()
    syncWanted = Signal()
    decisionWanted = Signal()
    alertWanted = Signal()
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
        self.connection.clicked.connect(self._connection_clicked)
        self.offline = QCheckBox(_("Work offline"))
        self.offline.setToolTip(
            _("Everything you do is kept here and sent when you turn this off.")
        )
        self.offline.toggled.connect(self.offlineSwitched)
        self.unsynced = label("")
        self.last_sync = label("")
        self.rejected = IconButton("", "", "inbox")
        self.rejected.clicked.connect(self.inboxWanted)
        self.alert = IconButton("", "", "warning")
        self.alert.clicked.connect(self.alertWanted)
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
        layout.addWidget(self.alert)
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
    def _connection_clicked(self) -> None:
        (self.syncWanted if self._status.deletion is None else self.decisionWanted).emit()

    @Slot()
    def _tell(self) -> None:
        words = self.words()
        self._colour(self.connection, words.connection_tone, _ICONS[words.connection_tone])
        self.connection.setToolTip(words.explanation or _("Click to send and receive now."))
        self.connection.setAccessibleName(words.connection_long)
        self.connection.setAccessibleDescription(words.explanation)
        self.unsynced.setAccessibleName(words.unsynced)
        details = f"{words.unsynced}\n{words.last_sync}\n{words.verified}"
        self.unsynced.setToolTip(details)
        self._tone(self.unsynced, words.unsynced_tone)
        self.last_sync.setToolTip(details)
        self.last_sync.setAccessibleDescription(words.verified)
        self._tone(self.last_sync, "neutral")
        self.alert.setVisible(bool(words.alert))
        self.alert.setToolTip(words.alert_explanation)
        self.alert.setAccessibleName(words.alert)
        self.alert.setAccessibleDescription(words.alert_explanation)
        self._colour(self.alert, "warning", "warning")
        self.rejected.setAccessibleName(words.rejected)
        self.rejected.setToolTip(words.rejected)
        self._colour(self.rejected, words.rejected_tone, "inbox")
        self._fit(words)

    def _fit(self, words: StatusWords) -> None:
        """Say as much as there is room for: whole words, of fewer things the narrower it is.

        Ages go first, then what is a click or a tooltip away; counts and the connection stay.
        """
        full = words.last_sync
        if words.verified_brief:
            full = _("{sync}, {verified}").format(sync=full, verified=words.verified_brief)
        parts: tuple[tuple[QLabel | QAbstractButton, tuple[str, ...]], ...] = (
            (self.last_sync, (full, words.last_sync, "")),
            (self.unsynced, (words.unsynced, words.unsynced_brief, words.unsynced_least)),
            (self.connection, (words.connection_long, words.connection)),
            (self.alert, (words.alert, "")),
            (self.rejected, (words.rejected, f"{self._status.rejected or ''}")),
            (self.offline, (_("Work offline"), _("Offline"))),
        )
        apart = 2 * current_theme().spacing.s + self._before_last.sizeHint().width()
        fixed = self.sizeHint().width() - sum(_width(made) for made, _texts in parts)
        if not self.last_sync.isHidden():
            fixed -= apart
        chosen = [0] * len(parts)

        def wanted() -> int:
            texts = [(made, texts[at]) for (made, texts), at in zip(parts, chosen, strict=True)]
            needed = fixed + sum(_width(made, text) for made, text in texts)
            return needed + (apart if texts[0][1] else 0)

        for part in _SHRINKING:
            if wanted() <= self.width():
                break
            chosen[part] += 1
        for (made, texts), at in zip(parts, chosen, strict=True):
            if made.text() != texts[at]:
                made.setText(texts[at])
        shown = bool(self.last_sync.text())
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


def _width(made: QLabel | QAbstractButton, text: str | None = None) -> int:
    """How wide a part of the bar is; with ``text``, how wide that would make it."""
    own = made.sizeHint().width()
    if text is None:
        return 0 if made.isHidden() else own
    if not text and isinstance(made, QLabel):
        return 0
    advance = made.fontMetrics().horizontalAdvance
    return own - advance(made.text()) + advance(text)


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
