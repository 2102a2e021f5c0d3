"""What to do next: the engine's decisions, without any input or output.

The runner asks :meth:`Core.next` and does what it says, then tells what came of it. Time is passed
in (seconds of a monotonic clock), and so is chance.
"""

from __future__ import annotations

import enum
import math
import random
from dataclasses import dataclass

from sync.errors import AnothersTurn, Busy, Migrating, SyncError, TimedOut, Unreachable

BUSY_ATTEMPTS = 8
"""So often an exchange that lost a deadlock is repeated at once before it counts as a failure."""


class Step(enum.Enum):
    """A thing for the runner to do."""

    CONNECT = "connect"
    HELLO = "hello"
    EXCHANGE = "exchange"
    POLL = "poll"
    CHECK = "check"
    WAIT = "wait"


class State(enum.Enum):
    """How things stand between this workstation and the server."""

    NEVER = "never"
    OFFLINE = "offline"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    IN_STEP = "in_step"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Action:
    """What to do now; of a wait, until when (``math.inf``: until something happens)."""

    step: Step
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait, in seconds.

    :ivar poll: from one question whether there is news to the next.
    :ivar exchange: from one exchange to the next, where nothing happens.
    :ivar first_pause: after a first failure; it doubles up to ``longest_pause``.
    :ivar stuck_pause: after a failure that only a person can mend.
    :ivar check: from one piece of the comparison with the server to the next.
    :ivar turn: until it is asked again whether it is this workstation's turn to be compared.
    """

    poll: float = 5.0
    exchange: float = 60.0
    first_pause: float = 0.5
    longest_pause: float = 60.0
    stuck_pause: float = 300.0
    check: float = 20.0
    turn: float = 2.0


class Core:
    """The decisions for one cache.

    :param rng: where the jitter comes from.
    """

    def __init__(self, rng: random.Random, timing: Timing | None = None) -> None:
        self._rng = rng
        self._timing = timing or Timing()
        self._switched_off = False
        self._connected = False
        self._greet = False
        self._wanted = True
        self._more = False
        self._next_poll = -math.inf
        self._next_exchange = -math.inf
        self._next_check = math.inf
        self._not_before = -math.inf
        self._failures = 0
        self._busy = 0
        self.error: SyncError | None = None

    @property
    def connected(self) -> bool:
        """Whether the runner should keep its connection."""
        return self._connected

    def state(self) -> State:
        """How things stand."""
        if self._switched_off:
            return State.OFFLINE
        if self.error is not None:
            return State.OFFLINE if isinstance(self.error, Unreachable) else State.TROUBLE
        if not self._connected:
            return State.CONNECTING
        return State.SYNCING if self._wanted or self._more or self._greet else State.IN_STEP

    def next(self, now: float) -> Action:
        """What to do at ``now``."""
        if self._switched_off:
            return Action(Step.WAIT, math.inf)
        if now < self._not_before:
            return Action(Step.WAIT, self._not_before)
        if not (self._wanted or self._more) and now < self._next_poll:
            if not self._connected:
                return Action(Step.WAIT, self._next_poll)
            if now >= self._next_check:
                self._next_check = now + self._timing.check
                return Action(Step.CHECK)
            return Action(Step.WAIT, min(self._next_poll, self._next_check))
        if not self._connected:
            return Action(Step.CONNECT)
        if self._greet:
            return Action(Step.HELLO)
        if not (self._wanted or self._more) and now < self._next_exchange:
            return Action(Step.POLL)
        # What changes from here on may miss this exchange, and asks for another.
        self._wanted = False
        self._more = True
        return Action(Step.EXCHANGE)

    # What happened ------------------------------------------------------------------------------

    def changed(self) -> None:
        """There is something new, here or on the server."""
        self._wanted = True

    def urged(self) -> None:
        """A person asked to sync now: no pause after a failure stands in the way."""
        self._recover()
        self._wanted = True

    def switch(self, *, offline: bool) -> None:
        """Stop talking to the server, or begin again."""
        if self._switched_off and not offline:
            self._recover()
            self._wanted = True
        self._switched_off = offline
        if offline:
            self._connected = False

    def opened(self) -> None:
        """The connection that was asked for stands."""
        self._connected = not self._switched_off

    def disconnected(self) -> None:
        """The runner has ended its connection."""
        self._connected = False

    def greeting_wanted(self) -> None:
        """The server wants to be greeted before it answers."""
        self._greet = True

    def greeted(self) -> None:
        """The server was greeted."""
        self._greet = False

    def answered(self, now: float, *, more: bool) -> None:
        """An exchange was answered and applied; ``more``: there is something left to push."""
        self._recover()
        self._more = more
        self._next_poll = now + self._timing.poll
        self._next_exchange = now + self._timing.exchange
        if math.isinf(self._next_check):
            self._next_check = now + self._timing.check

    def polled(self, now: float, *, news: bool) -> None:
        """The server said whether there is a reason for an exchange."""
        self._recover()
        self._wanted = self._wanted or news
        self._next_poll = now + self._timing.poll

    def failed(self, error: SyncError, now: float) -> None:
        """What was asked for did not come about."""
        if isinstance(error, AnothersTurn):
            again = now + self._timing.turn * self._rng.uniform(0.5, 1.0)
            if self._more:
                self._not_before = again
            else:
                self._next_check = again
            return
        if isinstance(error, Busy) and self._busy < BUSY_ATTEMPTS:
            self._busy += 1
            self._not_before = now + self._rng.uniform(0.25, 1.0) * 0.02 * 2.0**self._busy
            return
        self._failures += 1
        self.error = error
        timing = self._timing
        if isinstance(error, (Unreachable, Busy, Migrating, TimedOut)):
            pause = min(
                timing.longest_pause, timing.first_pause * 2.0 ** min(self._failures - 1, 30)
            )
        else:
            pause = timing.stuck_pause
        self._not_before = now + pause * self._rng.uniform(0.5, 1.0)
        self._connected = False

    def _recover(self) -> None:
        self.error = None
        self._failures = 0
        self._busy = 0
        self._not_before = -math.inf
