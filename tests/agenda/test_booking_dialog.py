"""The booking's dialog fits a small screen, and its hits float over the fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from desktop.qt.theme import theme_switch
from desktop.views.agenda import AgendaScreen
from desktop.views.agenda.booking import BookingDialog
from tests.agenda.world import World, actor

LEFT = Qt.MouseButton.LeftButton
OF_A_LAPTOP = 690
"""What a screen of 1366 × 768 leaves under a window's title and over the desktop's bar."""
Open = Callable[..., BookingDialog]


@pytest.fixture
def book(
    qtbot: Any,
    world: World,
    open_context: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Open:
    """The dialog of a new appointment in a clinic where everybody is called González."""

    def make(scale: float = 1.0, available: int = OF_A_LAPTOP) -> BookingDialog:
        monkeypatch.setattr(BookingDialog, "available_height", lambda _self: available)
        world.staff(2)
        for number in range(9):
            world.client(f"Ana González {number}", allergies="Penicilina" if number == 1 else None)
        context = open_context(actor())
        theme_switch().apply("light", scale)
        screen = AgendaScreen(context)
        qtbot.addWidget(screen)
        screen.resize(1200, 700)
        screen.show()
        qtbot.waitUntil(lambda: screen.grid.model is not None)
        screen.grid.select(None, (1, 900))
        screen.new_appointment()
        (made,) = [one for one in screen.findChildren(BookingDialog) if one.isVisible()]
        return made

    return make


def look_for(qtbot: Any, booking: BookingDialog, text: str = "gonz") -> None:
    QTest.keyClicks(booking.client.search, text)
    qtbot.waitUntil(booking.client.hits.isVisible)


def place(dialog: BookingDialog, widget: QWidget) -> QRect:
    return QRect(widget.mapTo(dialog, QPoint(0, 0)), widget.size())


def settle() -> None:
    for _turn in range(5):
        QApplication.sendPostedEvents()
        QApplication.processEvents()


@pytest.mark.parametrize("scale", [1.0, 1.25])
def test_the_hits_float_over_the_fields_and_the_dialog_keeps_its_height(
    qtbot: Any, book: Open, scale: float
) -> None:
    booking = book(scale)
    before = booking.size()
    look_for(qtbot, booking)
    settle()
    assert booking.size() == before
    hits, search = place(booking, booking.client.hits), place(booking, booking.client.search)
    assert (hits.left(), hits.width()) == (search.left(), search.width())
    assert search.bottom() < hits.top() < search.bottom() + 12
    assert hits.bottom() < place(booking, booking.primary).top()
    over = booking.childAt(place(booking, booking.service).center())
    assert over is booking.client.hits.viewport()
    last = booking.client.hits.item(booking.client.hits.count() - 1)
    assert "gonz" in last.text()
    shown = booking.client.hits.visualItemRect(last)
    assert booking.client.hits.viewport().rect().contains(shown)


def test_hits_without_room_scroll_inside_the_dialog(qtbot: Any, book: Open) -> None:
    booking = book(available=300)
    look_for(qtbot, booking)
    settle()
    assert booking.height() == 300
    hits = booking.client.hits
    assert place(booking, hits).bottom() < booking.height()
    assert hits.verticalScrollBar().maximum() > 0
    for _step in range(hits.count()):
        QTest.keyClick(booking.client.search, Qt.Key.Key_Down)
    assert hits.currentRow() == hits.count() - 1
    assert hits.viewport().rect().intersects(hits.visualItemRect(hits.currentItem()))


def test_escape_closes_the_hits_and_then_the_dialog(qtbot: Any, book: Open) -> None:
    booking = book()
    look_for(qtbot, booking)
    QTest.keyClick(booking.client.search, Qt.Key.Key_Escape)
    assert not booking.client.hits.isVisible()
    assert booking.isVisible()
    assert booking.client.search.text() == "gonz"
    QTest.keyClick(booking.client.search, Qt.Key.Key_Down)
    qtbot.waitUntil(booking.client.hits.isVisible)
    QTest.keyClick(booking.client.search, Qt.Key.Key_Escape)
    with qtbot.waitSignal(booking.rejected):
        QTest.keyClick(booking.client.search, Qt.Key.Key_Escape)


def test_arrows_and_enter_take_a_hit(qtbot: Any, book: Open) -> None:
    booking = book()
    look_for(qtbot, booking)
    hits = booking.client.hits
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up):
        QTest.keyClick(booking.client.search, key)
    assert hits.currentRow() == 1
    name = hits.currentItem().text().splitlines()[0]
    QTest.keyClick(booking.client.search, Qt.Key.Key_Return)
    assert booking.client.chosen is not None
    assert booking.client.chosen.name == name
    assert not hits.isVisible()
    assert booking.focusWidget() is booking.service


def test_a_hit_is_taken_with_the_mouse(qtbot: Any, book: Open) -> None:
    booking = book()
    look_for(qtbot, booking)
    hits = booking.client.hits
    item = hits.item(2)
    QTest.mouseClick(hits.viewport(), LEFT, pos=hits.visualItemRect(item).center())
    assert booking.client.chosen is not None
    assert booking.client.chosen.name == item.text().splitlines()[0]
    assert not hits.isVisible()


def test_the_hits_go_when_another_field_is_entered_and_come_back_with_a_click(
    qtbot: Any, book: Open
) -> None:
    booking = book()
    look_for(qtbot, booking)
    QTest.keyClick(booking.client.search, Qt.Key.Key_Tab)
    assert not booking.client.hits.isVisible()
    assert booking.focusWidget() is not booking.client.search
    QTest.mouseClick(booking.client.search, LEFT)
    qtbot.waitUntil(booking.client.hits.isVisible)


def test_hits_that_come_late_do_not_cover_the_field_that_is_filled_in(
    qtbot: Any, book: Open
) -> None:
    booking = book()
    QTest.keyClicks(booking.client.search, "gonz")
    booking.reason.setFocus()
    qtbot.waitUntil(lambda: booking.client.hits.count() > 0)
    assert not booking.client.hits.isVisible()


def test_the_hits_follow_the_dialog_and_the_text(qtbot: Any, book: Open) -> None:
    booking = book()
    look_for(qtbot, booking)
    hits, search = booking.client.hits, booking.client.search
    booking.resize(booking.width() + 80, booking.height())
    settle()
    assert place(booking, hits).width() == search.width()
    high = hits.height()
    theme_switch().apply("dark", 1.25)
    settle()
    assert hits.isVisible()
    assert hits.height() > high
    assert place(booking, hits).top() > place(booking, search).bottom()
    assert place(booking, hits).bottom() < booking.height()
    assert hits.currentRow() == 0
    booking.banner.show_text("Algo pasó.")
    settle()
    below = place(booking, hits).top() - place(booking, search).bottom()
    assert 0 < below < 12


def test_somebody_new_is_entered_in_two_columns_under_a_laptops_height(
    qtbot: Any, book: Open
) -> None:
    booking = book(available=2000)
    booking.client._open_form("Zoe Nueva")
    settle()
    client = booking.client
    name, phone, email, rut = (
        place(booking, one) for one in (client.full_name, client.phone, client.email, client.rut)
    )
    assert name.top() == phone.top() < email.top() == rut.top()
    assert name.left() == email.left() < phone.left() == rut.left()
    assert abs(name.width() - phone.width()) <= 1
    QTest.keyClicks(client.phone, "123")
    QTest.keyClick(client.phone, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(client.problem.text))
    settle()
    assert booking.height() == booking.natural_height() < OF_A_LAPTOP
    before = booking.height()
    client.clear()
    settle()
    assert booking.height() < before


def test_on_a_low_screen_the_whole_form_can_be_reached_and_booked(qtbot: Any, book: Open) -> None:
    booking = book(1.25, available=480)
    booking.client._open_form("Zoe Nueva")
    booking.overbooking_field.show()
    settle()
    assert booking.height() == 480
    assert booking.rect().contains(place(booking, booking.primary))
    port = place(booking, booking.area.viewport())
    for editor in (booking.overbooking, booking.client.full_name, booking.reason):
        editor.setFocus()
        settle()
        assert port.contains(place(booking, editor))
