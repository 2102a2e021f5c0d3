"""Nothing is reversed without a reason."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit, QWidget

from desktop.domain.messages import _
from desktop.qt.dialogs import Dialog
from desktop.qt.jobs import Jobs
from desktop.qt.widgets import Field
from desktop.services.finance_entries import REASON_LENGTH


def ask_reason(
    parent: QWidget,
    jobs: Jobs,
    title: str,
    text: str,
    act: Callable[[str], object],
    *,
    done: Callable[[], None],
) -> Dialog:
    """Ask why, and reverse in the background.

    :param act: reverses, given the reason; what it raises is said in the dialog, which stays open.
    :param done: called after it is reversed and the dialog closed.
    """
    dialog = Dialog(parent, title, text, action=_("Reverse"), kind="danger")
    reason = QLineEdit()
    reason.setObjectName("reason")
    reason.setMaxLength(REASON_LENGTH)
    dialog.body.addWidget(Field(_("Reason"), reason))

    def reversed_(_result: object) -> None:
        dialog.accept()
        done()

    def reverse() -> None:
        dialog.set_busy(True)
        dialog.clear_error()
        words = reason.text()
        jobs.write(dialog, lambda _progress: act(words), done=reversed_, failed=dialog.show_error)

    dialog.primary.clicked.connect(reverse)
    dialog.open()
    reason.setFocus()
    return dialog
