"""The menu of an appointment, or of a free place."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from desktop.domain import statuses
from desktop.domain.messages import _
from desktop.domain.statuses import Status
from desktop.services.agenda_records import DayAppointment
from desktop.views.agenda import commands


def build(
    parent: QWidget,
    named: dict[str, QAction],
    item: DayAppointment | None,
    set_status: Callable[[Status], None] | None,
    cancel: Callable[[], None],
) -> QMenu:
    """What can be done with ``item`` (``None``: with a free place); it deletes itself when closed.

    :param set_status: ``None`` where the person may not change the agenda.
    :param cancel: asks for the reason first.
    """
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    if item is None:
        menu.addActions([named["new"], named["first_free"], named["find"]])
    else:
        menu.addActions(commands.offered(named, item))
        further = menu.addMenu(_("Change the status to"))
        for status in Status:
            current = item.status
            if current is not None and statuses.may_follow(current, status):
                _add_status(further, status, set_status, cancel)
        further.setEnabled(
            bool(further.actions())
            and set_status is not None
            and item.status is not Status.AVAILABLE
        )
    menu.addSeparator()
    menu.addActions([named["undo"], named["redo"]])
    return menu


def _add_status(
    menu: QMenu,
    status: Status,
    set_status: Callable[[Status], None] | None,
    cancel: Callable[[], None],
) -> None:
    action = menu.addAction(statuses.label(status))
    if status is Status.CANCELLED:
        action.triggered.connect(cancel)
    elif set_status is not None:
        action.triggered.connect(lambda: set_status(status))
