"""The engine's decisions against a model that only knows what was promised."""

from __future__ import annotations

import copy
import math
import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sync.core import BUSY_ATTEMPTS, Action, Core, State, Step, Timing
from sync.errors import (
    AccessRefused,
    Busy,
    ClientTooOld,
    MassDeletion,
    Migrating,
    Revoked,
    SyncError,
    Unreachable,
)

TIMING = Timing(poll=5, exchange=60, first_pause=0.5, longest_pause=60, stuck_pause=300, check=20)
PASSING = (Unreachable, Busy, Migrating)
ERRORS = (Unreachable, Busy, Migrating, Revoked, ClientTooOld, AccessRefused, MassDeletion)


class Promises(RuleBasedStateMachine):
    """One core, one runner, and anything that may happen to both.

    :ivar step: what the runner is doing. :ivar owed: something has to be exchanged.
    :ivar rest: (earliest, latest) moment of the next attempt, after a failure.
    """

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.core = Core(random.Random(seed), TIMING)
        self.now = 1000.0
        self.off = False
        self.step: Step | None = None
        self.connected = False
        self.greet = False
        self.owed = True
        self.again = False
        self.failures = 0
        self.busy = 0
        self.rest = (-math.inf, -math.inf)
        self.answered_at = self.exchanged_at = -math.inf

    def recovered(self) -> None:
        self.failures = self.busy = 0
        self.rest = (-math.inf, -math.inf)

    # What may happen ----------------------------------------------------------------------------

    @rule(seconds=st.floats(0, 400))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def somebody_edits(self) -> None:
        self.core.changed()
        self.again = self.again or self.step is Step.EXCHANGE
        self.owed = True

    @rule()
    def a_person_asks(self) -> None:
        self.core.urged()
        self.again = self.again or self.step is Step.EXCHANGE
        self.owed = True
        self.recovered()

    @rule()
    def switched_off(self) -> None:
        self.core.switch(offline=True)
        self.off = True
        self.connected = False

    @rule()
    def switched_on(self) -> None:
        if self.off:
            self.recovered()
            self.owed = True
            self.again = self.again or self.step is Step.EXCHANGE
        self.core.switch(offline=False)
        self.off = False

    # The runner ---------------------------------------------------------------------------------

    @precondition(lambda self: self.step is None)
    @rule()
    def the_runner_asks(self) -> None:
        action = self.core.next(self.now)
        if action.step is Step.WAIT:
            self.judge_wait(action)
            return
        assert not self.off
        assert self.now >= self.rest[0]
        if action.step is Step.CONNECT:
            assert not self.connected
        else:
            assert self.connected
        assert (action.step is Step.HELLO) <= self.greet
        if action.step is Step.EXCHANGE:
            assert not self.greet
            assert self.owed or self.now >= self.answered_at + TIMING.poll
            self.owed, self.again = True, False
        elif action.step is Step.POLL:
            assert not self.owed
            assert self.answered_at + TIMING.poll <= self.now < self.exchanged_at + TIMING.exchange
        elif action.step is Step.CHECK:
            assert not self.owed
        self.step = action.step

    def judge_wait(self, action: Action) -> None:
        if self.off:
            assert action.until == math.inf
            return
        assert self.now < action.until < math.inf
        if self.owed:
            assert action.until <= self.rest[1]

    @precondition(lambda self: self.step is Step.CONNECT)
    @rule()
    def connection_stands(self) -> None:
        self.core.opened()
        self.connected = not self.off
        self.step = None

    @precondition(lambda self: self.step is Step.EXCHANGE)
    @rule(more=st.booleans())
    def exchange_is_answered(self, more: bool) -> None:
        self.core.answered(self.now, more=more)
        self.owed = more or self.again
        self.answered_at = self.exchanged_at = self.now
        self.recovered()
        self.step = None

    @precondition(lambda self: self.step is Step.POLL)
    @rule(news=st.booleans())
    def poll_is_answered(self, news: bool) -> None:
        self.core.polled(self.now, news=news)
        self.owed = self.owed or news
        self.answered_at = self.now
        self.recovered()
        self.step = None

    @precondition(lambda self: self.step is Step.EXCHANGE)
    @rule()
    def server_wants_a_greeting(self) -> None:
        self.core.greeting_wanted()
        self.greet = True
        self.step = None

    @precondition(lambda self: self.step is Step.HELLO)
    @rule()
    def server_was_greeted(self) -> None:
        self.core.greeted()
        self.greet = False
        self.step = None

    @precondition(lambda self: self.step is Step.CHECK)
    @rule()
    def piece_was_compared(self) -> None:
        self.step = None

    @precondition(lambda self: self.step is not None)
    @rule(kind=st.sampled_from(ERRORS))
    def step_fails(self, kind: type[SyncError]) -> None:
        self.core.failed(kind(), self.now)
        self.step = None
        if kind is Busy and self.busy < BUSY_ATTEMPTS:
            self.busy += 1
            longest = 0.02 * 2.0**self.busy
            self.rest = (self.now + longest / 4, self.now + longest)
            return
        self.failures += 1
        self.connected = False
        if issubclass(kind, PASSING):
            longest = min(TIMING.longest_pause, TIMING.first_pause * 2.0 ** (self.failures - 1))
        else:
            longest = TIMING.stuck_pause
        self.rest = (self.now + longest / 2, self.now + longest)

    @precondition(lambda self: self.step is None)
    @rule()
    def the_runner_hangs_up(self) -> None:
        self.core.disconnected()
        self.connected = False

    # What always holds --------------------------------------------------------------------------

    @invariant()
    def silence_while_switched_off(self) -> None:
        if self.off:
            assert self.core.next(self.now) == Action(Step.WAIT, math.inf)
            assert not self.core.connected
            assert self.core.state() is State.OFFLINE

    @invariant()
    def the_runner_knows_whether_to_keep_its_connection(self) -> None:
        assert self.core.connected == self.connected

    @invariant()
    def owed_work_comes_about(self) -> None:
        """Whoever does as told, and meets no failure, exchanges before the pause is over."""
        if self.off or self.step is not None or not self.owed:
            return
        core, now = copy.copy(self.core), self.now
        for _ in range(8):
            action = core.next(now)
            if action.step is Step.EXCHANGE:
                assert now <= max(self.now, self.rest[1])
                return
            if action.step is Step.WAIT:
                assert action.until > now
                now = action.until
            elif action.step is Step.CONNECT:
                core.opened()
            elif action.step is Step.HELLO:
                core.greeted()
        raise AssertionError("nothing is exchanged")

    @invariant()
    def nobody_spins(self) -> None:
        """A wait ends later than it began, and no later than the next poll."""
        if self.off or self.step is not None:
            return
        action = copy.copy(self.core).next(self.now)
        if action.step is Step.WAIT:
            assert self.now < action.until
            assert action.until <= max(self.rest[1], self.answered_at + TIMING.poll)


Promises.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestPromises = Promises.TestCase


@pytest.mark.parametrize("kind", ERRORS)
def test_no_two_workstations_come_back_at_the_same_moment(kind: type[SyncError]) -> None:
    """After a failure that meets all of them at once."""
    moments = set()
    for seed in range(50):
        core = Core(random.Random(seed), TIMING)
        core.failed(kind(), 0.0)
        action = core.next(0.0)
        assert action.step is Step.WAIT
        moments.add(round(action.until, 4))
    assert len(moments) > 40


def test_a_check_that_is_due_without_a_connection_waits_for_the_next_poll() -> None:
    """And not for this very moment, over and over."""
    core = Core(random.Random(1), TIMING)
    assert core.next(0.0).step is Step.CONNECT
    core.opened()
    assert core.next(0.0).step is Step.EXCHANGE
    core.answered(0.0, more=False)
    assert core.next(19.0).step is Step.POLL
    core.polled(19.0, news=False)
    core.disconnected()
    assert core.next(21.0) == Action(Step.WAIT, 24.0)
