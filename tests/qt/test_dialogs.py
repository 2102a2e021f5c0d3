"""A dialog is as high as what it says, and never higher than the screen."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from desktop.domain.errors import RuleError
from desktop.qt.dialogs import Dialog, report_failure
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import Field, label
from tests.support.strictness import Collector


class OnScreen(Dialog):
    """A dialog on a screen of a known height."""

    high = 700

    def available_height(self) -> int:
        return self.high


def fields(dialog: Dialog, count: int) -> list[Field]:
    made = [Field(f"Campo {n}", QLineEdit()) for n in range(count)]
    for field in made:
        dialog.body.addWidget(field)
    return made


def shown(qtbot: QtBot, dialog: Dialog) -> Any:
    """Opened, with nothing left to lay out."""
    qtbot.addWidget(dialog)
    dialog.open()
    settle()
    return dialog


def settle() -> None:
    for _turn in range(5):
        QApplication.sendPostedEvents()
        QApplication.processEvents()


def place(dialog: Dialog, widget: Any) -> QRect:
    """Where a widget is in its dialog."""
    return QRect(widget.mapTo(dialog, QPoint(0, 0)), widget.size())


def in_sight(dialog: Dialog, widget: Any) -> bool:
    """Whether a part of the body is inside the part of it that is shown."""
    port = dialog.area.viewport()
    return place(dialog, port).contains(place(dialog, widget))


@pytest.mark.parametrize("scale", [1.0, 1.25, 1.5])
def test_what_has_room_is_shown_whole_without_a_scroll_bar(
    dressed: QApplication, qtbot: QtBot, scale: float
) -> None:
    theme_switch().apply("light", scale)
    dialog = OnScreen(None, "Título", "Una frase que dice de qué se trata.", action="Guardar")
    dialog.high = 2000
    made = fields(dialog, 5)
    dialog.body.addWidget(label("Una nota larga que no cabe en una línea. " * 6, wrap=True))
    shown(qtbot, dialog)
    assert not dialog.area.verticalScrollBar().isVisible()
    assert all(in_sight(dialog, field) for field in made)
    assert dialog.height() == dialog.natural_height()
    assert dialog.width() >= current_theme().px(460)


def test_what_is_higher_than_the_screen_scrolls_with_its_buttons_in_sight(
    dressed: QApplication, qtbot: QtBot
) -> None:
    dialog = OnScreen(None, "Título", "Una frase.", action="Guardar")
    made = fields(dialog, 20)
    shown(qtbot, dialog)
    assert dialog.natural_height() > 700
    assert dialog.height() == 700
    assert dialog.area.verticalScrollBar().isVisible()
    for widget in (dialog.primary, dialog.cancel):
        assert dialog.rect().contains(place(dialog, widget))
    dialog.show_error(RuleError("account.wrong"))
    settle()
    assert dialog.height() == 700
    assert dialog.rect().contains(place(dialog, dialog.banner))
    assert place(dialog, dialog.banner).bottom() < place(dialog, dialog.area).top()
    assert not in_sight(dialog, made[-1])
    made[-1].editor.setFocus()
    settle()
    assert in_sight(dialog, made[-1].editor)


def test_it_grows_and_shrinks_with_its_content(dressed: QApplication, qtbot: QtBot) -> None:
    dialog = OnScreen(None, "Título", action="Guardar")
    *_rest, last = fields(dialog, 4)
    last.hide()
    shown(qtbot, dialog)
    before = dialog.height()
    last.show()
    settle()
    assert dialog.height() == dialog.natural_height() > before
    assert not dialog.area.verticalScrollBar().isVisible()
    last.hide()
    settle()
    assert dialog.height() == before
    dialog.show_error(RuleError("account.wrong"))
    settle()
    assert dialog.height() > before
    dialog.clear_error()
    settle()
    assert dialog.height() == before


def test_a_person_who_made_it_higher_keeps_what_they_chose(
    dressed: QApplication, qtbot: QtBot
) -> None:
    dialog = OnScreen(None, "Título", action="Guardar")
    *_rest, last = fields(dialog, 4)
    last.hide()
    shown(qtbot, dialog)
    dialog.resize(dialog.width() + 60, 600)
    settle()
    chosen = dialog.size()
    last.show()
    settle()
    last.hide()
    settle()
    assert dialog.size() == chosen


def test_having_grown_it_stays_on_the_screen(dressed: QApplication, qtbot: QtBot) -> None:
    dialog = OnScreen(None, "Título", action="Guardar")
    *_rest, last = fields(dialog, 6)
    last.hide()
    shown(qtbot, dialog)
    screen = dialog.screen().availableGeometry()
    dialog.move(dialog.x(), screen.bottom() - dialog.height() + 1)
    last.show()
    settle()
    assert dialog.frameGeometry().bottom() <= screen.bottom()


def test_a_larger_text_makes_it_larger(dressed: QApplication, qtbot: QtBot) -> None:
    dialog = OnScreen(None, "Título", action="Guardar")
    fields(dialog, 4)
    dialog.body.addWidget(QLabel("Pie"))
    shown(qtbot, dialog)
    before = dialog.size()
    theme_switch().apply("light", 1.5)
    settle()
    assert dialog.width() == current_theme().px(460) > before.width()
    assert dialog.height() == dialog.natural_height() > before.height()
    assert not dialog.area.verticalScrollBar().isVisible()


def test_by_itself_it_asks_the_screen(dressed: QApplication, qtbot: QtBot) -> None:
    dialog = Dialog(None, "Título", action="Guardar")
    fields(dialog, 40)
    shown(qtbot, dialog)
    screen = dialog.screen().availableGeometry()
    assert dialog.frameGeometry().height() <= screen.height()
    assert dialog.natural_height() > screen.height()


def test_a_failure_that_nobody_foresaw_is_logged_without_its_words(
    qtbot: QtBot, strict: Collector
) -> None:
    """Catches a log that holds what was typed about a patient."""
    strict.expect("desktop.qt.dialogs", "unexpected failure: ValueError, test_dialogs.py:")
    window = QWidget()
    qtbot.addWidget(window)
    try:
        try:
            raise KeyError("12345678-5")
        except KeyError as cause:
            raise ValueError("Juan Pérez") from cause
    except ValueError as error:
        report_failure(window, error)
    written = "".join(logging.Formatter().format(record) for record in strict.records)
    assert "unexpected failure" in written
    assert "Juan" not in written
    assert "12345678-5" not in written
    words = " ".join(each.text() for each in window.findChildren(QLabel))
    assert words
    assert "Juan" not in words
