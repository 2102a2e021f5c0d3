"""The status bar says in words how the workstation stands, for every state there is."""

from __future__ import annotations

import datetime as dt

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.domain.sentences import all_sentences
from desktop.domain.table_words import SEVERAL, several
from desktop.models import sync_schema
from desktop.qt.theme import theme_switch
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

PARAMS = {"sync.mass_deletion": {"table": "pacientes_cliente", "gone": 3412, "rows": 3500}}


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
    words = in_words(WorkstationStatus("trouble", code, PARAMS.get(code, {})), NOW)
    assert words.explanation
    assert "{" not in words.explanation


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
    bar.resize(1400, 40)
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


def test_a_deletion_held_back_is_said_in_peoples_words() -> None:
    code = "sync.mass_deletion"
    words = in_words(WorkstationStatus("trouble", code, PARAMS[code]), NOW)
    assert words.connection == "Borrado detenido"
    assert words.connection_tone == "danger"
    assert words.connection_long == "El servidor pide borrar 3.412 de 3.500 clientes"
    assert words.explanation.startswith(
        "El servidor pide borrar 3.412 de 3.500 clientes. No se borró nada"
    )
    assert WorkstationStatus("trouble", "sync.revoked").deletion is None


def test_every_synced_table_has_its_plural() -> None:
    others = {"citas_auditorialog"}
    assert SEVERAL.keys() == {table.name for table in sync_schema().tables} | others
    assert several("from_the_future") == "registros"


def test_the_proof_and_its_findings_are_told() -> None:
    never = in_words(WorkstationStatus("in_step"), NOW)
    assert (never.verified, never.verified_brief, never.alert, never.alert_explanation) == (
        "Aún no comprobado con el servidor",
        "",
        "",
        "",
    )
    proved = in_words(WorkstationStatus("in_step", verified=NOW - dt.timedelta(hours=2)), NOW)
    assert proved.verified == "Comprobado con el servidor hace 2 horas"
    assert proved.verified_brief == "datos comprobados hace 2 horas"
    mended = in_words(WorkstationStatus("in_step", mended=1), NOW)
    assert mended.alert == "1 registro corregido"
    assert "Avise a su administrador" in mended.alert_explanation
    blind = in_words(
        WorkstationStatus("in_step", unwatched=("citas_cita", "pacientes_cliente")), NOW
    )
    assert blind.alert == "Cambios sin registrar"
    assert "citas, clientes." in blind.alert_explanation
    assert "vise a su administrador" in blind.alert_explanation
    both = in_words(WorkstationStatus("in_step", mended=1200, unwatched=("citas_cita",)), NOW)
    assert both.alert == "Avisar al administrador"
    assert "1.200 registros" in both.alert_explanation
    assert "citas" in both.alert_explanation


CROWDED = [
    WorkstationStatus("in_step"),
    WorkstationStatus(
        "offline",
        "sync.switched_off",
        pending=12,
        oldest_pending=NOW,
        last_sync=NOW,
        verified=NOW,
        mended=3,
        unwatched=("citas_cita",),
        rejected=11,
    ),
    WorkstationStatus(
        "trouble", "sync.mass_deletion", PARAMS["sync.mass_deletion"], mended=3, rejected=2
    ),
]


@pytest.mark.parametrize("scale", [1.0, 1.25])
@pytest.mark.parametrize("status", CROWDED)
def test_the_narrowest_bar_says_everything_without_crowding(
    dressed: object, qtbot: QtBot, status: WorkstationStatus, scale: float
) -> None:
    theme_switch().apply("light", scale)
    window = QWidget()
    qtbot.addWidget(window)
    bar = StatusBar(lambda: NOW, window)
    bar.resize(640, 40)
    window.show()
    bar.show_status(status)
    words = bar.words()
    shown = [bar.connection, bar.offline, bar.unsynced, bar.rejected]
    shown += [bar.alert] if words.alert else []
    qtbot.waitUntil(lambda: bar.sizeHint().width() <= 640)
    qtbot.waitUntil(lambda: all(one.width() >= one.sizeHint().width() for one in shown))
    assert all(one.isVisible() for one in shown)
    assert bar.connection.text() == words.connection
    assert words.last_sync in bar.unsynced.toolTip()
    assert words.verified in bar.unsynced.toolTip()
    assert bar.alert.isVisible() is bool(words.alert)
    assert bar.alert.accessibleName() == words.alert
    assert bar.rejected.accessibleName() == words.rejected
    theme_switch().apply("light", 1.0)


def test_the_bar_asks_for_the_decision_and_tells_what_is_wrong(
    dressed: object, qtbot: QtBot, clock: Clock
) -> None:
    bar = StatusBar(clock)
    qtbot.addWidget(bar)
    bar.resize(1400, 40)
    bar.show_status(
        WorkstationStatus(
            "trouble", "sync.mass_deletion", PARAMS["sync.mass_deletion"], unwatched=("citas_cita",)
        )
    )
    assert bar.connection.text() == "El servidor pide borrar 3.412 de 3.500 clientes"
    assert bar.connection.property("tone") == "danger"
    with qtbot.assertNotEmitted(bar.syncWanted), qtbot.waitSignal(bar.decisionWanted):
        qtbot.keyClick(bar.connection, Qt.Key.Key_Return)
    with qtbot.waitSignal(bar.alertWanted):
        qtbot.keyClick(bar.alert, Qt.Key.Key_Space)
    bar.show_status(WorkstationStatus("in_step", verified=clock(), last_sync=clock()))
    assert bar.last_sync.text() == "Última sincronización recién, datos comprobados recién"
    assert bar.alert.isHidden()
    with qtbot.waitSignal(bar.syncWanted):
        bar.connection.click()
