"""The graphical program: puts settings, workstation, services, engine and windows together."""

from __future__ import annotations

import argparse
import contextlib
import logging
import logging.handlers
import os
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QApplication, QWidget

from desktop.domain.errors import AppError, EnvironmentTrouble
from desktop.domain.messages import LANGUAGES, N_, _, sentence
from desktop.qt.context import AppContext
from desktop.qt.crash import CrashReporter
from desktop.qt.dialogs import report_failure
from desktop.qt.i18n import use_language
from desktop.qt.jobs import Jobs
from desktop.qt.settings import FILE_NAME, Settings
from desktop.qt.theme import CHOICES, TEXT_SCALES, theme_switch
from desktop.services import joining, secrets
from desktop.services.accounts import Verified
from desktop.services.backups_records import VIEW
from desktop.services.cache import Clock, utc_now
from desktop.services.first_day import FirstDay
from desktop.services.revocation import wants_key
from desktop.services.session import WorkSession, open_session, renewed
from desktop.services.workstation import Description, default_folder
from desktop.views.inbox import InboxScreen
from desktop.views.join import JoinWizard
from desktop.views.main_window import MainWindow, Program
from desktop.views.rail import RailButton
from desktop.views.signin import LAST_USERNAME, StartWindow
from desktop.views.workspace import LANGUAGE, TEXT_SCALE, THEME, WORK_OFFLINE, ScreenEntry

log = logging.getLogger(__name__)

LOG_BYTES = 1_000_000


def _agenda(context: AppContext) -> QWidget:
    from desktop.views.agenda import AgendaScreen

    return AgendaScreen(context)


def _clients(context: AppContext) -> QWidget:
    from desktop.views.clients import ClientsScreen

    return ClientsScreen(context)


def _visit(context: AppContext) -> QWidget:
    from desktop.views.visit import VisitScreen

    return VisitScreen(context)


def _backups(context: AppContext) -> QWidget:
    from desktop.views.backups import BackupsScreen

    return BackupsScreen(context)


def _watch_backups(context: AppContext, button: RailButton) -> object:
    from desktop.views.backups.alarm import AlarmWatch

    return AlarmWatch(context, button)


SCREENS = (
    ScreenEntry("agenda", N_("Agenda"), "agenda", _agenda),
    ScreenEntry("clients", N_("Clients"), "clients", _clients),
    ScreenEntry("visit", N_("Visit"), "money", _visit, first=False),
    ScreenEntry("inbox", N_("Inbox"), "inbox", InboxScreen),
    ScreenEntry(
        "backups",
        N_("Backups"),
        "backup",
        _backups,
        first=False,
        permission=VIEW,
        watch=_watch_backups,
    ),
)


class Consultorio(QObject):
    """The program from its start to its end, for one workstation's folder.

    :param passphrase: known beforehand (from a file); otherwise a person is asked.
    :ivar ready: a window waits for a person; with it comes the error that keeps the workstation
        from being opened, or ``None``.
    """

    ready = Signal(object, object)

    def __init__(
        self, folder: Path, *, passphrase: str | None = None, clock: Clock = utc_now
    ) -> None:
        super().__init__()
        self._folder, self._passphrase, self._clock = folder, passphrase, clock
        self.jobs = Jobs(self)
        self.jobs.failedUnhandled.connect(report_failure)
        self.settings = Settings(folder / FILE_NAME)
        self.session: WorkSession | None = None
        self.start: StartWindow | None = None
        self.wizard: JoinWizard | None = None
        self.window: MainWindow | None = None
        self._syncing = False
        self._person: Verified | None = None
        self._typed: tuple[str, str, str] | None = None

    def begin(self) -> None:
        """Show the first window: the wizard, or the workstation being opened."""
        dress(self.settings)
        if (self._folder / "workstation.json").exists():
            self._open()
        else:
            self._show_wizard()

    # Joining ------------------------------------------------------------------------------------

    def _show_wizard(self) -> None:
        def join(
            file: Path | None,
            passphrase: str | None,
            progress: Callable[[str, int, int], None],
            day: Callable[[FirstDay], None],
        ) -> object:
            words, watch = passphrase or known, joining.Watch(progress, day)
            if file is None:
                joined = joining.resume(
                    self._folder, passphrase=lambda: words, watch=watch, clock=self._clock
                )
            else:
                joined = joining.join(
                    file, self._folder, passphrase=lambda: words, watch=watch, clock=self._clock
                )
            self._passphrase = words
            return joined

        known = self._passphrase
        begun = joining.begun(self._folder)
        vault = secrets.has_keyring() if begun is None else begun.vault == secrets.KEYRING
        self.wizard = JoinWizard(self.jobs, join, has_keyring=vault or known is not None)
        self.wizard.joined.connect(self._joined)
        self.wizard.show()
        if begun is not None:
            self.wizard.go_on()
        self.ready.emit(self.wizard, None)

    @Slot()
    def _joined(self) -> None:
        if self.wizard is not None:
            self._person, self._typed = self.wizard.door.person, self.wizard.door.typed
            self.wizard.close()
            self.wizard.deleteLater()
            self.wizard = None
        self._open()

    # Opening ------------------------------------------------------------------------------------

    @Slot()
    def _open(self) -> None:
        if self.start is None:
            try:
                description = Description.load(self._folder)
                clinic, station, vault = (
                    description.clinic,
                    description.label,
                    description.vault,
                )
            except AppError as error:
                self._start_window("", "")
                self._not_opened(error)
                return
            start = self._start_window(clinic, station)
            needed = vault == secrets.PASSPHRASE and wants_key(self._folder, description)
            if needed and self._passphrase is None:
                shut_out = description.shut_out is not None
                start.ask_passphrase(
                    EnvironmentTrouble("device.shut_out_passphrase") if shut_out else None
                )
                self.ready.emit(start, EnvironmentTrouble("secrets.passphrase_needed"))
                return
        if self.start is not None:
            self.start.show_opening()
        folder, passphrase, clock = self._folder, self._passphrase, self._clock
        person = self._person

        def work(_progress: object) -> WorkSession:
            session = open_session(folder, passphrase=lambda: passphrase, clock=clock)
            if person is not None:
                session.services.accounts.keep(person)
            return session

        self.jobs.write(
            self,
            work,
            done=self._opened,
            failed=self._not_opened,
        )

    def _start_window(self, clinic: str, station: str) -> StartWindow:
        self.start = StartWindow(clinic, station)
        self.start.tryAgain.connect(self._again)
        self.start.joinWanted.connect(self._join_again)
        self.start.passphraseGiven.connect(self._open_with)
        self.start.show()
        return self.start

    @Slot()
    def _again(self) -> None:
        start, self.start = self.start, None
        if start is not None:
            start.close()
            start.deleteLater()
        self._open()

    @Slot()
    def _join_again(self) -> None:
        start, self.start = self.start, None
        if start is not None:
            start.close()
            start.deleteLater()
        self._show_wizard()

    @Slot(str)
    def _open_with(self, passphrase: str) -> None:
        self._passphrase = passphrase
        self._open()

    def _not_opened(self, error: Exception) -> None:
        start = self.start
        if not isinstance(error, AppError):
            report_failure(start, error)
        if start is None:
            return
        if isinstance(error, AppError) and error.code in {
            "secrets.passphrase_wrong",
            "secrets.passphrase_needed",
            "device.shut_out_passphrase",
        }:
            self._passphrase = None
            start.ask_passphrase(error)
        elif isinstance(error, AppError) and error.code in {
            "device.shut_out",
            "device.shut_out_empty",
        }:
            start.show_end(error)
        else:
            start.show_trouble(error)
        self.ready.emit(start, error)

    def _opened(self, session: WorkSession) -> None:
        self.session = session
        if self.settings.get(LANGUAGE) is None:
            language = session.services.clinic.language
            use_language(language if language in LANGUAGES else LANGUAGES[0])
        self.window = MainWindow(
            Program(
                services=session.services,
                jobs=self.jobs,
                settings=self.settings,
                link=session.syncing,
                screens=SCREENS,
                station=session.workstation.description.label,
                now=session.services.cache.now,
                renew=renewed,
            )
        )
        self.window.entered.connect(self._start_syncing)
        self.window.show()
        if self.start is not None:
            self.start.close()
            self.start.deleteLater()
            self.start = None
        self._go_on_with(self.window)
        self.ready.emit(self.window, None)

    def _go_on_with(self, window: MainWindow) -> None:
        """Who signed in during the first load goes on, and who was about to need not begin again."""
        person, self._person = self._person, None
        typed, self._typed = self._typed, None
        if person is not None:
            self.settings.set(LAST_USERNAME, person.username)
            window.enter(person.actor)
        elif typed is not None and any(typed):
            username, password, message = typed
            window.signin.ask_again(username, message, password)

    @Slot()
    def _start_syncing(self) -> None:
        """The first person has signed in: from now on the engine keeps the cache in step."""
        if self.session is None or self._syncing:
            return
        self._syncing = True
        if self.settings.get(WORK_OFFLINE, False):
            self.session.syncing.set_offline(True)
        self.session.start()

    # The end ------------------------------------------------------------------------------------

    def end(self) -> None:
        """Close the windows, finish what was begun, give the folder free."""
        if self.window is not None:
            self.window.close_now()
            self.window.deleteLater()
        for window in (self.start, self.wizard):
            if window is not None:
                window.close()
                window.deleteLater()
        self.window = self.start = self.wizard = None
        self.jobs.shutdown()
        if self.session is not None:
            self.session.close()
            self.session = None


def dress(settings: Settings) -> None:
    """Language, look and text size as this workstation remembers them."""
    language = settings.get(LANGUAGE, LANGUAGES[0])
    use_language(language if language in LANGUAGES else LANGUAGES[0])
    theme = settings.get(THEME, "system")
    scale = settings.get(TEXT_SCALE, 1.0)
    theme_switch().apply(
        theme if theme in CHOICES else "system", scale if scale in TEXT_SCALES else 1.0
    )


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log that can't be written (the disk is full) is no trouble of anybody's work."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 logging's own name
        """Say nothing: the default prints a traceback."""

    def close(self) -> None:
        """As far as it can be written."""
        with contextlib.suppress(OSError):
            super().close()


def keep_logs(folder: Path) -> logging.Handler:
    """Write the log beside the workstation, a few files at most; the handler, to be removed."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    handler = _LogFile(
        folder / "consultorio.log", maxBytes=LOG_BYTES, backupCount=3, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    return handler


def application() -> QApplication:
    """The Qt application, made where there is none yet."""
    present = QApplication.instance()
    made = present if isinstance(present, QApplication) else QApplication(sys.argv[:1])
    made.setApplicationName("Consultorio")
    made.setDesktopFileName("consultorio")
    return made


def take_picture(window: QWidget, trouble: Exception | None, path: Path) -> None:
    """Save how the first window looks and end: 1 where it only says why the program can't open."""
    words = "" if trouble is None else sentence(trouble)
    if not window.grab().save(str(path)):
        words = _("The picture could not be written to {path}.").format(path=path)
    if words and sys.stderr is not None:
        sys.stderr.write(f"{words}\n")
    QApplication.exit(1 if words else 0)


def run(
    folder: Path, passphrase_file: Path | None = None, *, screenshot: Path | None = None
) -> int:
    """Open the program's windows on a workstation's folder; returns when they are closed.

    :param screenshot: save a picture of the first window there, and end.
    """
    app = application()
    joined = (folder / "workstation.json").exists()
    logs = folder / "logs" if joined else folder.with_name(f"{folder.name}.logs")
    reporter = CrashReporter(logs)
    reporter.install()
    handler = keep_logs(logs)
    program = None
    try:
        passphrase, unread = _passphrase_in(passphrase_file)
        if unread is not None and screenshot is not None:
            raise unread
        program = Consultorio(folder, passphrase=passphrase)
        if screenshot is not None:
            program.ready.connect(
                lambda window, trouble: take_picture(window, trouble, screenshot),
                Qt.ConnectionType.QueuedConnection,
            )
        program.begin()
        if unread is not None and program.start is not None:
            program.start.ask_passphrase(unread)
        return app.exec()
    finally:
        if program is not None:
            program.end()
        reporter.uninstall()
        logging.getLogger().removeHandler(handler)
        handler.close()


def _passphrase_in(path: Path | None) -> tuple[str | None, AppError | None]:
    """The passphrase in a file, or why it can't be had from there: a person is asked for it then."""
    if path is None:
        return None, None
    try:
        return secrets.read_secret_file(path), None
    except AppError as error:
        return None, error


def main(argv: list[str] | None = None) -> int:
    """``consultorio-gui``."""
    parser = argparse.ArgumentParser(prog="consultorio-gui", description=_("The clinic's desktop."))
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=os.environ.get("CONSULTORIO_DATA_DIR") or default_folder(),
        help=_("the workstation's folder (or CONSULTORIO_DATA_DIR in the environment)"),
    )
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        help=_("where there is no keyring: a file only you can read with the passphrase"),
    )
    parser.add_argument(
        "--screenshot",
        type=Path,
        metavar=_("FILE"),
        help=_("save a picture of the first window and end (for support)"),
    )
    args = parser.parse_args(argv)
    return run(
        Path(args.data_dir).expanduser().absolute(),
        args.passphrase_file,
        screenshot=args.screenshot,
    )


if __name__ == "__main__":
    sys.exit(main())
