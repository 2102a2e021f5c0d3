"""The status bar says in words how the workstation stands, for every state there is."""

from __future__ import annotations

import datetime as dt

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.domain.sentences import all_sentences
from desktop.services.status import WorkstationStatus, ago, in_words
from desktop.views.status_bar import StatusBar
from sync import errors
from sync.core import State
from tests.conftest import Clock

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
STATES = {
    "never": ("Aún sin datos", "danger"),
    "offline": ("Sin conexión", "warning"),
    "connecting": ("Conectando…", "neutral"),
    "syncing": ("Enviando y recibiendo…", "success"),
    "in_step": ("Al día", "success"),
    "trouble": ("Requiere atención", "danger"),
}


def test_every_state_of_the_engine_has_words() -> None:
    assert {state.value for state in State} == STATES.keys()


@pytest.mark.parametrize("state", STATES)
def test_a_state_in_words_and_colour(state: str) -> None:
    words = in_words(WorkstationStatus(state), NOW)
    assert (words.connection, words.connection_tone) == STATES[state]


@pytest.mark.parametrize(
    "code", sorted({error.code for error in vars(errors).values() if hasattr(error, "code")})
)
def test_every_trouble_of_the_engine_has_its_sentence(code: str) -> None:
    assert code in all_sentences()
    words = in_words(WorkstationStatus("trouble", code), NOW)
    assert words.explanation


def test_an_unknown_trouble_is_told_as_a_failure() -> None:
    words = in_words(WorkstationStatus("trouble", "sync.from_the_future"), NOW)
    assert words.explanation.startswith("El intercambio con el servidor falló")


def test_working_offline_by_choice_is_no_trouble() -> None:
    words = in_words(WorkstationStatus("offline", "sync.switched_off"), NOW)
    assert words.connection == "Trabajando sin conexión"
    assert words.connection_tone == "warning"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-30, "recién"),
        (0, "recién"),
        (44, "recién"),
        (60, "hace 1 minuto"),
        (59 * 60, "hace 59 minutos"),
        (3600, "hace 1 hora"),
        (23 * 3600, "hace 23 horas"),
        (24 * 3600, "hace 1 día"),
        (72 * 3600, "hace 3 días"),
    ],
)
def test_ages(seconds: int, words: str) -> None:
    assert ago(NOW - dt.timedelta(seconds=seconds), NOW) == words


def test_what_waits_is_counted_and_grows_old() -> None:
    fresh = WorkstationStatus("in_step", pending=1, oldest_pending=NOW)
    assert in_words(fresh, NOW).unsynced == "1 cambio sin enviar, el más antiguo recién"
    assert in_words(fresh, NOW).unsynced_tone == "neutral"
    later = in_words(fresh, NOW + dt.timedelta(hours=2))
    assert later.unsynced == "1 cambio sin enviar, el más antiguo hace 2 horas"
    assert later.unsynced_tone == "warning"


def test_the_bar_counts_on_and_its_clicks_are_heard(
    dressed: object, qtbot: QtBot, clock: Clock
) -> None:
    bar = StatusBar(clock)
    qtbot.addWidget(bar)
    bar.show_status(WorkstationStatus("in_step", last_sync=clock(), rejected=2))
    assert bar.last_sync.text() == "Última sincronización recién"
    clock.forward(minutes=10)
    bar.show_status(bar.status)
    assert bar.last_sync.text() == "Última sincronización hace 10 minutos"
    assert bar.rejected.text() == "2 cambios rechazados"
    with qtbot.waitSignal(bar.inboxWanted):
        bar.rejected.click()
    with qtbot.waitSignal(bar.syncWanted):
        bar.connection.click()
    with qtbot.waitSignal(bar.offlineSwitched) as heard:
        bar.offline.click()
    assert heard.args == [True]


def test_showing_a_status_is_no_switch_by_a_person(
    dressed: object, qtbot: QtBot, clock: Clock
) -> None:
    bar = StatusBar(clock)
    qtbot.addWidget(bar)
    heard: list[bool] = []
    bar.offlineSwitched.connect(heard.append)
    bar.show_status(WorkstationStatus("offline", "sync.switched_off"))
    assert bar.offline.isChecked()
    bar.show_status(WorkstationStatus("in_step"))
    assert not bar.offline.isChecked()
    assert heard == []


@pytest.mark.parametrize(
    ("width", "unsynced", "last"),
    [
        (1400, "3 cambios sin enviar, el más antiguo hace 5 minutos", True),
        (1000, "3 cambios sin enviar, el más antiguo hace 5 minutos", False),
        (856, "3 cambios sin enviar", False),
    ],
)
def test_a_narrow_bar_leaves_ages_out_and_cuts_no_word(
    dressed: object, qtbot: QtBot, clock: Clock, width: int, unsynced: str, last: bool
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    bar = StatusBar(clock, window)
    bar.resize(1400, 40)
    window.show()
    bar.show_status(
        WorkstationStatus(
            "offline",
            "sync.switched_off",
            pending=3,
            oldest_pending=clock() - dt.timedelta(minutes=5),
            last_sync=clock() - dt.timedelta(minutes=5),
        )
    )
    bar.resize(width, 40)
    qtbot.waitUntil(lambda: bar.unsynced.text() == unsynced)
    assert bar.last_sync.isVisible() is last
    qtbot.waitUntil(lambda: bar.sizeHint().width() <= width)
    assert "hace 5 minutos" in bar.unsynced.toolTip()
