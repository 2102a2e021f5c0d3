"""The agenda's actions: each with its words and its key, for menus, buttons and the keyboard."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from desktop.domain import statuses
from desktop.domain.messages import N_, _
from desktop.domain.statuses import Status
from desktop.services.agenda_records import DayAppointment

COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "today": (N_("Today"), ("T",)),
    "previous": (N_("Previous day"), ("PgUp",)),
    "next": (N_("Next day"), ("PgDown",)),
    "previous_week": (N_("Previous week"), ("Shift+PgUp",)),
    "next_week": (N_("Next week"), ("Shift+PgDown",)),
    "pick_day": (N_("Choose a day"), ("G",)),
    "first_free": (N_("First free time"), ("F",)),
    "find": (N_("Find on this day"), ("Ctrl+F", "/")),
    "new": (N_("New appointment"), ("N",)),
    "print": (N_("Save the day as PDF"), ("Ctrl+P",)),
    "undo": (N_("Undo"), ("Ctrl+Z",)),
    "redo": (N_("Redo"), ("Ctrl+Shift+Z", "Ctrl+Y")),
    "zoom_in": (N_("Larger"), ("Ctrl++", "Ctrl+=")),
    "zoom_out": (N_("Smaller"), ("Ctrl+-",)),
    "check_in": (N_("Check in"), ("C",)),
    "step": (N_("Next step"), ("S",)),
    "open": (N_("Open the visit"), ("O",)),
    "take": (N_("Book this slot"), ()),
    "edit": (N_("Change…"), ("E",)),
    "no_show": (N_("Did not come"), ("X",)),
    "cancel": (N_("Cancel appointment…"), ("Del",)),
    "reinstate": (N_("Book again"), ()),
}

_STEPS = {
    Status.CONFIRMED: N_("Confirm"),
    Status.ARRIVED: N_("Check in"),
    Status.READY: N_("Ready to be seen"),
    Status.IN_PROGRESS: N_("Call in"),
    Status.FINISHED: N_("Finish the visit"),
    Status.COMPLETED: N_("Complete the visit"),
}

EDITING = frozenset(
    {"new", "undo", "redo", "check_in", "step", "take", "edit", "no_show", "cancel", "reinstate"}
)
"""What a person needs the permission to change the agenda for."""


def make_actions(
    screen: QWidget, handlers: dict[str, Callable[[], None]], *, may_edit: bool
) -> dict[str, QAction]:
    """The actions of ``screen``, bound to their keys while it has the focus."""
    made: dict[str, QAction] = {}
    for name, (text, keys) in COMMANDS.items():
        action = QAction(_(text), screen)
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _checked=False, run=handlers[name]: run())
        action.setEnabled(may_edit or name not in EDITING)
        screen.addAction(action)
        made[name] = action
    return made


def fit_actions(
    actions: dict[str, QAction], item: DayAppointment | None, *, may_edit: bool
) -> None:
    """Switch on what can be done with ``item``, and name the next step by what it does."""
    status = item.status if item is not None else None
    step = statuses.usual_next(status) if status is not None else None
    may = {
        "check_in": status is not None and status in {Status.BOOKED, Status.CONFIRMED},
        "step": step is not None,
        "open": status is not None and status is not Status.AVAILABLE,
        "take": status is Status.AVAILABLE,
        "edit": status in statuses.ACTIVE,
        "no_show": status is not None and statuses.may_follow(status, Status.NO_SHOW),
        "cancel": status is not None and statuses.may_follow(status, Status.CANCELLED),
        "reinstate": status in statuses.CALLED_OFF,
    }
    for name, possible in may.items():
        actions[name].setEnabled(possible and (may_edit or name not in EDITING))
    actions["step"].setText(_(_STEPS[step]) if step is not None else _("Next step"))


def offered(actions: dict[str, QAction], item: DayAppointment) -> list[QAction]:
    """The actions for an appointment's menu and card, the most likely first."""
    waiting = item.status in {Status.BOOKED, Status.CONFIRMED}
    order = ["take"]
    order += ["check_in", "step"] if waiting else ["step"]
    order += ["open", "edit", "reinstate", "no_show", "cancel"]
    names = [name for name in order if actions[name].isEnabled()]
    if item.status is Status.CONFIRMED and "step" in names:
        names.remove("step")
    return [actions[name] for name in names]


def shortcuts() -> list[tuple[str, str]]:
    """Every key of the agenda and what it does, for the sheet of shortcuts."""
    grid = [
        ("Up / Down / Left / Right", _("Walk through the day")),
        ("Return", _("Open the visit, or book")),
        ("Ctrl+Up / Ctrl+Down", _("Move: then Enter")),
        ("Shift+Up / Shift+Down", _("Longer or shorter: then Enter")),
    ]
    return grid + [(" / ".join(keys), _(text)) for text, keys in COMMANDS.values() if keys]
