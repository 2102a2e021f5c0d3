"""What a test may not leave behind in Qt: timers, threads, pool jobs, windows.

Seen are the ``QTimer`` and ``QThread`` objects Python made, the global thread pool and the visible
windows. Not seen are timers that Qt starts by itself: ``QTimer.singleShot`` and
``QObject.startTimer`` have no object to ask.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, QThreadPool, QTimer
from PySide6.QtWidgets import QApplication, QWidget

# Windows that Qt itself keeps for its own time, and why they are no test's business.
ALLOWED_WINDOWS = {
    "QTipLabel": "Qt keeps one tooltip and hides it by its own clock",
}


class QtWatch:
    """Knows which timers, threads and windows came since it was made."""

    def __init__(self) -> None:
        self._made: list[weakref.ref[QObject]] = []
        self._windows = {_address(window) for window in _visible_windows()}

    def made(self, thing: QObject) -> None:
        self._made.append(weakref.ref(thing))

    def left(self, patience: float, let_go: Callable[[], None]) -> list[str]:
        """What is still at work, in words.

        :param patience: seconds that threads and pool jobs get for their end.
        :param let_go: drops what the test runner itself still holds; asked only on suspicion.
        """
        milliseconds = int(patience * 1000)
        if QCoreApplication.instance() is not None:
            # Widgets that asked for their end get it: no event loop runs between two tests.
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        found = [
            f"a test left a QThread running: {_name(thread)}"
            for thread in self._alive(QThread)
            if thread.isRunning() and not thread.wait(milliseconds)
        ]
        if not QThreadPool.globalInstance().waitForDone(milliseconds):
            found.append("a test left jobs in the global QThreadPool")
        if self._active_timers() or self._new_windows():
            # Python frees cycles when it likes; what only a cycle keeps alive is not left behind.
            let_go()
            gc.collect()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
            found += [f"a test left a timer running: {_name(t)}" for t in self._active_timers()]
            found += [f"a test left a window open: {_name(w)}" for w in self._new_windows()]
        return found

    def _alive(self, kind: type[Any]) -> Iterator[Any]:
        for reference in self._made:
            thing = reference()
            if isinstance(thing, kind) and shiboken6.isValid(thing):
                yield thing

    def _active_timers(self) -> list[QTimer]:
        return [timer for timer in self._alive(QTimer) if timer.isActive()]

    def _new_windows(self) -> list[QWidget]:
        return [window for window in _visible_windows() if _address(window) not in self._windows]


def _visible_windows() -> list[QWidget]:
    if not isinstance(QCoreApplication.instance(), QApplication):
        return []
    return [
        window
        for window in QApplication.topLevelWidgets()
        if window.isVisible() and window.metaObject().className() not in ALLOWED_WINDOWS
    ]


def _address(thing: QObject) -> int:
    return int(shiboken6.getCppPointer(thing)[0])


def _name(thing: QObject) -> str:
    owner = thing.parent()
    of = f" of {type(owner).__name__}" if owner is not None else ""
    return f"{type(thing).__name__} {thing.objectName()!r}{of}"


@contextmanager
def watching_qt() -> Iterator[QtWatch]:
    """Notes every ``QTimer`` and ``QThread`` made inside.

    Their making is noted rather than ``start``, which stays Qt's own slot: a signal connected to
    a Python function in its place would hand it arguments that the slot does not take.
    """
    watch = QtWatch()
    plain = {kind: kind.__init__ for kind in (QTimer, QThread)}

    def noting(kind: type[Any]) -> Callable[..., None]:
        make = plain[kind]

        def noted(self: Any, *arguments: Any, **named: Any) -> None:
            make(self, *arguments, **named)
            watch.made(self)

        return noted

    for kind in plain:
        kind.__init__ = noting(kind)  # type: ignore[method-assign]
    try:
        yield watch
    finally:
        for kind, make in plain.items():
            kind.__init__ = make  # type: ignore[method-assign]
