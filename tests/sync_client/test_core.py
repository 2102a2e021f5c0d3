"""The decisions of the engine, driven by whatever may happen."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sync.core import BUSY_ATTEMPTS, Action, Core, State, Step, Timing
from sync.errors import (
    AccessRefused,
    AnothersTurn,
    Busy,
    ClientTooOld,
    Migrating,
    ServerError,
    SyncError,
    Unreachable,
)

TIMING = Timing(poll=5, first_pause=0.5, longest_pause=60, stuck_pause=300)


def core() -> Core:
    return Core(random.Random(1), TIMING)


def in_step(now: float = 0.0) -> Core:
    made = core()
    assert made.next(now).step is Step.CONNECT
    made.opened()
    assert made.next(now).step is Step.EXCHANGE
    made.answered(now, more=False)
    return made


def test_it_connects_exchanges_and_waits_for_the_next_poll() -> None:
    made = in_step(10.0)
    assert made.next(10.0) == Action(Step.WAIT, 15.0)
    assert made.state() is State.IN_STEP
    assert made.next(15.0).step is Step.POLL
    made.polled(15.0, news=False)
    assert made.next(15.0) == Action(Step.WAIT, 20.0)
    assert made.next(20.0).step is Step.POLL
    made.polled(20.0, news=True)
    assert made.next(20.0).step is Step.EXCHANGE
    made.answered(20.0, more=False)
    # Now and then without asking first.
    assert made.next(79.9).step is Step.POLL
    assert made.next(80.0).step is Step.EXCHANGE


def test_a_change_goes_out_at_once_and_one_during_an_exchange_asks_for_another() -> None:
    made = in_step()
    made.changed()
    assert made.next(1.0).step is Step.EXCHANGE
    made.changed()
    made.answered(1.0, more=False)
    assert made.next(1.0).step is Step.EXCHANGE


def test_a_long_outbox_goes_out_in_one_exchange_after_another() -> None:
    made = in_step()
    made.changed()
    made.next(1.0)
    made.answered(1.0, more=True)
    assert made.next(1.0).step is Step.EXCHANGE


def test_it_greets_when_the_server_asks_for_it() -> None:
    made = in_step()
    made.changed()
    made.next(1.0)
    made.greeting_wanted()
    assert made.next(1.0).step is Step.HELLO
    made.greeted()
    assert made.next(1.0).step is Step.EXCHANGE


def test_switched_off_it_does_nothing_until_switched_on() -> None:
    made = in_step()
    made.switch(offline=True)
    made.changed()
    made.urged()
    assert made.next(1e9) == Action(Step.WAIT, math.inf)
    assert (made.state(), made.connected) == (State.OFFLINE, False)
    made.switch(offline=False)
    assert made.next(1e9).step is Step.CONNECT


@given(st.integers(1, 40), st.randoms(use_true_random=False))
def test_pauses_double_within_their_bounds_and_no_change_shortens_them(
    failures: int, rng: random.Random
) -> None:
    made = Core(rng, TIMING)
    now = 0.0
    for number in range(1, failures + 1):
        assert made.next(now).step is Step.CONNECT
        made.failed(Unreachable(), now)
        made.changed()
        action = made.next(now)
        full = min(60.0, 0.5 * 2.0 ** (number - 1))
        assert action.step is Step.WAIT
        assert full / 2 - 1e-6 <= action.until - now <= full + 1e-6
        assert made.state() is State.OFFLINE
        now = action.until
    made.urged()
    made.failed(Unreachable(), now)
    made.urged()
    assert made.next(now).step is Step.CONNECT


def test_a_lost_deadlock_is_tried_again_at_once_on_the_same_connection_but_not_for_ever() -> None:
    made = in_step()
    made.changed()
    now = 0.0
    for _ in range(BUSY_ATTEMPTS):
        assert made.next(now).step is Step.EXCHANGE
        made.failed(Busy(), now)
        assert made.connected
        assert made.error is None
        wait = made.next(now)
        assert wait.step is Step.WAIT
        assert wait.until - now < 6
        now = wait.until
    made.next(now)
    made.failed(Busy(), now)
    assert (made.connected, made.state()) == (False, State.TROUBLE)


def test_whose_turn_it_is_not_to_be_compared_waits_for_as_long_as_it_takes() -> None:
    made = in_step()
    made.changed()
    now = 0.0
    for _ in range(10 * BUSY_ATTEMPTS):
        assert made.next(now).step is Step.EXCHANGE
        made.failed(AnothersTurn(), now)
        assert (made.error, made.connected, made.state()) == (None, True, State.SYNCING)
        wait = made.next(now)
        assert (wait.step, 1.0 <= wait.until - now <= 2.0) == (Step.WAIT, True)
        now = wait.until


def test_a_proof_whose_turn_it_is_not_keeps_no_work_waiting() -> None:
    core = Core(random.Random(1), Timing(poll=60, check=20, turn=2))
    core.next(0.0)
    core.opened()
    core.next(0.0)
    core.answered(0.0, more=False)
    assert core.next(20.0).step is Step.CHECK
    for number in range(1, 2 * BUSY_ATTEMPTS):
        core.failed(AnothersTurn(), 20.0 + number)
        assert (core.error, core.connected, core.state()) == (None, True, State.IN_STEP)
        assert core.next(22.0 + number).step is Step.CHECK
    core.failed(AnothersTurn(), 40.0)
    core.changed()
    assert core.next(40.0).step is Step.EXCHANGE


@pytest.mark.parametrize("error", [AccessRefused(), ClientTooOld(), ServerError()])
def test_what_only_a_person_mends_is_not_hammered(error: SyncError) -> None:
    made = in_step()
    made.changed()
    made.next(1.0)
    made.failed(error, 1.0)
    assert made.state() is State.TROUBLE
    assert made.next(1.0).until >= 1.0 + TIMING.stuck_pause / 2


def test_a_migration_is_waited_out() -> None:
    made = in_step()
    made.changed()
    made.next(1.0)
    made.failed(Migrating(), 1.0)
    assert made.next(1.0).until <= 2.0


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order, what it asks for is possible and nothing is forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Core(random.Random(3), TIMING)
        self.now = 0.0
        self.offline = False
        self.connected = False
        self.news = True

    @rule(seconds=st.sampled_from([0.0, 0.01, 1.0, 6.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def edit(self) -> None:
        self.core.changed()
        self.news = True

    @rule()
    def urge(self) -> None:
        self.core.urged()
        self.news = True

    @rule(offline=st.booleans())
    def switch(self, offline: bool) -> None:
        self.core.switch(offline=offline)
        self.offline = offline

    @rule(
        good=st.booleans(),
        more=st.booleans(),
        hello=st.booleans(),
        kind=st.sampled_from(
            [Unreachable, Busy, AnothersTurn, Migrating, AccessRefused, ServerError]
        ),
    )
    def acts(self, good: bool, more: bool, hello: bool, kind: type[SyncError]) -> None:
        self.connected = self.connected and self.core.connected
        action = self.core.next(self.now)
        if self.offline:
            assert action.step is Step.WAIT
        if action.step is Step.WAIT:
            assert action.until > self.now
            return
        if action.step is Step.CONNECT:
            assert not self.connected
        else:
            assert self.connected
        if not good:
            self.core.failed(kind(), self.now)
        elif action.step is Step.CONNECT:
            self.core.opened()
            self.connected = True
        elif action.step is Step.HELLO:
            self.core.greeted()
        elif hello:
            self.core.greeting_wanted()
        else:
            self.news = more
            self.core.answered(self.now, more=more)

    @invariant()
    def news_are_never_forgotten(self) -> None:
        if self.offline or not self.news:
            return
        # Within the longest pause it acts.
        assert self.core.next(self.now + 301).step is not Step.WAIT

    @invariant()
    def in_step_means_that_nothing_waits(self) -> None:
        if self.core.state() is State.IN_STEP:
            assert not self.news


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
