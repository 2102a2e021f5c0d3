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
) -> Dialog:
    """Open a dialog for a reason; ``then`` gets it, never empty.

    The first choice is there at once, so that Enter is enough; typing replaces it.
    """
    dialog = Dialog(
        parent, title, text, action=action, kind="danger" if danger else "primary", cancel=back
    )
    box = QComboBox()
    box.setEditable(True)
    box.addItems(list(choices))
    field = Field(_("Reason"), box)
    dialog.body.addWidget(field)

    def accept() -> None:
        reason = box.currentText().strip()
        if not reason:
            field.set_error(_("Say why."))
            return
        dialog.accept()
        then(reason)

    dialog.primary.clicked.connect(accept)
    dialog.open()
    box.setFocus()
    editor = box.lineEdit()
    if editor is not None:
        editor.selectAll()
    return dialog
