"""What makes a test fail although its own assertions hold.

An unexpected log line, a connection that leaves this computer, the person's own keyring, and
threads, timers or windows left behind.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.offences import Offences

_OURS = ("desktop", "sync")


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
    """Collects every line, also of a logger that does not propagate to the root."""
    collector = Collector()
    call_handlers = logging.Logger.callHandlers

    def collecting(self: logging.Logger, record: logging.LogRecord) -> None:
        if record.levelno >= collector.level:
            collector.handle(record)
        call_handlers(self, record)

    logging.Logger.callHandlers = collecting  # type: ignore[method-assign]
    try:
        yield collector
    finally:
        logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]


def hushed_loggers() -> list[str]:
    """Loggers of ours whose warnings nobody would see, in words."""
    if logging.root.manager.disable >= logging.WARNING:
        return ["logging is disabled as a whole"]
    return [
        f"the logger {name} hides its warnings"
        for name, logger in list(logging.root.manager.loggerDict.items())
        if name.partition(".")[0] in _OURS
        and isinstance(logger, logging.Logger)
        and (logger.disabled or logger.level > logging.WARNING)
    ]


@contextmanager
def no_thread_left(offences: Offences, patience: float) -> Iterator[None]:
    """Every thread that was started inside has ended (within ``patience`` seconds)."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.daemon and thread.name.startswith(("pytest_timeout", "execnet")):
            continue
        thread.join(patience)
        if thread.is_alive():
            offences.add(f"a test left the thread {thread.name!r} running")
