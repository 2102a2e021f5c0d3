"""The flow of an appointment."""

from __future__ import annotations

import pytest

from desktop.domain import messages, statuses
from desktop.domain.statuses import ACTIVE, TRANSITIONS, Status

FINAL = frozenset({Status.FINISHED, Status.COMPLETED, Status.CANCELLED, Status.NO_SHOW})


def test_the_values_are_those_of_the_shared_tables() -> None:
    assert [status.value for status in Status] == [
        "disponible", "reservada", "confirmada", "en_espera", "listo_para_atender",
        "en_progreso", "finalizada", "completada", "cancelada", "no_show",
    ]  # fmt: skip


def test_every_status_is_on_offer_active_or_final() -> None:
    assert ACTIVE | FINAL | {Status.AVAILABLE} == set(Status)
    assert not ACTIVE & FINAL


def test_the_usual_steps_lead_from_booking_to_completion_and_are_allowed() -> None:
    status, path = Status.BOOKED, []
    while (step := statuses.usual_next(status)) is not None:
        assert statuses.may_follow(status, step)
        path.append(step)
        status = step
    assert status is Status.COMPLETED
    assert len(path) == 6


def test_every_status_has_its_steps_and_none_leads_back_to_an_offer() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert not any(Status.AVAILABLE in steps for steps in TRANSITIONS.values())


@pytest.mark.parametrize("written", ["Reservada ", "RESERVADA", "reservada"])
def test_reading_forgives_case_and_blanks(written: str) -> None:
    assert statuses.read(written) is Status.BOOKED


def test_a_word_of_another_program_is_shown_as_it_stands() -> None:
    assert statuses.read("reagendada") is None
    assert statuses.label("reagendada") == "reagendada"


def test_every_status_has_a_word_of_its_own_in_both_languages() -> None:
    for language in ("es", "en"):
        messages.set_language(language)
        words = {statuses.label(status) for status in Status}
        assert len(words) == len(Status)
    assert statuses.label(Status.IN_PROGRESS) == "In the room"
