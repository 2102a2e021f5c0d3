"""Buttons go to further lines rather than lose letters."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop.qt.flow import flow
from desktop.qt.widgets import button


def test_what_has_no_room_goes_to_the_next_line(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    made = [button(f"Una salida bastante larga {number}") for number in range(3)]
    lines = flow(*made)
    outer = QVBoxLayout(page)
    outer.addLayout(lines)
    outer.addStretch(1)
    page.show()
    wide = lines.sizeHint().width() + 60
    page.resize(wide, 300)
    qtbot.waitUntil(lambda: len({one.y() for one in made}) == 1)
    page.resize(wide - made[0].width(), 300)
    qtbot.waitUntil(lambda: len({one.y() for one in made}) == 2)
    assert made[2].x() == made[0].x()
    page.resize(lines.minimumSize().width() + 40, 300)
    qtbot.waitUntil(lambda: len({one.y() for one in made}) == 3)
    assert all(one.width() >= one.sizeHint().width() for one in made)
    assert lines.heightForWidth(10) > lines.heightForWidth(wide)


def test_one_may_be_taken_out(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    lines = flow(button("Una"), button("Otra"))
    page.setLayout(lines)
    assert lines.count() == 2
    taken = lines.takeAt(0)
    assert taken is not None
    assert lines.count() == 1
    assert lines.itemAt(1) is None
    assert lines.takeAt(5) is None
