"""The fields of a client, for editing one that exists and for entering a new one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from desktop.domain.messages import _
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Field, button
from desktop.services.clients_records import FIELDS, ClientFields, Practitioner

TEXT_LINES = 3
PHONE_LENGTH, RUT_LENGTH, DATE_LENGTH = 32, 16, 10


class FieldRow(Field):
    """A field with, under its error, the ways out of it."""

    def __init__(self, name: str, editor: QWidget, *, hint: str = "") -> None:
        super().__init__(name, editor, hint=hint)
        self._ways = QWidget()
        ways = QHBoxLayout(self._ways)
        ways.setContentsMargins(0, 0, 0, 0)
        self.keep_mine = button(_("Keep mine"), "link")
        self.take_theirs = button(_("Take theirs"), "link")
        self.open_other = button(_("Open that client"), "link")
        for way in (self.keep_mine, self.take_theirs, self.open_other):
            ways.addWidget(way)
        ways.addStretch(1)
        own = self.layout()
        if own is not None:
            own.addWidget(self._ways)
        self.offer()

    def offer(self, *, conflict: bool = False, other: bool = False) -> None:
        """Show the ways out of a change by somebody else, or the way to another client."""
        self.keep_mine.setVisible(conflict)
        self.take_theirs.setVisible(conflict)
        self.open_other.setVisible(other)
        self._ways.setVisible(conflict or other)


class ClientForm(QWidget):
    """Every field of a client as a person writes it.

    :ivar edited: a field's name, with every key.
    :ivar left: a field's name, when the person goes on to another one or presses Enter.
    """

    edited = Signal(str)
    left = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._quiet = False
        self.lines = {
            "full_name": _line(150),
            "rut": _line(RUT_LENGTH, "12.345.678-5"),
            "birth_date": _line(DATE_LENGTH, _("dd-mm-yyyy")),
            "phone": _line(PHONE_LENGTH, "9 8765 4321"),
            "email": _line(254, _("name@example.com")),
        }
        self.texts = {"allergies": _text(), "notes": _text()}
        self.practitioner = QComboBox()
        self.practitioner.addItem(_("Nobody in particular"), None)
        names = {
            "full_name": _("Full &name"),
            "rut": _("&RUT"),
            "birth_date": _("Birth &date"),
            "phone": _("&Phone"),
            "email": _("&Email"),
            "practitioner_id": _("Prac&titioner"),
            "allergies": _("Aller&gies and alerts"),
            "notes": _("N&otes"),
        }
        self.rows = {field: FieldRow(names[field], self.editor(field)) for field in FIELDS}
        self._lay_out()
        self._listen()

    def _lay_out(self) -> None:
        space = current_theme().spacing
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(space.l)
        grid.setVerticalSpacing(space.m)
        for column in (0, 1):
            grid.setColumnStretch(column, 1)
        places = [
            *(("full_name", 0, 0), ("practitioner_id", 0, 1)),
            *(("rut", 1, 0), ("birth_date", 1, 1), ("phone", 2, 0), ("email", 2, 1)),
            *(("allergies", 3, 0), ("notes", 3, 1)),
        ]
        for field, line, side in places:
            grid.addWidget(self.rows[field], line, side, Qt.AlignmentFlag.AlignTop)
        order = [
            *("full_name", "rut", "birth_date", "phone", "email"),
            *("allergies", "notes", "practitioner_id"),
        ]
        for one, following in pairwise(order):
            QWidget.setTabOrder(self.editor(one), self.editor(following))

    def _listen(self) -> None:
        for field, line in self.lines.items():
            line.textEdited.connect(lambda _text, name=field: self._tell(name))
            line.returnPressed.connect(lambda name=field: self.left.emit(name))
            line.installEventFilter(self)
        for field, text in self.texts.items():
            text.textChanged.connect(lambda name=field: self._tell(name))
            text.installEventFilter(self)
        self.practitioner.activated.connect(lambda _index: self._chosen())

    def _tell(self, field: str) -> None:
        if not self._quiet:
            self.edited.emit(field)

    def _chosen(self) -> None:
        self._tell("practitioner_id")
        self.left.emit("practitioner_id")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A field that loses the cursor is left."""
        if event.type() == QEvent.Type.FocusOut:
            for field in (*self.lines, *self.texts):
                if self.editor(field) is watched:
                    self.left.emit(field)
        return False

    def editor(self, field: str) -> QWidget:
        """The widget that a field is written in."""
        if field == "practitioner_id":
            return self.practitioner
        return self.lines.get(field) or self.texts[field]

    def value(self, field: str) -> str | int | None:
        """What a field holds as typed."""
        if field in self.lines:
            return self.lines[field].text()
        if field in self.texts:
            return self.texts[field].toPlainText()
        chosen: int | None = self.practitioner.currentData()
        return chosen

    def fields(self) -> ClientFields:
        """Everything as typed."""
        return ClientFields(**{field: self.value(field) for field in FIELDS})  # type: ignore[arg-type]

    def set_value(self, field: str, value: str | int | None) -> None:
        """Put a value into a field; nothing is told of it. The cursor stays where it can."""
        if value == self.value(field):
            return
        self._quiet = True
        if field in self.lines:
            line = self.lines[field]
            at = line.cursorPosition()
            line.setText(str(value or ""))
            line.setCursorPosition(min(at, len(line.text())) if line.hasFocus() else 0)
        elif field in self.texts:
            self.texts[field].setPlainText(str(value or ""))
        else:
            index = self.practitioner.findData(value)
            self.practitioner.setCurrentIndex(max(index, 0))
        self._quiet = False

    def set_practitioners(
        self, practitioners: Iterable[Practitioner], also: Practitioner | None = None
    ) -> None:
        """Whom a client may be assigned to; ``also`` is somebody who left but is assigned still."""
        chosen = self.practitioner.currentData()
        self.practitioner.clear()
        self.practitioner.addItem(_("Nobody in particular"), None)
        known = set()
        for one in practitioners:
            self.practitioner.addItem(one.full_name, one.id)
            known.add(one.id)
        if also is not None and also.id not in known:
            self.practitioner.addItem(also.full_name, also.id)
        self.practitioner.setCurrentIndex(max(self.practitioner.findData(chosen), 0))

    def set_error(self, field: str, text: str) -> None:
        """Say under a field what is wrong with it; an empty text says nothing is."""
        self.rows[field].set_error(text)
        self.rows[field].offer()

    def set_read_only(self, read_only: bool) -> None:
        """Whether the fields can be written in."""
        for line in self.lines.values():
            line.setReadOnly(read_only)
        for text in self.texts.values():
            text.setReadOnly(read_only)
        self.practitioner.setEnabled(not read_only)


def _line(length: int, example: str = "") -> QLineEdit:
    line = QLineEdit()
    line.setMaxLength(length)
    line.setPlaceholderText(example)
    return line


def _text() -> QPlainTextEdit:
    text = QPlainTextEdit()
    text.setTabChangesFocus(True)
    text.setFixedHeight(text.fontMetrics().lineSpacing() * TEXT_LINES + current_theme().px(24))
    return text
