"""Today's agenda on the screen while the first sync is still under way, on a real server."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.app import Consultorio
from desktop.services import joining
from desktop.services.accounts import Accounts
from desktop.services.cache import utc_now
from desktop.services.first_day import FirstDay
from desktop.views.agenda.finder import DayFinder
from desktop.views.join import JoinWizard
from desktop.views.join.today import TodayView
from desktop.views.signin import LAST_USERNAME
from sync.bootstrap import bootstrap
from sync.errors import Unreachable
from tests.shell.conftest import enrolled
from tests.support.clinic import PASSPHRASE, PASSWORD, SCHEMA, Clinic
from tests.support.pictures import colours

PATIENCE = 30_000
FIRST_CHUNK = "chunk_committed"

Programs = Callable[..., Consultorio]


class Gate:
    """Holds a first sync after its first chunk, until it is opened or told to cut."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._go = threading.Event()
        self._cut = False

    def fault(self, point: str) -> None:
        if point == FIRST_CHUNK and not self._go.is_set():
            self.reached.set()
            assert self._go.wait(60), "nobody opened the gate"
            if self._cut:
                raise Unreachable

    def open(self) -> None:
        self._go.set()

    def cut(self) -> None:
        self._cut = True
        self._go.set()


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Gate]]:
    made: list[Gate] = []

    def make() -> Gate:
        gate = Gate()
        made.append(gate)
        monkeypatch.setattr(joining, "bootstrap", partial(bootstrap, fault=gate.fault))
        return gate

    yield make
    for gate in made:
        gate.open()


@pytest.fixture
def gate(gates: Callable[[], Gate]) -> Gate:
    return gates()


@pytest.fixture
def booked(clinic: Clinic) -> Clinic:
    """The clinic with two visits today and one tomorrow."""
    for client, hour in ((0, 10), (1, 11), (0, 34)):
        clinic.query(
            "INSERT INTO citas_cita (fecha_hora, estado, dentista_id, cliente_id, tipo_servicio_id,"
            " creada_el, actualizada_el) SELECT begins + %s * interval '1 hour', 'confirmada',"
            " %s, %s, %s, now(), now() FROM clinic_today()",
            hour,
            clinic.practitioners[0],
            clinic.clients[client],
            clinic.services[0],
        )
    return clinic


def wizard_of(program: Consultorio) -> JoinWizard:
    assert program.wizard is not None
    return program.wizard


def joining_at(
    programs: Programs, clinic: Clinic, folder: Path, clock: Callable[[], dt.datetime] = utc_now
) -> Consultorio:
    program = programs(folder / "station", PASSPHRASE, clock)
    wizard_of(program).use_file(enrolled(clinic, folder / "r.inscripcion"))
    return program


def sign_in(wizard: JoinWizard, qtbot: QtBot, password: str = PASSWORD) -> None:
    qtbot.waitUntil(lambda: wizard.door.signin is not None, timeout=PATIENCE)
    signin = wizard.door.signin
    assert signin is not None
    signin.username.setText("admin")
    signin.password.setText(password)
    signin.enter.click()


def shown(wizard: JoinWizard, qtbot: QtBot) -> TodayView:
    qtbot.waitUntil(lambda: wizard.door.view is not None, timeout=PATIENCE)
    view = wizard.door.view
    assert view is not None
    qtbot.waitUntil(view.isVisible)
    return view


def names(view: TodayView) -> list[str]:
    return [item.client_name for item in view.model.agenda.appointments]


def opened(program: Consultorio, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: program.window is not None, timeout=PATIENCE)
    assert program.wizard is None


def words(widget: QWidget) -> str:
    from PySide6.QtWidgets import QLabel

    return "\n".join(one.text() for one in widget.findChildren(QLabel) if one.isVisibleTo(widget))


def test_the_day_is_seen_and_searched_before_the_load_has_ended(
    booked: Clinic, programs: Programs, gate: Gate, tmp_path: Path, qtbot: QtBot
) -> None:
    program = joining_at(programs, booked, tmp_path)
    wizard = wizard_of(program)
    view = (sign_in(wizard, qtbot), shown(wizard, qtbot))[1]

    assert gate.reached.wait(30)
    assert program.window is None
    assert not (tmp_path / "station").exists()
    assert names(view) == ["María José González Muñoz", "Juan Pérez Soto"]
    picture = tmp_path / "day.png"
    assert view.grid.grab().save(str(picture))
    assert colours(picture) > 10
    assert view.banner.text.startswith("Solo lectura")
    assert not view.grid.machine.may_edit
    assert wizard.stop.isVisible()

    view.find_on_day()
    (finder,) = view.findChildren(DayFinder)
    finder.box.setText("gonzalez")
    finder.primary.click()
    assert "María José González Muñoz" in words(view.details)
    assert "9 8765 4321" in words(view.details)
    assert "Penicilina" in words(view.details)

    gate.open()
    opened(program, qtbot)
    assert program.window is not None
    assert program.window.workspace is not None
    assert not program.window.locked
    assert program.window.workspace.context.actor.username == "admin"
    assert program.settings.get(LAST_USERNAME, "") == "admin"
    assert program.session is not None
    without_network = Accounts(program.session.services.cache, None, SCHEMA)
    assert without_network.sign_in("admin", PASSWORD).username == "admin"


def test_nobody_sees_the_day_without_a_password(
    booked: Clinic, programs: Programs, gate: Gate, tmp_path: Path, qtbot: QtBot
) -> None:
    program = joining_at(programs, booked, tmp_path)
    wizard = wizard_of(program)
    sign_in(wizard, qtbot, "equivocada-9")
    assert gate.reached.wait(30)
    signin = wizard.door.signin
    assert signin is not None
    qtbot.waitUntil(lambda: signin.was_refused, timeout=PATIENCE)
    assert wizard.door.view is None
    assert wizard.door.person is None
    assert "María" not in words(wizard)
    gate.open()
    opened(program, qtbot)
    assert program.window is not None
    assert program.window.locked
    assert program.window.signin.username.text() == "admin"
    assert program.window.signin.banner.text == signin_refusal(program)


def signin_refusal(program: Consultorio) -> str:
    from desktop.domain.errors import RuleError
    from desktop.domain.messages import sentence

    assert program.window is not None
    return sentence(RuleError("account.wrong", username=""))


def test_a_locked_day_is_hidden_until_the_password_is_given_again(
    booked: Clinic, programs: Programs, gate: Gate, tmp_path: Path, qtbot: QtBot
) -> None:
    program = joining_at(programs, booked, tmp_path)
    wizard = wizard_of(program)
    sign_in(wizard, qtbot)
    view = shown(wizard, qtbot)
    view.find_on_day()
    wizard.door.idle.timer.timeout.emit()
    assert not view.isVisible()
    assert not any(finder.isVisible() for finder in view.findChildren(DayFinder))
    assert wizard.door.person is None
    sign_in(wizard, qtbot)
    qtbot.waitUntil(view.isVisible, timeout=PATIENCE)
    view.lockWanted.emit()
    gate.open()
    opened(program, qtbot)
    assert program.window is not None
    assert program.window.locked
    assert program.window.signin.username.text() == "admin"


def test_where_the_server_goes_away_the_day_stays_and_the_load_goes_on(
    booked: Clinic,
    programs: Programs,
    gate: Gate,
    gates: Callable[[], Gate],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    program = joining_at(programs, booked, tmp_path)
    wizard = wizard_of(program)
    sign_in(wizard, qtbot)
    view = shown(wizard, qtbot)
    gate.cut()
    qtbot.waitUntil(wizard.resume.isVisible, timeout=PATIENCE)
    assert wizard.banner.isVisible()
    assert view.isVisible()
    assert names(view) == ["María José González Muñoz", "Juan Pérez Soto"]
    second = gates()
    wizard.resume.click()
    assert second.reached.wait(30)
    qtbot.waitUntil(wizard.stop.isVisible)
    assert view.isVisible()
    second.open()
    opened(program, qtbot)
    assert program.window is not None
    assert not program.window.locked


def test_where_the_server_was_put_back_meanwhile_its_day_takes_the_place(
    booked: Clinic,
    programs: Programs,
    gate: Gate,
    gates: Callable[[], Gate],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    program = joining_at(programs, booked, tmp_path)
    wizard = wizard_of(program)
    sign_in(wizard, qtbot)
    before = shown(wizard, qtbot)
    gate.cut()
    qtbot.waitUntil(wizard.resume.isVisible, timeout=PATIENCE)
    booked.query("UPDATE sync_meta SET epoch = gen_random_uuid()")
    booked.query(
        "UPDATE citas_cita SET estado = 'cancelada' WHERE cliente_id = %s", booked.clients[0]
    )
    second = gates()
    wizard.resume.click()
    assert second.reached.wait(30)
    qtbot.waitUntil(lambda: wizard.door.view not in (None, before), timeout=PATIENCE)
    after = shown(wizard, qtbot)
    assert [item.client_name for item in after.model.by_id.values()] == ["Juan Pérez Soto"]
    second.open()
    opened(program, qtbot)


def closed_half_way(program: Consultorio, gate: Gate) -> None:
    assert gate.reached.wait(30)
    wizard_of(program).close()
    gate.open()
    program.end()


def test_a_program_that_was_closed_half_way_goes_on_at_its_next_start(
    booked: Clinic,
    programs: Programs,
    gate: Gate,
    gates: Callable[[], Gate],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    closed_half_way(joining_at(programs, booked, tmp_path), gate)
    assert (tmp_path / "station.joining").exists()
    (tmp_path / "r.inscripcion").unlink()

    second = gates()
    program = programs(tmp_path / "station", PASSPHRASE)
    wizard = wizard_of(program)
    sign_in(wizard, qtbot)
    assert names(shown(wizard, qtbot)) == ["María José González Muñoz", "Juan Pérez Soto"]
    assert second.reached.wait(30)
    second.open()
    opened(program, qtbot)
    assert (tmp_path / "station" / "workstation.json").exists()
    assert not (tmp_path / "station.joining").exists()


def test_a_day_that_came_yesterday_is_not_shown_as_today(
    booked: Clinic,
    programs: Programs,
    gate: Gate,
    gates: Callable[[], Gate],
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    def yesterday() -> dt.datetime:
        return utc_now() - dt.timedelta(days=1)

    closed_half_way(joining_at(programs, booked, tmp_path, yesterday), gate)
    second = gates()
    program = programs(tmp_path / "station", PASSPHRASE)
    wizard = wizard_of(program)
    assert second.reached.wait(30)
    qtbot.waitUntil(lambda: "otro día" in words(wizard), timeout=PATIENCE)
    assert wizard.door.signin is None
    second.open()
    opened(program, qtbot)


def test_without_a_keyring_the_passphrase_is_asked_for_once_to_go_on(
    booked: Clinic,
    programs: Programs,
    gate: Gate,
    gates: Callable[[], Gate],
    no_keyring: None,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    closed_half_way(joining_at(programs, booked, tmp_path), gate)
    gates().open()
    program = programs(tmp_path / "station")
    wizard = wizard_of(program)
    assert wizard.first.isVisible()
    assert not wizard.second.isVisible()
    wizard.first.setText("una frase que no es")
    wizard.go.click()
    qtbot.waitUntil(lambda: bool(wizard.banner.text), timeout=PATIENCE)
    assert wizard.first.isVisible()
    wizard.first.setText(PASSPHRASE)
    wizard.go.click()
    opened(program, qtbot)


def test_a_load_that_ends_while_a_password_is_checked_waits_for_it(
    booked: Clinic,
    programs: Programs,
    gate: Gate,
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask, loaded = FirstDay.sign_in, threading.Event()

    def slowly(day: FirstDay, username: str, password: str) -> object:
        assert loaded.wait(60)
        return ask(day, username, password)

    monkeypatch.setattr(FirstDay, "sign_in", slowly)
    program = joining_at(programs, booked, tmp_path)
    wizard = wizard_of(program)
    sign_in(wizard, qtbot)
    gate.open()
    try:
        qtbot.waitUntil(lambda: wizard._loaded, timeout=PATIENCE)
        assert program.window is None
    finally:
        loaded.set()
    opened(program, qtbot)
    assert program.window is not None
    assert not program.window.locked
