"""Trying again what may pass by itself: with longer and longer waits, and not for ever.

A step that got further counts as a new beginning, so that a long upload over a bad network ends and
a server that is gone is given up soon. Who failed too often in a row rests for a while
(:class:`Breaker`): the next backup does not wait for it again.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from desktop.backup.places.base import Cancelled, go_on, never
from desktop.domain.errors import EnvironmentTrouble

T = TypeVar("T")

_TICK_SECONDS = 0.2


class Passing(Exception):
    """Trouble that may pass by itself: no answer, a cut, a server that is busy.

    :ivar after: the seconds that the server asks to wait, where it says so.
    """

    def __init__(self, what: str, after: float = 0.0) -> None:
        super().__init__(what)
        self.after = after


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long.

    :ivar tries: without getting further. :ivar first: seconds before the second try, doubled each
        time. :ivar most: seconds that one wait lasts at most, whatever the server asks for.
    """

    tries: int = 6
    first: float = 1.0
    most: float = 60.0

    def wait(self, failures: int, asked: float, chance: float) -> float:
        """Seconds to wait after so many failures; ``chance`` in [0, 1) spreads the crowd."""
        step = min(self.most, self.first * 2.0 ** min(failures - 1, 30))
        return min(self.most, max(asked, step * (0.5 + chance / 2)))


def pause(seconds: float, cancelled: Cancelled) -> None:
    """Wait; raises :class:`sync.errors.Cancelled` as soon as a person asks to stop."""
    bell = threading.Event()
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        go_on(cancelled)
        bell.wait(min(left, _TICK_SECONDS))
    go_on(cancelled)


class Breaker:
    """Lets nobody try for a while after several failures in a row; then one may.

    Shared by all who use a place, also by several threads.

    :param clock: seconds that only grow.
    """

    def __init__(
        self,
        failures: int = 3,
        rest_seconds: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._rest = rest_seconds
        self._clock = clock
        self._failures = 0
        self._until = -math.inf
        self._lock = threading.Lock()

    def ask(self, label: str) -> None:
        """Raise ``EnvironmentTrouble('place.resting')`` while the place rests."""
        with self._lock:
            left = self._until - self._clock()
            if self._failures < self._limit:
                return
            if left > 0:
                raise EnvironmentTrouble(
                    "place.resting", place=label, minutes=max(1, math.ceil(left / 60))
                )
            self._until = self._clock() + self._rest  # one tries; the others go on resting

    def failed(self) -> None:
        """It could not be reached."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._limit:
                self._until = self._clock() + self._rest

    def answered(self) -> None:
        """It could be reached."""
        with self._lock:
            self._failures = 0
            self._until = -math.inf


class Retrying:
    """Runs steps until they succeed or patience ends.

    :param label: the place, as errors name it. :param wait: waits so many seconds, or raises where
        it was cancelled. :param chance: a number in [0, 1).
    """

    def __init__(
        self,
        label: str,
        patience: Patience | None = None,
        *,
        breaker: Breaker | None = None,
        wait: Callable[[float, Cancelled], None] = pause,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._label = label
        self._patience = patience or Patience()
        self._breaker = breaker or Breaker()
        self._wait = wait
        self._chance = chance

    def run(
        self,
        step: Callable[[], T],
        cancelled: Cancelled = never,
        gained: Callable[[], int] | None = None,
    ) -> T:
        """What ``step`` returns; it is repeated where it raises :class:`Passing`.

        :param gained: how far the work is; patience begins anew where that grew.
        Raises :class:`EnvironmentTrouble`: ``place.unreachable`` when patience ends,
        ``place.resting`` where it ended too often.
        """
        self._breaker.ask(self._label)
        failures, best = 0, gained() if gained else 0
        while True:
            go_on(cancelled)
            try:
                result = step()
            except Passing as trouble:
                if gained and gained() > best:
                    failures, best = 0, gained()
                failures += 1
                if failures >= self._patience.tries:
                    self._breaker.failed()
                    raise EnvironmentTrouble("place.unreachable", place=self._label) from trouble
                self._wait(self._patience.wait(failures, trouble.after, self._chance()), cancelled)
            else:
                self._breaker.answered()
                return result
