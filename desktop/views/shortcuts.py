"""The sheet of every shortcut, on F1."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QWidget

from desktop.domain.messages import N_, _
from desktop.qt.dialogs import Dialog
from desktop.qt.theme import current_theme
from desktop.qt.widgets import KeyHint, label

Group = tuple[str, tuple[tuple[str, str], ...]]
"""A heading, and (keys, what they do) in the order of use. Keys as ``Ctrl+K``; several by ``/``."""

_SIGNS = {"Up": "↑", "Down": "↓", "Left": "←", "Right": "→", "Return": "Enter"}
_WORDS = {"PgUp": N_("PgUp"), "PgDown": N_("PgDn"), "Del": N_("Del")}


def native(keys: str) -> str:
    """Keys as this computer's keyboard prints them (Qt's own Spanish says Control for Ctrl)."""
    if sys.platform == "darwin":
        return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText) or keys
    return re.sub(r"[A-Z][A-Za-z]+", _printed, keys)


def _printed(name: re.Match[str]) -> str:
    word = _WORDS.get(name[0])
    return _(word) if word else _SIGNS.get(name[0], name[0])


class ShortcutSheet(Dialog):
    """Lists shortcuts by group, in two columns."""

    def __init__(self, parent: QWidget | None, groups: Iterable[Group]) -> None:
        super().__init__(
            parent,
            _("Keyboard shortcuts"),
            _("Everything can be done from the keyboard."),
            action=_("Close"),
            cancel="",
            width=640,
        )
        self.primary.clicked.connect(self.accept)
        space = current_theme().spacing
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setContentsMargins(0, 0, space.s, 0)
        grid.setHorizontalSpacing(space.l)
        grid.setVerticalSpacing(space.s)
        grid.setColumnStretch(1, 1)
        at = 0
        for title, shortcuts in groups:
            heading = label(title, "heading")
            heading.setContentsMargins(0, space.s if at else 0, 0, 0)
            grid.addWidget(heading, at, 0, 1, 2)
            at += 1
            for keys, words in shortcuts:
                hints = QHBoxLayout()
                hints.setSpacing(space.xs)
                for one in keys.split(" / "):
                    hints.addWidget(KeyHint(native(one)))
                hints.addStretch(1)
                grid.addLayout(hints, at, 0)
                grid.addWidget(label(words, wrap=True), at, 1)
                at += 1
        grid.setRowStretch(at, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        scroll.setMinimumHeight(current_theme().px(360))
        self.body.addWidget(scroll, 1)
