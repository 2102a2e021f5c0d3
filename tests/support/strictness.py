"""What makes a test fail although its own assertions hold.

An unexpected log line, a connection that leaves this computer, a thread left behind.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LOOPBACK = ("127.", "::1", "localhost")


class UnexpectedLog(AssertionError):
    """A log line at WARNING or above that no test announced."""


class Collector(logging.Handler):
    """Keeps the lines that count as failures unless their logger was announced."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []
        self.expected: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def expect(self, logger: str, text: str) -> None:
        """Announces lines of ``logger`` that contain ``text``; at least one must come."""
        self.expected.append((logger, text))

    def verify(self) -> None:
        """Raises :class:`UnexpectedLog` for a line that nobody announced, or that never came."""
        came = set()
        surprises = []
        for record in self.records:
            for expectation in self.expected:
                if record.name.startswith(expectation[0]) and expectation[1] in record.getMessage():
                    came.add(expectation)
                    break
            else:
                surprises.append(f"{record.levelname} {record.name}: {record.getMessage()}")
        if surprises:
            raise UnexpectedLog("unexpected log lines:\n" + "\n".join(surprises))
        missing = set(self.expected) - came
        if missing:
            raise UnexpectedLog(f"these log lines never came: {sorted(missing)}")


@contextmanager
def log_lines() -> Iterator[Collector]:
    collector = Collector()
    root = logging.getLogger()
    root.addHandler(collector)
    try:
        yield collector
    finally:
        root.removeHandler(collector)


@contextmanager
def loopback_only() -> Iterator[None]:
    """Python's own connections may go to this computer alone."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            host = str(address[0])
            if not host.startswith(_LOOPBACK):
                raise AssertionError(f"a test tried to reach {host}")
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    try:
        yield
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]


@contextmanager
def no_thread_left(patience: float = 5.0) -> Iterator[None]:
    """Every thread that was started inside has ended (within ``patience`` seconds)."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.daemon and thread.name.startswith(("pytest_timeout", "execnet")):
            continue
        thread.join(patience)
        if thread.is_alive():
            raise AssertionError(f"a test left the thread {thread.name!r} running")
