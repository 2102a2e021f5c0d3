"""The rail's numbers leave the icons legible."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from desktop.qt.theme import theme_switch
from desktop.views.rail import Rail, RailButton


@pytest.fixture
def button(dressed: QApplication, qtbot: QtBot) -> RailButton:
    rail = Rail()
    qtbot.addWidget(rail)
    rail.add_screen("inbox", "Bandeja", "inbox", "Ctrl+4")
    rail.show()
    return rail.button("inbox")


def badge(button: RailButton) -> QRect:
    (label,) = button.findChildren(QLabel)
    return label.geometry()


def ink(image: QImage, word: int) -> set[tuple[int, int]]:
    """The pixels of the icon: what is not background above the word."""
    ground = image.pixelColor(12, image.height() // 3)
    return {
        (x, y)
        for x in range(image.width() // 4, image.width() * 3 // 4)
        for y in range(6, word)
        if image.pixelColor(x, y) != ground
    }


@pytest.mark.parametrize("scale", [0.9, 1.0, 1.25, 1.5])
@pytest.mark.parametrize(("count", "hidden"), [(3, 0.12), (27, 0.12), (400, 0.25)])
def test_a_number_stands_beside_the_icon(
    button: RailButton, scale: float, count: int, hidden: float
) -> None:
    theme_switch().apply("light", scale)
    word = button.icon_rect().bottom() + 1
    bare = button.grab().toImage()
    drawn = ink(bare, word)
    assert len(drawn) > 60
    box = button.icon_rect()
    assert all(box.contains(x, y) for x, y in drawn)
    button.set_count(count)
    covered = sum(badge(button).contains(x, y) for x, y in drawn)
    assert covered <= hidden * len(drawn)
    assert button.rect().contains(badge(button))
    (label,) = button.findChildren(QLabel)
    assert label.width() >= label.fontMetrics().horizontalAdvance(label.text()) + 8


def test_the_number_keeps_its_place_when_the_text_grows(button: RailButton) -> None:
    button.set_count(27)
    theme_switch().apply("light", 1.5)
    assert button.size().height() > QSize(84, 64).height()
    assert abs(badge(button).left() - button.icon_rect().right()) <= 8
    assert button.rect().contains(badge(button))
