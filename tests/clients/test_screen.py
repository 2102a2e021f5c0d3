"""The clients' screen, used as a receptionist uses it, over a real cache."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.domain.actor import Actor
from desktop.domain.messages import sentence
from desktop.models import Client
from desktop.qt.context import AppContext
from desktop.qt.i18n import use_language
from desktop.qt.jobs import Jobs
from desktop.qt.settings import Settings
from desktop.qt.theme import theme_switch
from desktop.services import clinic
from desktop.services.cache import Cache
from desktop.services.clients import Clients
from desktop.services.clients_records import Change, NewClient
from desktop.views.clients import ClientsScreen
from desktop.views.clients.results import PAGE
from tests.clients.conftest import Chart


class Desk:
    """The screen with what it reports to the main window."""

    def __init__(self, qtbot: QtBot, cache: Cache, clients: Clients, actor: Actor, folder: Path):
        self.qtbot = qtbot
        self.clients = clients
        self.cache = cache
        self.jobs = Jobs()
        self.unhandled: list[Exception] = []
        self.jobs.failedUnhandled.connect(lambda _owner, error: self.unhandled.append(error))
        services = SimpleNamespace(cache=cache, clients=clients, clinic=clinic.load(cache))
        self.context = AppContext(services, self.jobs, actor, Settings(folder / "settings.json"))
        self.context.follow(cache.listen)
        self.went: list[tuple[str, dict[str, Any]]] = []
        self.told: list[tuple[str, str, str, Any]] = []
        self.context.navigated.connect(lambda screen, args: self.went.append((screen, args)))
        self.context.notified.connect(lambda *said: self.told.append(said))
        self.screen = ClientsScreen(self.context)
        qtbot.addWidget(self.screen)
        self.screen.resize(1180, 780)
        self.screen.show()
        qtbot.waitExposed(self.screen)
        self.settle()

    def settle(self) -> None:
        self.qtbot.waitUntil(lambda: not self.jobs.busy)

    def wait(self, condition: Any) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()) and not self.jobs.busy)

    def type(self, text: str) -> None:
        self.screen.box.setFocus()
        self.screen.box.selectAll()
        self.qtbot.keyClicks(self.screen.box, text)
        self.wait(lambda: self.screen.results.results.text == text)

    def show(self, client: int) -> None:
        self.screen.open({"client_id": client})
        self.wait(lambda: self.shown == client)

    @property
    def shown(self) -> int | None:
        details = self.screen.details.details
        return details.id if details is not None else None

    @property
    def listed(self) -> list[str]:
        model = self.screen.results.results
        return [str(model.index(row).data()) for row in range(model.rowCount())]

    def write(self, field: str, text: str) -> None:
        """Type over a field and stay in it."""
        line = self.screen.details.form.lines[field]
        line.setFocus()
        line.selectAll()
        self.qtbot.keyClick(line, Qt.Key.Key_Delete)
        self.qtbot.keyClicks(line, text)

    def leave(self, field: str) -> None:
        line = self.screen.details.form.lines[field]
        self.qtbot.keyClick(line, Qt.Key.Key_Return)
        self.settle()

    def close(self) -> None:
        self.screen.hide()
        self.context.close()
        self.jobs.shutdown()


@pytest.fixture
def people(clients: Clients, administrator: Actor) -> dict[str, int]:
    return {
        name: clients.create(administrator, NewClient(full_name=name, **more))  # type: ignore[arg-type]
        for name, more in {
            "Ana Íñiguez Soto": {"rut": "12.345.678-5", "allergies": "Penicilina"},
            "Ana Muñoz": {"email": "ana@clinica.cl"},
            "Berta Rojas": {"phone": "9 8765 4321"},
        }.items()
    }


@pytest.fixture
def make_desk(
    qtbot: QtBot, cache: Cache, clients: Clients, administrator: Actor, tmp_path: Path
) -> Iterator[Any]:
    use_language("es")
    theme_switch().apply("light")
    made: list[Desk] = []

    def make(actor: Actor = administrator) -> Desk:
        made.append(Desk(qtbot, cache, clients, actor, tmp_path))
        return made[-1]

    yield make
    for desk in made:
        desk.close()
        assert desk.unhandled == []


@pytest.fixture
def desk(make_desk: Any, people: dict[str, int]) -> Desk:
    made: Desk = make_desk()
    return made


def test_results_come_while_typing_and_the_keyboard_walks_them(
    desk: Desk, people: dict[str, int]
) -> None:
    assert len(desk.listed) == 3
    desk.type("ana")
    assert set(desk.listed) == {"Ana Íñiguez Soto", "Ana Muñoz"}
    assert desk.screen.count.text() == "2 clientes"
    first, second = (people[name] for name in desk.listed)
    desk.qtbot.keyClick(desk.screen.box, Qt.Key.Key_Down)
    desk.wait(lambda: desk.shown == first)
    desk.qtbot.keyClick(desk.screen.box, Qt.Key.Key_Down)
    desk.wait(lambda: desk.shown == second)
    desk.qtbot.keyClick(desk.screen.box, Qt.Key.Key_Up)
    desk.wait(lambda: desk.shown == first)
    assert desk.screen.box.hasFocus()
    desk.qtbot.keyClick(desk.screen.box, Qt.Key.Key_Return)
    desk.settle()
    assert desk.screen.details.book.hasFocus()
    desk.qtbot.keyClick(desk.screen.details.book, Qt.Key.Key_Return)
    assert desk.went == [("agenda", {"client_id": first})]
    desk.qtbot.keyClick(desk.screen.details.book, Qt.Key.Key_Escape)
    assert desk.screen.box.hasFocus()


def test_enter_before_the_answer_opens_the_best_of_what_was_typed_last(
    desk: Desk, people: dict[str, int]
) -> None:
    desk.qtbot.keyClicks(desk.screen.box, "4321")
    desk.qtbot.keyClick(desk.screen.box, Qt.Key.Key_Return)
    desk.wait(lambda: desk.shown == people["Berta Rojas"])


def test_the_latest_question_wins_whatever_order_the_answers_come_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, late = desk.clients.results, threading.Event()

    def slow(text: str, *rest: int) -> Any:
        if text == "berta":
            late.wait(10)
        return real(text, *rest)

    monkeypatch.setattr(desk.clients, "results", slow)
    model = desk.screen.results.results
    model.search("berta")
    model.search("munoz")
    desk.qtbot.waitUntil(lambda: desk.listed == ["Ana Muñoz"])
    late.set()
    desk.settle()
    assert desk.listed == ["Ana Muñoz"]


def test_only_what_is_looked_at_is_fetched(
    chart: Chart, make_desk: Any, monkeypatch: pytest.MonkeyPatch, clients: Clients
) -> None:
    for n in range(3 * PAGE):
        chart.client(f"Rosa {n:03}")
    asked: list[int] = []
    real = clients.results

    def counting(text: str, limit: int = PAGE, offset: int = 0) -> Any:
        asked.append(offset)
        return real(text, limit, offset)

    monkeypatch.setattr(clients, "results", counting)
    desk = make_desk()
    assert desk.screen.results.results.rowCount() == 3 * PAGE
    assert asked == [0]
    desk.screen.results.scrollToBottom()
    desk.wait(lambda: 2 * PAGE in asked)
    assert asked == [0, 2 * PAGE]
    assert desk.screen.results.results.hit(3 * PAGE - 1).full_name == f"Rosa {3 * PAGE - 1:03}"


def test_a_field_is_saved_when_it_is_left_and_shown_in_its_stored_form(
    desk: Desk, people: dict[str, int]
) -> None:
    ana = people["Ana Íñiguez Soto"]
    desk.show(ana)
    desk.write("phone", "987654321")
    assert desk.screen.details.state.text() == "Escribiendo…"
    desk.leave("phone")
    assert desk.clients.get(ana).fields.phone == "+56 9 8765 4321"
    desk.screen.details.form.lines["email"].setFocus()
    desk.wait(lambda: desk.screen.details.form.value("phone") == "+56 9 8765 4321")
    assert desk.screen.details.state.text() == "Guardado · por enviar"


def test_a_field_is_saved_after_a_pause(desk: Desk, people: dict[str, int]) -> None:
    ana = people["Ana Íñiguez Soto"]
    desk.show(ana)
    notes = desk.screen.details.form.texts["notes"]
    notes.setFocus()
    desk.qtbot.keyClicks(notes, "Llamar antes")
    desk.wait(lambda: desk.clients.get(ana).fields.notes == "Llamar antes")
    assert notes.hasFocus()


def test_wrong_input_stays_says_why_and_survives_another_client(
    desk: Desk, people: dict[str, int]
) -> None:
    ana, berta = people["Ana Íñiguez Soto"], people["Berta Rojas"]
    desk.show(ana)
    desk.write("rut", "12.345.678-9")
    desk.leave("rut")
    row = desk.screen.details.form.rows["rut"]
    assert "dígito verificador" in row.note.text()
    assert desk.screen.details.form.value("rut") == "12.345.678-9"
    assert desk.clients.get(ana).fields.rut == "12.345.678-5"
    assert desk.screen.details.state.text() == "Aún sin guardar"
    desk.show(berta)
    assert desk.screen.details.form.value("rut") == ""
    assert row.note.isHidden()
    assert "Ana Íñiguez Soto" in desk.screen.unsaved.text
    desk.qtbot.mouseClick(desk.screen.return_to, Qt.MouseButton.LeftButton)
    desk.wait(lambda: desk.shown == ana)
    assert desk.screen.details.form.value("rut") == "12.345.678-9"
    assert "dígito verificador" in row.note.text()
    assert desk.screen.unsaved.isHidden()
    desk.write("rut", "11.111.111-1")
    desk.leave("rut")
    assert desk.clients.get(ana).fields.rut == "11.111.111-1"
    assert row.note.isHidden()


def test_going_to_another_client_saves_what_was_just_typed(
    desk: Desk, people: dict[str, int]
) -> None:
    ana, berta = people["Ana Íñiguez Soto"], people["Berta Rojas"]
    desk.show(ana)
    desk.write("email", "nueva@clinica.cl")
    desk.show(berta)
    assert desk.clients.get(ana).fields.email == "nueva@clinica.cl"
    assert desk.screen.details.form.value("email") == ""
    assert desk.clients.get(berta).fields.email == ""


def test_somebody_else_s_change_is_not_written_over_and_the_person_decides(
    desk: Desk, people: dict[str, int], administrator: Actor
) -> None:
    ana = people["Ana Íñiguez Soto"]
    desk.show(ana)
    form = desk.screen.details.form
    for mine, way, kept in (
        ("Mine One", form.rows["full_name"].keep_mine, "Mine One"),
        ("Mine Two", form.rows["full_name"].take_theirs, "De Otra"),
    ):
        desk.write("full_name", mine)
        now = desk.clients.get(ana).fields.full_name
        desk.clients.save(administrator, ana, {"full_name": Change(now, "De Otra")})
        desk.leave("full_name")
        assert "De Otra" in form.rows["full_name"].note.text()
        assert form.value("full_name") == mine
        assert desk.clients.get(ana).fields.full_name == "De Otra"
        desk.qtbot.mouseClick(way, Qt.MouseButton.LeftButton)
        desk.settle()
        assert desk.clients.get(ana).fields.full_name == kept
        assert form.value("full_name") == kept


def test_a_change_from_elsewhere_shows_without_touching_what_is_being_typed(
    desk: Desk, people: dict[str, int], administrator: Actor
) -> None:
    ana = people["Ana Íñiguez Soto"]
    desk.show(ana)
    desk.write("email", "sin terminar")
    desk.clients.save(administrator, ana, {"allergies": Change("Penicilina", "Látex")})
    desk.wait(lambda: desk.screen.details.alert.text == "Látex")
    assert desk.screen.details.form.value("allergies") == "Látex"
    assert desk.screen.details.form.value("email") == "sin terminar"


def test_a_rut_of_somebody_else_offers_the_way_there(desk: Desk, people: dict[str, int]) -> None:
    desk.show(people["Berta Rojas"])
    desk.write("rut", "12345678-5")
    desk.leave("rut")
    row = desk.screen.details.form.rows["rut"]
    assert "Ana Íñiguez Soto" in row.note.text()
    desk.qtbot.mouseClick(row.open_other, Qt.MouseButton.LeftButton)
    desk.wait(lambda: desk.shown == people["Ana Íñiguez Soto"])


def test_a_save_is_taken_back(desk: Desk, people: dict[str, int]) -> None:
    ana = people["Ana Íñiguez Soto"]
    desk.show(ana)
    assert desk.screen.details.undo.isHidden()
    desk.write("full_name", "Otra Persona")
    desk.leave("full_name")
    assert desk.screen.details.undo.isVisible()
    desk.qtbot.mouseClick(desk.screen.details.undo, Qt.MouseButton.LeftButton)
    desk.wait(lambda: desk.clients.get(ana).fields.full_name == "Ana Íñiguez Soto")
    assert desk.screen.details.form.value("full_name") == "Ana Íñiguez Soto"


def test_allergies_are_in_sight_and_visits_open(
    desk: Desk, people: dict[str, int], chart: Chart
) -> None:
    ana = people["Ana Íñiguez Soto"]
    visit = chart.visit(ana, 24, "reservada")
    desk.show(ana)
    assert desk.screen.details.alert.isVisible()
    assert desk.screen.details.alert.text == "Penicilina"
    visits = desk.screen.details.visits
    assert visits.model().rowCount() == 2
    visits.setFocus()
    visits.setCurrentIndex(visits.visits.index(1))
    desk.qtbot.keyClick(visits, Qt.Key.Key_Return)
    assert desk.went == [("visit", {"appointment_id": visit})]
    desk.show(people["Berta Rojas"])
    assert desk.screen.details.alert.isHidden()
    assert desk.screen.details.no_visits.isVisible()


def test_a_new_client_is_entered_with_its_duplicates_in_sight(
    desk: Desk, people: dict[str, int]
) -> None:
    desk.type("Zoe Lagos")
    assert desk.screen.lists.currentWidget() is desk.screen.nothing
    desk.qtbot.keyClick(desk.screen.box, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    desk.settle()
    new = desk.screen.new_client
    assert new.form.value("full_name") == "Zoe Lagos"
    desk.qtbot.keyClicks(new.form.lines["rut"], "12.345.678-5")
    desk.wait(new.duplicates.isVisible)
    desk.qtbot.keyClick(
        new.form.lines["rut"], Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier
    )
    desk.settle()
    assert "Ana Íñiguez Soto" in new.form.rows["rut"].note.text()
    new.form.lines["rut"].clear()
    desk.qtbot.keyClick(new.form.lines["rut"], Qt.Key.Key_Escape)
    assert desk.screen.box.hasFocus()
    desk.screen.start_new()
    assert new.form.value("full_name") == "Zoe Lagos"
    new.submit()
    desk.wait(lambda: desk.shown not in (None, *people.values()))
    assert desk.clients.get(desk.shown or 0).fields.full_name == "Zoe Lagos"
    text, kind, action, undo = desk.told[-1]
    assert ("Zoe Lagos" in text, kind, action) == (True, "success", "Deshacer")
    undo()
    desk.wait(lambda: not desk.clients.get(desk.shown or 0).active)


def test_a_new_client_that_is_wrong_is_told_field_by_field(desk: Desk) -> None:
    desk.screen.start_new()
    new = desk.screen.new_client
    new.form.set_value("rut", "1-1")
    new.submit()
    desk.settle()
    assert new.form.rows["full_name"].note.text().startswith("El nombre no puede quedar vacío")
    assert new.form.rows["rut"].note.text()
    assert len(desk.clients.search("")) == 3


def test_who_may_not_edit_reads(make_desk: Any, people: dict[str, int]) -> None:
    reader = Actor(2, "R", "r", "administrativo", frozenset({"clients.view"}))
    desk = make_desk(reader)
    desk.show(people["Ana Íñiguez Soto"])
    form = desk.screen.details.form
    assert all(line.isReadOnly() for line in form.lines.values())
    assert desk.screen.add.isHidden()
    assert desk.screen.details.retire.isHidden()
    desk.screen.start_new()
    assert desk.screen.pages.currentWidget() is desk.screen.details


def test_an_empty_clinic_says_so(make_desk: Any) -> None:
    desk = make_desk()
    assert desk.screen.lists.currentWidget() is desk.screen.nobody
    assert not desk.screen.export.isEnabled()


def test_what_is_listed_is_exported(desk: Desk, tmp_path: Path) -> None:
    desk.type("ana")
    target = tmp_path / "out.csv"
    desk.screen.export_to(str(target))
    desk.wait(lambda: desk.told)
    assert desk.told[-1][0] == "Se exportaron 2 clientes"
    with target.open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file, delimiter=";"))) == 3


def test_a_client_who_disappears_is_told_and_the_screen_goes_on(
    desk: Desk, people: dict[str, int], cache: Cache, administrator: Actor
) -> None:
    ana = people["Ana Íñiguez Soto"]
    desk.show(ana)
    with cache.writing(administrator, "test.remove") as session:
        session.delete(session.get(Client, ana))
    desk.wait(lambda: desk.told)
    assert "ya no está" in desk.told[-1][0]
    desk.wait(lambda: len(desk.listed) == 2)


def test_every_error_of_the_clients_has_a_spanish_sentence() -> None:
    from desktop.domain.errors import RuleError
    from desktop.domain.sentences.clients import SENTENCES

    words = {"limit": 1, "years": 1, "name": "N", "theirs": "T"}
    for code, english in SENTENCES.items():
        said = sentence(RuleError(code, **words))
        assert said
        assert said != english.format(**words)


def test_every_word_of_the_screen_is_translated() -> None:
    import ast

    from babel.messages.pofile import read_po

    root = Path(__file__).parents[2]
    with (root / "resources/locale/es/clients.po").open("rb") as file:
        known = {
            message.id if isinstance(message.id, str) else message.id[0]
            for message in read_po(file, locale="es")
            if message.string and all(message.string)
        }
    sources = [*root.glob("desktop/views/clients/*.py"), *root.glob("desktop/services/clients*.py")]
    used = {
        node.args[0].value
        for path in sources
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"_", "N_", "ngettext"}
        and isinstance(node.args[0], ast.Constant)
    }
    assert used - known == set()
