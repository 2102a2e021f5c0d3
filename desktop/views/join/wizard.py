"""From an enrolment file to a workstation that is ready: file, passphrase, first load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.domain.errors import AppError
from desktop.domain.locale_format import number
from desktop.domain.messages import _, sentence
from desktop.qt.dialogs import report_failure
from desktop.qt.jobs import Job, Jobs, JobView, Progress
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, Busy, Card, Field, button, label
from desktop.services.inbox_words import TABLES
from desktop.services.secrets import MIN_PASSPHRASE
from desktop.views.join.drop import DropZone

Join = Callable[[Path, str | None, Callable[[str, int, int], None]], object]
"""``join(file, passphrase, progress)``: makes the workstation; ``progress(table, rows, about)``."""


class JoinWizard(QWidget):
    """Makes this computer a workstation of a clinic. What was interrupted goes on where it stopped.

    :ivar joined: the workstation is ready.
    """

    joined = Signal()

    def __init__(self, jobs: Jobs, join: Join, *, has_keyring: bool) -> None:
        super().__init__()
        self._jobs, self._join, self._has_keyring = jobs, join, has_keyring
        self._file: Path | None = None
        self._passphrase: str | None = None
        self._job: Job[object] | None = None
        self.setWindowTitle("Consultorio")
        self.setProperty("surface", "canvas")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.resize(current_theme().px(720), current_theme().px(560))
        space = current_theme().spacing
        card = Card(margin=space.xxl)
        card.setFixedWidth(current_theme().px(520))
        logo = QLabel()
        logo.setPixmap(current_theme().icon("logo", "accent").pixmap(QSize(32, 32)))
        card.body.addWidget(logo)
        card.body.addWidget(label(_("Join a clinic"), "display", wrap=True))
        self._guide = label("", "muted", wrap=True)
        card.body.addWidget(self._guide)
        self.banner = Banner("", "danger")
        card.body.addWidget(self.banner)
        self.pages = QStackedWidget()
        card.body.addWidget(self.pages)
        self.drop = DropZone()
        self.drop.chosen.connect(self.use_file)
        self.pages.addWidget(self.drop)
        self._secret_page = self._make_secret_page()
        self._load_page = self._make_load_page()
        self.pages.addWidget(self._secret_page)
        self.pages.addWidget(self._load_page)
        centre = QHBoxLayout()
        centre.addStretch(1)
        centre.addWidget(card)
        centre.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(1)
        outer.addLayout(centre)
        outer.addStretch(1)
        jobs.progressChanged.connect(self._show_progress)
        self._ask_file()

    def _make_secret_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(current_theme().spacing.m)
        self.first = QLineEdit()
        self.second = QLineEdit()
        for editor in (self.first, self.second):
            editor.setEchoMode(QLineEdit.EchoMode.Password)
            editor.returnPressed.connect(self._take_passphrase)
        self._first_field = Field(
            _("&Passphrase"),
            self.first,
            hint=_("At least {n} characters; several words are best.").format(n=MIN_PASSPHRASE),
        )
        self._second_field = Field(_("Passphrase, &again"), self.second)
        self.go = button(_("Go on"), "primary")
        self.go.clicked.connect(self._take_passphrase)
        for widget in (self._first_field, self._second_field, self.go):
            layout.addWidget(widget)
        layout.addStretch(1)
        return page

    def _make_load_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(current_theme().spacing.m)
        self.busy = Busy()
        layout.addWidget(self.busy)
        buttons = QHBoxLayout()
        self.stop: QPushButton = button(_("&Stop"))
        self.stop.clicked.connect(self._stop)
        self.resume: QPushButton = button(_("Go &on"), "primary")
        self.resume.clicked.connect(self._start)
        self.other: QPushButton = button(_("Choose another &file"))
        self.other.clicked.connect(self._ask_file)
        for made in (self.resume, self.stop, self.other):
            buttons.addWidget(made)
        buttons.addStretch(1)
        layout.addLayout(buttons)
        layout.addStretch(1)
        return page

    # Steps --------------------------------------------------------------------------------------

    @Slot()
    def _ask_file(self) -> None:
        self.banner.show_text("")
        self._guide.setText(
            _("Your administrator made an enrolment file for this workstation. It works once.")
        )
        self.pages.setCurrentWidget(self.drop)
        self.drop.pick.setFocus()

    @Slot(object)
    def use_file(self, path: Path) -> None:
        """The file was chosen: go on to the passphrase, or to the load."""
        self.banner.show_text("")
        self._file = path
        if self._has_keyring:
            self._start()
            return
        self._guide.setText(
            _(
                "This computer has no keyring, so the clinic's data is protected by a passphrase. "
                "You will be asked for it whenever the program starts."
            )
        )
        self.pages.setCurrentWidget(self._secret_page)
        self.first.setFocus()

    @Slot()
    def _take_passphrase(self) -> None:
        self._first_field.set_error("")
        self._second_field.set_error("")
        if len(self.first.text()) < MIN_PASSPHRASE:
            self._first_field.set_error(
                _("At least {n} characters are needed.").format(n=MIN_PASSPHRASE)
            )
            self.first.setFocus()
        elif self.first.text() != self.second.text():
            self._second_field.set_error(_("The two are not the same."))
            self.second.setFocus()
        else:
            self._passphrase = self.first.text()
            self._start()

    @Slot()
    def _start(self) -> None:
        file, passphrase, join = self._file, self._passphrase, self._join
        if file is None:
            return
        self.banner.show_text("")
        self._guide.setText(
            _("The clinic's data is being received, today's agenda first. You can stop and go on.")
        )
        self.pages.setCurrentWidget(self._load_page)
        self._running(True)
        self.busy.show_fraction(None, _("Talking to the server…"))

        def work(progress: Progress) -> object:
            def tell(table: str, rows: int, about: int) -> None:
                words = _(TABLES[table]) if table in TABLES else ""
                progress.update(rows, max(about, rows, 1), words)

            return join(file, passphrase, tell)

        self._job = self._jobs.write(
            self,
            work,
            done=self._done,
            failed=self._failed,
            stopped=self._stopped,
            title=_("First load"),
        )

    def _running(self, running: bool) -> None:
        self.busy.bar.setVisible(running)
        self.stop.setVisible(running)
        self.stop.setEnabled(running)
        self.resume.setVisible(not running)
        self.other.setVisible(not running)
        (self.stop if running else self.resume).setFocus()

    @Slot(object)
    def _show_progress(self, views: tuple[JobView, ...]) -> None:
        if self._job is None or not views:
            return
        rows, about, table = self._job.progress.snapshot()
        if about:
            words = _("{rows} of about {about} rows").format(rows=number(rows), about=number(about))
            self.busy.show_fraction(
                min(1.0, rows / about), " · ".join(part for part in (table, words) if part)
            )

    @Slot()
    def _stop(self) -> None:
        self.stop.setEnabled(False)
        if self._job is not None:
            self._job.cancel()

    def _stopped(self) -> None:
        self._running(False)
        self.busy.show_fraction(0.0, _("Stopped. What came is kept; it goes on from there."))

    def _done(self, _result: object) -> None:
        self.first.clear()
        self.second.clear()
        self._passphrase = None
        self.joined.emit()

    def _failed(self, error: Exception) -> None:
        self._running(False)
        self.busy.show_fraction(0.0, "")
        self.banner.show_text(sentence(error), "danger")
        if not isinstance(error, AppError):
            report_failure(self, error)
        elif error.code.startswith("enrolment."):
            self._guide.setText("")
            self.pages.setCurrentWidget(self.drop)
