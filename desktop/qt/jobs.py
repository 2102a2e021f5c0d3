"""The one way to do work in the background.

A screen says what to do and what becomes of the result; the function runs in a worker thread, the
result comes back to the main thread through a queued signal. Reads run side by side, writes one
after the other in the order in which they were asked for.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
import weakref
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from shiboken6 import isValid

from desktop.qt.garbage import MainThreadCollector

log = logging.getLogger(__name__)

T = TypeVar("T")

READ_WORKERS = 3
SHOW_AFTER_SECONDS = 0.6
_POLL_MS = 100


class Cancelled(Exception):
    """The person cancelled; raised inside the work by :meth:`Progress.check`."""


class Progress:
    """What the work tells of itself. Written by the worker, polled by the main thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = 0
        self._total: int | None = None
        self._text = ""
        self._cancelled = threading.Event()

    def update(self, done: int, total: int | None = None, text: str | None = None) -> None:
        """``done`` of ``total`` steps (``None``: unknown); raises :class:`Cancelled` if asked to stop."""
        with self._lock:
            self._done, self._total = done, total
            if text is not None:
                self._text = text
        self.check()

    def check(self) -> None:
        """Raise :class:`Cancelled` where the person asked to stop."""
        if self._cancelled.is_set():
            raise Cancelled

    @property
    def cancelled(self) -> bool:
        """Whether the person asked to stop."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the work to stop at its next :meth:`check`."""
        self._cancelled.set()

    def snapshot(self) -> tuple[int, int | None, str]:
        """Steps done, of how many, and the words for it."""
        with self._lock:
            return self._done, self._total, self._text


@dataclass(frozen=True, slots=True)
class JobView:
    """A job that has run long enough to be shown. ``fraction`` is ``None`` while unknown."""

    number: int
    title: str
    text: str
    fraction: float | None
    cancelled: bool


class Job(Generic[T]):
    """A handle on work under way."""

    def __init__(
        self,
        number: int,
        owner: QObject,
        title: str,
        lane_key: Hashable | None,
        generation: int,
        writes: bool,
        fn: Callable[[Progress], T],
    ) -> None:
        self.number = number
        self.writes = writes
        self.title = title
        self.progress = Progress()
        self.started = time.monotonic()
        self.lane_key = lane_key
        self.generation = generation
        self.owner = weakref.ref(owner)
        # What these hold may be widgets: the main thread lets go of them, never a worker.
        self.fn: Callable[[Progress], T] | None = fn
        self.done: Callable[[T], None] | None = None
        self.failed: Callable[[Exception], None] | None = None
        self.stopped: Callable[[], None] | None = None

    def cancel(self) -> None:
        """Ask the work to stop; it stops at its next look at its progress."""
        self.progress.cancel()


class Jobs(QObject):
    """Runs work for screens. Made, used and shut down in the main thread.

    :ivar progressChanged: a tuple of :class:`JobView`, of the jobs that have run for longer than
        ``SHOW_AFTER_SECONDS``; empty when the last of them ended.
    :ivar failedUnhandled: ``(owner, exception)`` of work whose caller gave no ``failed``.
    """

    progressChanged = Signal(object)
    failedUnhandled = Signal(object, object)
    _ended = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._read = ThreadPoolExecutor(READ_WORKERS, thread_name_prefix="job-read")
        self._write = ThreadPoolExecutor(1, thread_name_prefix="job-write")
        self._numbers = itertools.count(1)
        self._running: dict[int, Job[Any]] = {}
        self._generations: dict[Hashable, int] = {}
        self._shown: tuple[JobView, ...] = ()
        self._closed = False
        self._garbage = MainThreadCollector(self)
        self._poll = QTimer(self, interval=_POLL_MS)
        self._poll.timeout.connect(self._show_progress)
        self._ended.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def read(
        self,
        owner: QObject,
        fn: Callable[[Progress], T],
        *,
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
        stopped: Callable[[], None] | None = None,
        lane_key: Hashable | None = None,
        title: str = "",
    ) -> Job[T]:
        """Run ``fn`` beside other reads.

        :param owner: whose result it is; if it is dead when the result comes, the result is dropped.
        :param fn: runs in a worker thread, touches no widget, raises ``AppError`` for troubles.
        :param done: gets the result, in the main thread.
        :param failed: gets the exception; without it the person is told in a dialog.
        :param stopped: called where the work ended because it was cancelled.
        :param lane_key: of the jobs of one owner and key only the latest is delivered, and
            the earlier ones are cancelled.
        """
        return self._start(self._read, owner, fn, done, failed, stopped, lane_key, title)

    def write(
        self,
        owner: QObject,
        fn: Callable[[Progress], T],
        *,
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
        stopped: Callable[[], None] | None = None,
        title: str | None = None,
    ) -> Job[T]:
        """As :meth:`read`, but one at a time, in the order asked for."""
        return self._start(self._write, owner, fn, done, failed, stopped, None, title or "")

    def _start(
        self,
        pool: ThreadPoolExecutor,
        owner: QObject,
        fn: Callable[[Progress], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None,
        stopped: Callable[[], None] | None,
        lane_key: Hashable | None,
        title: str,
    ) -> Job[T]:
        key = None if lane_key is None else (id(owner), lane_key)
        generation = 0
        if key is not None:
            generation = self._generations[key] = self._generations.get(key, 0) + 1
            for earlier in self._running.values():
                if earlier.lane_key == key:
                    earlier.cancel()
        number, writes = next(self._numbers), pool is self._write
        job: Job[T] = Job(number, owner, title, key, generation, writes, fn)
        job.done, job.failed, job.stopped = done, failed, stopped
        if self._closed:
            return job
        self._running[job.number] = job
        pool.submit(self._work, job)
        if not self._poll.isActive():
            self._poll.start()
        return job

    def _work(self, job: Job[T]) -> None:
        result: T | None = None
        error: Exception | None = None
        try:
            job.progress.check()
            if job.fn is not None:
                result = job.fn(job.progress)
        except Exception as raised:  # noqa: BLE001 - handed over whole, told by the main thread
            error = raised
        if not self._closed:
            self._ended.emit(job, result, error)

    @Slot(object, object, object)
    def _deliver(self, job: Job[Any], result: object, error: Exception | None) -> None:
        self._running.pop(job.number, None)
        if not self._running:
            self._poll.stop()
        self._show_progress()
        done, failed, stopped = job.done, job.failed, job.stopped
        job.fn = job.done = job.failed = job.stopped = None
        owner = job.owner()
        if self._closed or owner is None or not isValid(owner):
            if error is not None and not isinstance(error, Cancelled):
                log.info("result of a job dropped: %s", type(error).__name__)
            return
        if job.lane_key is not None and job.generation != self._generations[job.lane_key]:
            return
        if error is None:
            if done is not None:
                done(result)
        elif isinstance(error, Cancelled):
            if stopped is not None:
                stopped()
        elif failed is not None:
            failed(error)
        else:
            self.failedUnhandled.emit(owner, error)

    @Slot()
    def _show_progress(self) -> None:
        now = time.monotonic()
        shown = tuple(
            _view(job)
            for job in self._running.values()
            if job.title and now - job.started >= SHOW_AFTER_SECONDS
        )
        if shown != self._shown:
            self._shown = shown
            self.progressChanged.emit(shown)

    def cancel(self, number: int) -> None:
        """Ask the job of that number to stop; nothing where it has ended."""
        job = self._running.get(number)
        if job is not None:
            job.cancel()

    @property
    def busy(self) -> bool:
        """Whether any work is under way."""
        return bool(self._running)

    def shutdown(self) -> None:
        """Stop: reads are cancelled, writes that were asked for are finished, results are dropped.

        Returns when no worker is left. May be called twice.
        """
        self._closed = True
        self._poll.stop()
        for job in self._running.values():
            if not job.writes:
                job.cancel()
        self._read.shutdown(wait=True, cancel_futures=True)
        self._write.shutdown(wait=True)
        self._running.clear()
        self._garbage.stop()


def _view(job: Job[Any]) -> JobView:
    done, total, text = job.progress.snapshot()
    fraction = min(1.0, done / total) if total else None
    return JobView(job.number, job.title, text, fraction, job.progress.cancelled)
