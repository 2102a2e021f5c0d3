"""The fields of a refused draft: mine beside theirs, to choose from or to correct."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QLabel, QLineEdit, QRadioButton, QWidget

from desktop.domain.messages import _
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Badge, label
from desktop.services.inbox_records import FieldDraft, RecordDraft, Way


class RecordFields(QWidget):
    """One record of a draft, a row a field."""

    def __init__(self, record: RecordDraft, ways: tuple[Way, ...]) -> None:
        super().__init__()
        self._choices: dict[str, QRadioButton] = {}
        self._editors: dict[str, tuple[QLineEdit, str]] = {}
        self._choosing = Way.MERGE in ways and record.kind == "U"
        self._correcting = Way.CORRECT in ways
        self._beside = record.kind == "U" and record.there
        space = current_theme().spacing
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(space.l)
        grid.setVerticalSpacing(space.s)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label(record.title, "heading"), 0, 0, 1, 3)
        at = 1
        if self._beside:
            grid.setColumnStretch(2, 1)
            for column, words in ((1, _("Mine")), (2, _("Now in the shared data"))):
                grid.addWidget(label(words, "label", wrap=True), at, column)
            at += 1
        elif record.kind == "D":
            grid.addWidget(label(_("This record was to be deleted."), wrap=True), at, 0, 1, 3)
        for field in record.fields:
            self._add(grid, at, field)
            at += 1

    def _add(self, grid: QGridLayout, at: int, field: FieldDraft) -> None:
        top = Qt.AlignmentFlag.AlignTop
        name = label(field.label, "strong" if field.disputed else "muted", wrap=True)
        name.setMinimumWidth(current_theme().px(112))
        name.setContentsMargins(0, current_theme().px(4), 0, 0)
        grid.addWidget(name, at, 0, top)
        mine = field.mine or _("(empty)")
        if self._correcting and field.editable:
            editor = QLineEdit(field.mine)
            editor.setAccessibleName(field.label)
            self._editors[field.key] = (editor, field.mine)
            grid.addWidget(editor, at, 1, top)
        elif self._choosing and field.mine != field.theirs:
            group = QButtonGroup(self)
            own, other = QRadioButton(), QRadioButton(field.theirs or _("(empty)"))
            own.setText(mine)
            own.setChecked(True)
            own.setAccessibleName(_("{field}, mine: {value}").format(field=field.label, value=mine))
            other.setAccessibleName(
                _("{field}, theirs: {value}").format(
                    field=field.label, value=field.theirs or _("(empty)")
                )
            )
            group.addButton(own)
            group.addButton(other)
            self._choices[field.key] = own
            grid.addWidget(own, at, 1, top)
            grid.addWidget(other, at, 2, top)
            return
        else:
            grid.addWidget(_words(mine), at, 1, top)
        if self._beside:
            if field.mine == field.theirs:
                grid.addWidget(Badge(_("the same"), "neutral"), at, 2, top)
            else:
                grid.addWidget(_words(field.theirs or _("(empty)")), at, 2, top)

    def mine(self) -> set[str]:
        """The keys of the fields of which mine is chosen; those that can't be chosen are mine."""
        return {key for key, own in self._choices.items() if own.isChecked()}

    def texts(self) -> dict[str, str]:
        """The texts that were changed, by key."""
        return {k: e.text() for k, (e, before) in self._editors.items() if e.text() != before}


def _words(text: str) -> QLabel:
    made = label(text, wrap=True)
    made.setContentsMargins(0, current_theme().px(4), 0, 0)
    return made
