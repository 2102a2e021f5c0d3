"""The agenda's screen, worked with mouse and keys as a receptionist would."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox

from desktop.domain.statuses import Status
from desktop.qt.dialogs import Dialog
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import DayAppointment, Placement
from desktop.views.agenda import AgendaScreen
from desktop.views.agenda.booking import BookingDialog
from desktop.views.agenda.interaction import Mode
from tests.agenda.world import MONDAY, World, actor, at
from tests.bench.painting import measure_paint
from tests.conftest import Clock

Show = Callable[..., AgendaScreen]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def show(qtbot: Any, open_context: Callable[..., Any]) -> Show:
    def make(by: Any = None) -> AgendaScreen:
        screen = AgendaScreen(open_context(by or actor()))
        qtbot.addWidget(screen)
        screen.resize(1200, 800)
        screen.show()
        qtbot.waitUntil(lambda: screen.grid.model is not None)
        screen.grid.setFocus()
        return screen

    return make


@pytest.fixture
def paula(world: World) -> int:
    return world.staff(2)[0]


def settle(qtbot: Any, screen: AgendaScreen) -> None:
    """Until nothing is under way and what changed has been read."""
    qtbot.waitUntil(lambda: not screen._context.jobs.busy)
    QTest.qWait(40)
    qtbot.waitUntil(lambda: not screen._context.jobs.busy)


def shown(screen: AgendaScreen, appointment_id: int) -> DayAppointment:
    assert screen.grid.model is not None
    return screen.grid.model.by_id[appointment_id]


def centre(screen: AgendaScreen, appointment_id: int) -> QPoint:
    return screen.grid.block_rect(appointment_id).center()


def point(screen: AgendaScreen, column: int, minute: int) -> QPoint:
    geometry = screen.grid.geometry_now()
    return QPoint(geometry.x(column) + geometry.column_width // 2, geometry.y(minute) + 2)


def drag(screen: AgendaScreen, start: QPoint, end: QPoint, *, drop: bool = True) -> None:
    """With the events that the window system sends: the button is down while it moves."""
    from PySide6.QtCore import QEvent, QPointF
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    grid = screen.grid
    QTest.mousePress(grid, LEFT, pos=start)
    for step in (start + (end - start) / 3, end):
        place = QPointF(step)
        event = QMouseEvent(
            QEvent.Type.MouseMove, place, grid.mapToGlobal(place), Qt.MouseButton.NoButton, LEFT,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(grid, event)
    if drop:
        QTest.mouseRelease(grid, LEFT, pos=end)


def key(
    screen: AgendaScreen,
    key_: Qt.Key,
    modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    QTest.keyClick(screen.grid, key_, modifier)


def dialog(screen: AgendaScreen, kind: type[Dialog] = Dialog) -> Any:
    (found,) = [one for one in screen.findChildren(kind) if one.isVisible()]
    return found


def test_a_visit_is_dragged_to_another_time_and_practitioner_and_brought_back(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int
) -> None:
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    screen = show()
    before = shown(screen, visit).placement
    start = centre(screen, visit)
    column = screen.grid.geometry_now().column_width
    drag(screen, start, start + QPoint(-column, screen.grid.geometry_now().y(60)))
    settle(qtbot, screen)
    moved = agenda.appointment(visit)
    assert (moved.starts_at, moved.ends_at) == (at(11), at(11, 30))
    assert moved.practitioner_id != paula
    assert shown(screen, visit).provisional
    key(screen, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, screen)
    assert agenda.appointment(visit).placement == before
    key(screen, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, screen)
    assert agenda.appointment(visit).placement == moved.placement


def test_the_lower_edge_makes_a_visit_longer(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int
) -> None:
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    screen = show()
    edge = screen.grid.block_rect(visit)
    start = QPoint(edge.center().x(), edge.bottom() - 1)
    drag(screen, start, start + QPoint(0, screen.grid.geometry_now().y(30)))
    settle(qtbot, screen)
    assert agenda.appointment(visit).ends_at == at(11)


def test_escape_lets_go_of_a_drag(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int
) -> None:
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    screen = show()
    start = centre(screen, visit)
    end = start + QPoint(0, 150)
    drag(screen, start, end, drop=False)
    assert screen.grid.machine.mode is Mode.DRAG_MOVE
    key(screen, Qt.Key.Key_Escape)
    QTest.mouseRelease(screen.grid, LEFT, pos=end)
    settle(qtbot, screen)
    assert agenda.appointment(visit).starts_at == at(10)
    assert world.outbox() == []


def test_a_drop_on_a_taken_time_asks_for_a_reason_to_overbook(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int
) -> None:
    world.appointment(paula, at(10), client_id=world.client("Ana"))
    visit = world.appointment(paula, at(11), client_id=world.client("Luis"))
    screen = show()
    start = centre(screen, visit)
    drag(screen, start, start - QPoint(0, screen.grid.geometry_now().y(60)), drop=False)
    ghost = screen.grid.machine.ghost
    assert ghost is not None
    assert screen.grid.model is not None
    assert screen.grid.model.clashes(ghost.column, ghost.start, ghost.end, visit)
    QTest.mouseRelease(screen.grid, LEFT, pos=start - QPoint(0, screen.grid.geometry_now().y(60)))
    qtbot.waitUntil(lambda: any(one.isVisible() for one in screen.findChildren(Dialog)))
    assert agenda.appointment(visit).starts_at == at(11)
    asked = dialog(screen)
    (box,) = asked.findChildren(QComboBox)
    assert not asked.primary.isEnabled()
    assert asked.cancel.isDefault()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert asked.primary.isDefault()
    QTest.keyClick(box, Qt.Key.Key_Return)
    settle(qtbot, screen)
    moved = agenda.appointment(visit)
    assert (moved.starts_at, moved.overbooking_reason) == (at(10), "Urgencia")


def test_a_drag_that_somebody_overtook_is_refused_and_the_day_is_shown_as_it_is(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int
) -> None:
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    screen = show()
    start = centre(screen, visit)
    end = start + QPoint(0, screen.grid.geometry_now().y(120))
    drag(screen, start, end, drop=False)
    seen = agenda.appointment(visit).placement
    agenda.move(actor(), visit, Placement(at(16), at(16, 30), paula), expected=seen)
    settle(qtbot, screen)
    QTest.mouseRelease(screen.grid, LEFT, pos=end)
    qtbot.waitUntil(lambda: any(one.isVisible() for one in screen.window().findChildren(Dialog)))
    assert "16:00" in dialog(screen).subtitle.text()
    assert shown(screen, visit).starts_at == at(16)


def test_keys_move_a_visit_and_enter_confirms(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int
) -> None:
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    screen = show()
    screen.grid.select(visit)
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    key(screen, Qt.Key.Key_Down, control)
    key(screen, Qt.Key.Key_Down, control)
    key(screen, Qt.Key.Key_Down, shift)
    assert agenda.appointment(visit).starts_at == at(10)
    key(screen, Qt.Key.Key_Return)
    settle(qtbot, screen)
    moved = agenda.appointment(visit)
    assert (moved.starts_at, moved.ends_at) == (at(10, 30), at(11, 15))
    assert screen.grid.selection == visit
    key(screen, Qt.Key.Key_Left, control)
    key(screen, Qt.Key.Key_Escape)
    settle(qtbot, screen)
    assert agenda.appointment(visit).placement == moved.placement


def test_arrows_walk_over_visits_and_free_time(world: World, show: Show, paula: int) -> None:
    first = world.appointment(paula, at(10), client_id=world.client("Ana"))
    beside = world.appointment(
        paula, at(10, 15), client_id=world.client("Luis"), overbooking_reason="Urgencia"
    )
    screen = show()
    screen.grid.select(None, (1, 9 * 60 + 45))
    walk = []
    for arrow in (
        Qt.Key.Key_Down,
        Qt.Key.Key_Right,
        Qt.Key.Key_Down,
        Qt.Key.Key_Up,
        Qt.Key.Key_Left,
        Qt.Key.Key_Up,
    ):
        key(screen, arrow)
        walk.append(screen.grid.selection)
    assert walk == [first, beside, None, beside, first, None]
    assert "libre" in screen.grid.accessibleDescription()
    screen.grid.select(first)
    assert "Ana" in screen.grid.accessibleDescription()


def test_c_checks_in_and_s_goes_on(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int, clock: Clock
) -> None:
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    screen = show()
    screen.grid.select(visit)
    key(screen, Qt.Key.Key_C)
    settle(qtbot, screen)
    assert agenda.appointment(visit).status is Status.ARRIVED
    assert screen.waiting.ids == [visit]
    assert screen.named["step"].text() == "Listo para atender"
    key(screen, Qt.Key.Key_S)
    settle(qtbot, screen)
    assert agenda.appointment(visit).status is Status.READY
    key(screen, Qt.Key.Key_S)
    settle(qtbot, screen)
    assert screen.waiting.ids == []


def test_delete_cancels_with_a_reason(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int
) -> None:
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    screen = show()
    screen.grid.select(visit)
    key(screen, Qt.Key.Key_Delete)
    asked = dialog(screen)
    QTest.keyClick(asked, Qt.Key.Key_Return)
    settle(qtbot, screen)
    cancelled = agenda.appointment(visit)
    assert (cancelled.status, cancelled.absence_reason) == (
        Status.CANCELLED,
        "El cliente pidió cancelar",
    )
    assert screen.grid.model is not None
    assert visit not in screen.grid.model.by_id


def test_a_client_is_booked_by_typing_and_two_enters(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int
) -> None:
    from desktop.services import search

    ana = world.client("Ana Álvarez")
    del search
    screen = show()
    screen.grid.select(None, (1, 15 * 60))
    key(screen, Qt.Key.Key_Return)
    booking = dialog(screen, BookingDialog)
    QTest.keyClicks(booking.client.search, "alvarez")
    QTest.keyClick(booking.client.search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: booking.client.chosen is not None)
    QTest.keyClick(booking.service, Qt.Key.Key_Return)
    settle(qtbot, screen)
    (made,) = agenda.day(MONDAY).appointments
    assert (made.client_id, made.starts_at, made.ends_at) == (ana, at(15), at(15, 30))
    assert made.practitioner_id == paula
    assert screen.grid.selection == made.id


def test_somebody_new_is_entered_without_leaving_the_booking(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int
) -> None:
    screen = show()
    drag(screen, point(screen, 1, 9 * 60), point(screen, 1, 9 * 60 + 40))
    booking = dialog(screen, BookingDialog)
    QTest.keyClicks(booking.client.search, "Zoe Nueva")
    QTest.keyClick(booking.client.search, Qt.Key.Key_Return)
    qtbot.waitUntil(booking.client.fresh.isVisible)
    QTest.keyClicks(booking.client.phone, "123")
    QTest.keyClick(booking.client.phone, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(booking.client.problem.text))
    assert booking.banner.text == ""
    booking.client.phone.setText("961234567")
    QTest.keyClick(booking.client.phone, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: booking.client.chosen is not None)
    QTest.mouseClick(booking.primary, LEFT)
    settle(qtbot, screen)
    (made,) = agenda.day(MONDAY).appointments
    assert (made.client_name, made.starts_at, made.ends_at) == ("Zoe Nueva", at(9), at(9, 45))


def test_a_published_slot_is_taken_from_the_grid(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int
) -> None:
    slot = world.appointment(paula, at(10), 45, status=Status.AVAILABLE)
    world.client("Ana")
    screen = show()
    QTest.mouseDClick(screen.grid, LEFT, pos=centre(screen, slot))
    booking = dialog(screen, BookingDialog)
    assert booking.minutes.value() == 45
    QTest.keyClicks(booking.client.search, "ana")
    QTest.keyClick(booking.client.search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: booking.client.chosen is not None)
    QTest.mouseClick(booking.primary, LEFT)
    settle(qtbot, screen)
    assert (agenda.appointment(slot).client_name, agenda.appointment(slot).status) == (
        "Ana",
        Status.BOOKED,
    )


def test_an_impossible_booking_is_told_in_the_dialog_and_nothing_is_lost(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int
) -> None:
    from PySide6.QtCore import QDate, QTime

    world.client("Ana")
    screen = show()
    screen.grid.select(None, (1, 600))
    screen.new_appointment()
    booking = dialog(screen, BookingDialog)
    QTest.mouseClick(booking.primary, LEFT)
    assert "para quién" in booking.banner.text
    QTest.keyClicks(booking.client.search, "ana")
    QTest.keyClick(booking.client.search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: booking.client.chosen is not None)
    booking.date.setDate(QDate(2026, 9, 6))
    booking.time.setTime(QTime(0, 30))
    QTest.mouseClick(booking.primary, LEFT)
    assert "no existen" in booking.banner.text
    assert booking.isVisible()
    assert agenda.day(MONDAY).appointments == ()


def test_enter_opens_the_visit(qtbot: Any, world: World, show: Show, paula: int) -> None:
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    screen = show()
    screen.grid.select(visit)
    with qtbot.waitSignal(screen._context.navigated) as asked:
        key(screen, Qt.Key.Key_Return)
    assert asked.args == ["visit", {"appointment_id": visit}]


def test_what_another_workstation_changed_appears_by_itself(
    qtbot: Any, world: World, show: Show, paula: int
) -> None:
    screen = show()
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    world.cache.notify(frozenset({"citas_cita"}))
    qtbot.waitUntil(lambda: screen.grid.model is not None and visit in screen.grid.model.by_id)


def test_days_are_turned_by_keys_and_today_is_one_key_away(
    qtbot: Any, world: World, show: Show, paula: int
) -> None:
    tomorrow = MONDAY + dt.timedelta(days=1)
    visit = world.appointment(paula, at(10, day=tomorrow), client_id=world.client("Ana"))
    screen = show()
    key(screen, Qt.Key.Key_PageDown)
    settle(qtbot, screen)
    assert screen.date == tomorrow
    assert screen.toolbar.badge.text() == "Mañana"
    assert screen.grid.model is not None
    assert visit in screen.grid.model.by_id
    key(screen, Qt.Key.Key_T)
    settle(qtbot, screen)
    assert screen.date == MONDAY
    screen.open({"appointment_id": visit})
    qtbot.waitUntil(lambda: screen.grid.selection == visit)


def test_who_may_only_look_can_drag_nothing_and_is_offered_nothing(
    qtbot: Any, world: World, show: Show, paula: int
) -> None:
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    screen = show(actor("agenda.view"))
    start = centre(screen, visit)
    drag(screen, start, start + QPoint(0, 200))
    drag(screen, point(screen, 1, 900), point(screen, 1, 960))
    screen.grid.select(visit)
    for key_ in (Qt.Key.Key_C, Qt.Key.Key_S, Qt.Key.Key_Delete, Qt.Key.Key_N):
        key(screen, key_)
    settle(qtbot, screen)
    assert world.outbox() == []
    assert not [one for one in screen.findChildren(Dialog) if one.isVisible()]
    assert screen.named["open"].isEnabled()


def test_the_first_free_time_is_found_and_offered(
    qtbot: Any, world: World, show: Show, paula: int, clock: Clock
) -> None:
    world.appointment(paula, at(9), 120)
    screen = show()
    screen._filter(frozenset({paula}))
    key(screen, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: any(one.isVisible() for one in screen.findChildren(BookingDialog)))
    booking = dialog(screen, BookingDialog)
    assert booking.time.time().toString("HH:mm") == "11:00"
    booking.reject()


@pytest.mark.parametrize("date", [dt.date(2026, 9, 6), dt.date(2026, 4, 4)])
def test_a_visit_is_dragged_on_a_day_when_the_clock_is_changed(
    qtbot: Any, world: World, agenda: Agenda, show: Show, paula: int, date: dt.date
) -> None:
    visit = world.appointment(paula, at(10, day=date), client_id=world.client("Ana"))
    screen = show()
    screen.go_to(date)
    settle(qtbot, screen)
    start = centre(screen, visit)
    drag(screen, start, start + QPoint(0, screen.grid.geometry_now().y(60)))
    settle(qtbot, screen)
    assert agenda.appointment(visit).starts_at == at(11, day=date)


def test_zoom_is_remembered(qtbot: Any, world: World, show: Show, paula: int) -> None:
    screen = show()
    before = screen.grid.zoom
    key(screen, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert screen.grid.zoom == before + 1
    assert screen._context.settings.get("agenda.zoom") == before + 1


def test_a_clinic_without_practitioners_is_told_what_to_do(
    qtbot: Any, world: World, show: Show
) -> None:
    screen = show()
    assert screen.pages.currentWidget() is screen.empty


def test_the_day_goes_to_paper(
    world: World, agenda: Agenda, paula: int, tmp_path: Any, qtbot: Any
) -> None:
    from pypdf import PdfReader

    from desktop.views.agenda.model import DayModel
    from desktop.views.agenda.printing import day_html, write_pdf

    world.appointment(paula, at(10), client_id=world.client("Ana <Pérez>"))
    path = tmp_path / "day.pdf"
    write_pdf(day_html(DayModel.of(agenda.day(MONDAY), show_cancelled=False), "Los Aromos"), path)
    text = PdfReader(str(path)).pages[0].extract_text().replace("\t", " ")
    assert "Ana <Pérez>" in text
    assert "10:00" in text


def test_repainting_a_full_day_is_quick(
    qtbot: Any, world: World, agenda: Agenda, clock: Clock
) -> None:
    world.busy_day(world.staff(20), world.services(), each=28, now=at(11, 25))
    figures = measure_paint(agenda.day(MONDAY), slot=15, now=at(11, 25))
    assert figures["layer"] <= 16
    assert figures["drag"] <= 16
