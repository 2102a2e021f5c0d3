"""What happens when the program itself is at fault: a report that a person can read whole.

A report names types, files, lines and functions. Messages and values are left out: they may hold
what was typed about a patient.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import TracebackType

import PySide6
from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QWidget

from desktop.domain.messages import _
from desktop.qt import dialogs
from desktop.qt.theme import current_theme
from desktop.qt.widgets import button, label

log = logging.getLogger(__name__)


def report(error: BaseException) -> str:
    """The text of a report: the same fault gives the same text."""
    lines = [
        f"Consultorio {_version()}",
        f"Python {platform.python_version()} · Qt {PySide6.__version__} · {platform.system()}"
        f" {platform.release()} · {platform.machine()}",
        "",
    ]
    seen: set[int] = set()
    present: BaseException | None = error
    while present is not None and id(present) not in seen:
        seen.add(id(present))
        kind = type(present)
        lines.append(f"{kind.__module__}.{kind.__qualname__}")
        lines.extend(
            f"  {_short(frame.filename)}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(present.__traceback__)
        )
        present = present.__cause__ or present.__context__
        if present is not None:
            lines.append("after")
    return "\n".join(lines)


def fingerprint(text: str) -> str:
    """Tells one fault from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _short(filename: str) -> str:
    parts = Path(filename).parts
    for root in ("desktop", "sync", "site-packages"):
        if root in parts:
            return "/".join(parts[parts.index(root) :])
    return Path(filename).name


def _version() -> str:
    try:
        return metadata.version("consultorio")
    except metadata.PackageNotFoundError:
        return "(source)"


class CrashReporter(QObject):
    """Catches what nobody else caught, writes it beside the logs and shows it, each fault once.

    :param folder: where reports are kept.
    """

    _came = Signal(object)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._shown: set[str] = set()
        self._before: tuple[Callable[..., object], Callable[..., object]] | None = None
        self._came.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """From now on bugs of any thread come here."""
        self._before = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._hook
        threading.excepthook = self._thread_hook
        dialogs.on_bug(self.caught)

    def uninstall(self) -> None:
        """As it was before :meth:`install`."""
        if self._before is not None:
            sys.excepthook, threading.excepthook = self._before
            self._before = None
            dialogs.on_bug(None)

    def _hook(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
        else:
            self.caught(error)

    def _thread_hook(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self.caught(arguments.exc_value)

    def caught(self, error: BaseException) -> None:
        """Note a bug and show it; from any thread."""
        text = report(error)
        mark = fingerprint(text)
        log.error("a fault of the program: %s %s", type(error).__name__, mark)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"crash-{mark}.txt").write_text(text, "utf-8")
        except OSError as trouble:
            log.error("the report can't be kept: %s", trouble.strerror)  # noqa: TRY400
        self._came.emit(text)

    @Slot(object)
    def _show(self, text: str) -> None:
        mark = fingerprint(text)
        if mark not in self._shown:
            self._shown.add(mark)
            CrashDialog(QApplication.activeWindow(), text, mark).open()


class CrashDialog(dialogs.Dialog):
    """The report, whole, to read and to copy. Nothing is sent."""

    def __init__(self, parent: QWidget | None, text: str, mark: str) -> None:
        super().__init__(
            parent,
            _("The program made a mistake"),
            _(
                "The step was not completed; what was saved before is safe. You can go on working. "
                "This report says where in the program it happened and holds no patient data. "
                "It was kept in the folder of logs; nothing was sent."
            ),
            action=_("Go on"),
            cancel="",
            width=620,
        )
        self.text = QPlainTextEdit(text)
        self.text.setReadOnly(True)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPixelSize(current_theme().size("small"))
        self.text.setFont(font)
        self.text.setMinimumHeight(current_theme().px(220))
        self.body.addWidget(self.text, 1)
        self.body.addWidget(label(_("Report {mark}").format(mark=mark), "small"))
        copy = button(_("&Copy the report"))
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(text))
        self.footer.insertWidget(0, copy)
        self.primary.clicked.connect(self.accept)
