"""Asks for a reason: the usual ones to pick, and a line to write another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QComboBox, QWidget

from desktop.domain.messages import _
from desktop.qt.dialogs import Dialog
from desktop.qt.widgets import Field


def ask_reason(
    parent: QWidget,
    *,
    title: str,
    text: str,
    choices: Sequence[str],
    action: str,
    back: str,
    then: Callable[[str], None],
    danger: bool = False,
    prefilled: bool = True,
) -> Dialog:
    """Open a dialog for a reason; ``then`` gets it, never empty.

    :param prefilled: the first choice is there at once, so that Enter is enough, and typing
        replaces it. Otherwise the line is empty: a person chooses or writes a reason, and until
        then Enter is the way back.
    """
    dialog = Dialog(
        parent, title, text, action=action, kind="danger" if danger else "primary", cancel=back
    )
    box = QComboBox()
    box.setEditable(True)
    box.addItems(list(choices))
    box.setCompleter(None)  # type: ignore[arg-type]  # "E" is no reason, and no "Emergency" either
    editor = box.lineEdit()
    if editor is not None:
        editor.setPlaceholderText(_("Choose one (↓) or write it"))
    field = Field(_("Reason"), box)
    dialog.body.addWidget(field)

    def accept() -> None:
        reason = box.currentText().strip()
        if not reason:
            field.set_error(_("Say why."))
            return
        dialog.accept()
        then(reason)

    def weigh(text: str) -> None:
        given = bool(text.strip())
        dialog.primary.setEnabled(given)
        (dialog.primary if given else dialog.cancel).setDefault(True)

    if not prefilled:
        box.setCurrentIndex(-1)
        box.currentTextChanged.connect(weigh)
        weigh("")
    dialog.primary.clicked.connect(accept)
    dialog.open()
    box.setFocus()
    if editor is not None:
        editor.selectAll()
    return dialog
