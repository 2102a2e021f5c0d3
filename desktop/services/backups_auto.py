"""Backups by the clock, beside an open workstation: taken when due, proved once a week, let go by rule.

One workstation at a time has the clinic's turn; who gets it asks the server again whether a backup is
still due. Where the computer slept, or was away, one run makes up for what was missed. While somebody
restores the clinic the turn is taken, and it is tried again later.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable

from desktop.backup import schedule
from desktop.backup.schedule import Past
from desktop.domain.errors import AppError
from desktop.services import backups_history as histories
from desktop.services.backups import Backups
from sync.errors import Cancelled

log = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
"""How often the clock is looked at; the server is asked only when something seems to be due."""

TAKEN, PROVED = "taken", "proved"


class AutomaticBackups:
    """Looks after one workstation's backups in a thread of its own, from :meth:`start` to :meth:`close`."""

    def __init__(
        self,
        backups: Backups,
        *,
        now: Callable[[], dt.datetime],
        every: float = EVERY_SECONDS,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """:param on_change: told, in this thread, that something was taken, proved or has failed."""
        self._backups = backups
        self._now = now
        self._every = every
        self._on_change = on_change
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._past = {TAKEN: Past(), PROVED: Past()}

    def start(self) -> None:
        """Begin."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="backups", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop what is under way, and end; nothing half-done is left."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def step(self) -> tuple[str, ...]:
        """Do what is due now; what was done, ``taken`` and ``proved``."""
        settings = self._backups.settings()
        if not settings.automatic:
            return ()
        zone, done = self._backups.zone, []
        if self._due(TAKEN, lambda past: schedule.due(settings.schedule, zone, past, self._now())):
            done += self._try(TAKEN, self._take)
        if self._backups.proves_by_itself and self._due(
            PROVED, lambda past: schedule.drill_due(settings.schedule, zone, past, self._now())
        ):
            done += self._try(PROVED, self._prove)
        return tuple(done)

    def _due(self, what: str, due: Callable[[Past], object | None]) -> bool:
        """Whether it is due by what is known here, and then by what the server knows."""
        past = self._past[what]
        if due(past) is None:
            return False
        taken, proved = self._backups.last_done()
        asked = Past(taken if what == TAKEN else proved, past.tried, past.failures)
        self._past[what] = asked
        return due(asked) is not None

    def _try(self, what: str, work: Callable[[], None]) -> list[str]:
        before, now = self._past[what], self._now()
        try:
            work()
        except Cancelled:
            return []
        except AppError as error:
            # The code says it all: parameters may name folders or people.
            log.info("automatic backup not %s: %s", what, error.code)
            self._past[what] = Past(before.done, now, before.failures + 1)
            return []
        else:
            self._past[what] = Past(self._now(), now, 0)
            return [what]
        finally:
            self._on_change()

    def _take(self) -> None:
        self._backups.take("", histories.AUTOMATIC, tell=self._tell)
        try:
            self._backups.prune_by_rule(dry_run=False)
        except AppError as error:
            log.info("old backups not removed: %s", error.code)
        try:
            self._backups.drop_replaced()
        except AppError as error:
            log.info("what restores replaced not dropped: %s", error.code)

    def _prove(self) -> None:
        self._backups.drill_by_itself(tell=self._tell)

    def _tell(self, _done: int, _total: int | None, step: str) -> None:
        self._backups.running = step
        if self._stop.is_set():
            raise Cancelled

    def _run(self) -> None:
        try:
            self._backups.sweep()
        except AppError as error:
            log.info("leftovers of backups not removed: %s", error.code)
        while not self._stop.wait(self._every):
            try:
                self.step()
            except AppError as error:
                log.info("automatic backups wait: %s", error.code)
            finally:
                self._backups.running = ""
