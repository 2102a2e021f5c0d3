"""From an enrolment file to a workstation that is ready: file, passphrase, first load.

While the load goes on, whoever signs in reads today's agenda, which comes first. The file admits a
computer and says nothing of the person before it, so nobody's data is shown without a password.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from desktop.domain.errors import AppError
from desktop.domain.locale_format import number
from desktop.domain.messages import _, sentence
from desktop.qt.dialogs import report_failure
from desktop.qt.jobs import Job, Jobs, JobView, Progress
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, Card, Field, button, label
from desktop.services.first_day import FirstDay
from desktop.services.inbox_words import TABLES
from desktop.services.secrets import MIN_PASSPHRASE
from desktop.views.join.door import DayDoor
from desktop.views.join.drop import DropZone
from desktop.views.join.loading import LoadPanel

Join = Callable[
    [Path | None, str | None, Callable[[str, int, int], None], Callable[[FirstDay], None]], object
]
"""``join(file, passphrase, progress, day)``: makes the workstation; ``progress(table, rows, about)``,
and ``day`` is given today's agenda when that can be read. Without a file it goes on with what was cut.
"""


class JoinWizard(QWidget):
    """Makes this computer a workstation of a clinic. What was interrupted goes on where it stopped.

    :ivar joined: the workstation is ready. :ivar door: asks who is there, and shows them today.
    """

    joined = Signal()
    _day_came = Signal(object)

    def __init__(self, jobs: Jobs, join: Join, *, has_keyring: bool) -> None:
        """:param has_keyring: nobody has to be asked for a passphrase."""
        super().__init__()
        self._jobs, self._join, self._has_keyring = jobs, join, has_keyring
        self._file: Path | None = None
        self._resuming = False
        self._passphrase: str | None = None
        self._job: Job[object] | None = None
        self._loaded = False
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
        self._card_body = card.body
        self._outer = QStackedWidget()
        self._outer.addWidget(self._centred(card))
        self._outer.addWidget(self._make_day_page())
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._outer)
        jobs.progressChanged.connect(self._show_progress)
        self._day_came.connect(self._offer_day)
        self._ask_file()

    def _centred(self, card: Card) -> QWidget:
        page = QWidget()
        centre = QHBoxLayout()
        centre.addStretch(1)
        centre.addWidget(card)
        centre.addStretch(1)
        outer = QVBoxLayout(page)
        outer.addStretch(1)
        outer.addLayout(centre)
        outer.addStretch(1)
        return page

    def _make_day_page(self) -> QWidget:
        """The load as a strip; under it the sign-in, and then the day."""
        page = QWidget()
        space = current_theme().spacing
        self._strip = Card(margin=space.m)
        self._day_layout = QVBoxLayout(page)
        self._day_layout.setContentsMargins(space.l, space.m, space.l, space.l)
        self._day_layout.setSpacing(space.m)
        self._day_layout.addWidget(self._strip)
        self.door = DayDoor(self._jobs)
        self.door.opened.connect(self._grow)
        self.door.settled.connect(self._finish)
        self._day_layout.addWidget(self.door, 1)
        return page

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
        self._load_layout = QVBoxLayout(page)
        self._load_layout.setContentsMargins(0, 0, 0, 0)
        self.load = LoadPanel()
        self.busy, self.stop = self.load.busy, self.load.stop
        self.resume, self.other = self.load.resume, self.load.other
        self.stop.clicked.connect(self._stop)
        self.resume.clicked.connect(self._start)
        self.other.clicked.connect(self._ask_file)
        self._load_layout.addWidget(self.load)
        self._load_layout.addStretch(1)
        return page

    def _dock(self, *, with_day: bool) -> None:
        """Show the load alone in the card, or above the day."""
        if with_day:
            self._day_layout.insertWidget(0, self.banner)
            self._strip.body.addWidget(self.load)
        else:
            self._card_body.removeWidget(self.banner)
            self._card_body.insertWidget(self._card_body.indexOf(self.pages), self.banner)
            self._load_layout.insertWidget(0, self.load)
        self.load.lie_down(with_day)
        self._outer.setCurrentIndex(1 if with_day else 0)

    # Steps --------------------------------------------------------------------------------------

    @Slot()
    def _ask_file(self) -> None:
        self._forget_day()
        self._resuming = False
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
        self._second_field.setVisible(True)
        self._guide.setText(
            _(
                "This computer has no keyring, so the clinic's data is protected by a passphrase. "
                "You will be asked for it whenever the program starts."
            )
        )
        self.pages.setCurrentWidget(self._secret_page)
        self.first.setFocus()

    def go_on(self) -> None:
        """Go on with what was cut, where the file has done its part."""
        self._resuming = True
        if self._has_keyring:
            self._start()
            return
        self._guide.setText(
            _(
                "The first load was interrupted. Write this workstation's passphrase, and it goes on."
            )
        )
        self._second_field.setVisible(False)
        self.pages.setCurrentWidget(self._secret_page)
        self.first.setFocus()

    @Slot()
    def _take_passphrase(self) -> None:
        self._first_field.set_error("")
        self._second_field.set_error("")
        if self._resuming:
            self._passphrase = self.first.text()
            self._start()
            return
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
        file, passphrase, join, came = self._file, self._passphrase, self._join, self._day_came
        if file is None and not self._resuming:
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

            return join(file, passphrase, tell, came.emit)

        self._job = self._jobs.write(
            self,
            work,
            done=self._done,
            failed=self._failed,
            stopped=self._stopped,
            title=_("First load"),
        )
        # Nobody waits for this now: what shows the day takes a tenth of a second to be there.
        importlib.import_module("desktop.views.join.today")

    def _running(self, running: bool) -> None:
        self.load.show_running(running)
        if self._outer.currentIndex() == 0:
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

    def _stand_still(self, words: str) -> None:
        """Who has the day keeps it; nobody is asked to sign in for it now."""
        self._running(False)
        self.busy.show_fraction(0.0, words)
        if self.door.view is None:
            self._forget_day()

    def _stopped(self) -> None:
        self._stand_still(_("Stopped. What came is kept; it goes on from there."))

    def _done(self, _result: object) -> None:
        self.first.clear()
        self.second.clear()
        self._passphrase = None
        self._loaded = True
        self._finish()

    def _finish(self) -> None:
        """All is here, and nobody is just being let in."""
        if self._loaded and not self.door.waiting:
            self.joined.emit()

    def _failed(self, error: Exception) -> None:
        came = self.door.view is not None
        self._stand_still(_("Stopped. What came is kept; it goes on from there.") if came else "")
        if not isinstance(error, AppError):
            report_failure(self, error)
        elif error.code.startswith("enrolment."):
            self._ask_file()
            self._guide.setText("")
        elif error.code.startswith("secrets.passphrase") and self._resuming:
            self.pages.setCurrentWidget(self._secret_page)
            self.first.selectAll()
            self.first.setFocus()
        self.banner.show_text(sentence(error), "danger")

    def closeEvent(self, event: QCloseEvent) -> None:
        """What came is kept, and goes on at the next start."""
        if self._job is not None:
            self._job.cancel()
        self.door.close_dialogs()
        super().closeEvent(event)

    # The day ------------------------------------------------------------------------------------

    @Slot(object)
    def _offer_day(self, day: FirstDay) -> None:
        if day.is_today:
            self.busy.show_fraction(None, _("The rest of the clinic's data is being received…"))
            self.door.offer(day)
            self._dock(with_day=True)
        elif self.door.view is None:
            self._guide.setText(
                _(
                    "The clinic's data is being received. The load began on an earlier day, so "
                    "today's agenda comes with the rest. You can stop and go on."
                )
            )

    def _grow(self) -> None:
        """As large as the program's window, where the screen has the room."""
        screen = self.screen().availableGeometry()
        theme, middle = current_theme(), self.geometry().center()
        width = min(screen.width(), max(self.width(), theme.px(1180)))
        height = min(screen.height(), max(self.height(), theme.px(760)))
        self.resize(width, height)
        left = min(max(screen.left(), middle.x() - width // 2), screen.right() + 1 - width)
        top = min(max(screen.top(), middle.y() - height // 2), screen.bottom() + 1 - height)
        self.move(left, top)

    def _forget_day(self) -> None:
        self.door.forget()
        self._dock(with_day=False)
