"""One backup: where it is kept, how it stands, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.domain.locale_format import number
from desktop.domain.messages import _, ngettext
from desktop.qt.flow import flow
from desktop.qt.room import Room
from desktop.qt.theme import current_theme, theme_switch
from desktop.qt.widgets import Banner, Card, ElidedLabel, button, label
from desktop.services.backups_records import CREATE, DELETE, EXPORT, RESTORE, ArchiveItem
from desktop.views.backups import words
from desktop.views.backups.words import State

RESTORE_KEYS, DOWNLOAD_KEYS, VERIFY_KEYS, DRILL_KEYS, DELETE_KEYS = (
    "Ctrl+R",
    "Ctrl+D",
    "Ctrl+Shift+V",
    "Ctrl+T",
    "Ctrl+Del",
)


class StateLine(QWidget):
    """An icon and its words."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state
        beside = QHBoxLayout(self)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(current_theme().spacing.s)
        self._icon = QLabel()
        self.said = label(state.words, wrap=True)
        beside.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        beside.addWidget(self.said, 1)
        theme_switch().themeChanged.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        drawn = current_theme().icon(self._state.icon, self._state.tone)
        self._icon.setPixmap(drawn.pixmap(QSize(18, 18)))


class ArchiveCard(Card):
    """Built anew for each archive that is chosen.

    :ivar wanted: ``restore``, ``download``, ``verify``, ``drill`` or ``delete``.
    """

    wanted = Signal(str)

    def __init__(self, item: ArchiveItem, zone: ZoneInfo, may: Callable[[str], bool]) -> None:
        super().__init__(margin=current_theme().spacing.m)
        self.item = item
        space = current_theme().spacing
        name = ElidedLabel(item.name or words.when(item.taken_at, zone), "heading")
        self.body.setSpacing(space.s)
        self.body.addWidget(name)
        for text, tone in self._sentences(item, zone):
            self.body.addWidget(Banner(text, tone))
        held = QWidget()
        facts = QGridLayout(held)
        facts.setContentsMargins(0, 0, 0, 0)
        facts.setHorizontalSpacing(space.xl)
        facts.setVerticalSpacing(space.xs)
        for at, (title, states) in enumerate(self._facts(item, zone)):
            facts.addWidget(label(title, "label"), 0, at)
            lines = QVBoxLayout()
            lines.setSpacing(space.xs)
            for state in states:
                lines.addWidget(StateLine(state))
            lines.addStretch(1)
            facts.addLayout(lines, 1, at)
            facts.setColumnStretch(at, 1)
        self.body.addWidget(Room(held), 1)
        self.buttons = self._make_buttons(item, may)
        self.body.addLayout(flow(*self.buttons.values()))

    def set_busy(self, busy: bool) -> None:
        """While another long work is under way nothing else is begun."""
        for key, made in self.buttons.items():
            made.setEnabled(self._possible[key] and not (busy and key != "download"))

    def _make_buttons(
        self, item: ArchiveItem, may: Callable[[str], bool]
    ) -> dict[str, QPushButton]:
        there = any(kept.reachable for kept in item.kept) and item.state != "deleted"
        offered = (
            ("restore", _("Restore…"), "restore", RESTORE_KEYS, may(RESTORE), item.restorable),
            ("drill", _("Try it out…"), "shield", DRILL_KEYS, may(RESTORE), item.restorable),
            ("verify", _("Verify"), "check", VERIFY_KEYS, may(CREATE), there),
            ("download", _("Download…"), "download", DOWNLOAD_KEYS, may(EXPORT), there),
            ("delete", _("Delete…"), "trash", DELETE_KEYS, may(DELETE), there),
        )
        made: dict[str, QPushButton] = {}
        self._possible = {key: possible for key, *_rest, possible in offered}
        for key, text, icon, keys, allowed, possible in offered:
            if allowed:
                one = button(text, "quiet" if key == "delete" else "", icon=icon)
                one.setToolTip(f"{text.rstrip('…')} ({keys})")
                one.setEnabled(possible)
                one.clicked.connect(lambda _on=False, key=key: self.wanted.emit(key))
                made[key] = one
        return made

    @staticmethod
    def _sentences(item: ArchiveItem, zone: ZoneInfo) -> list[tuple[str, str]]:
        said = []
        if item.error:
            said.append(
                (item.error, "danger" if item.state in {"failed", "damaged"} else "warning")
            )
        if item.drill_ok is False:
            said.append(
                (
                    _("It could not be restored on trial. Take another backup, and try that one."),
                    "danger",
                )
            )
        if item.scope != "clinic":
            said.append(
                (
                    _(
                        "Taken from a workstation that doesn't hold everything of the clinic: it can "
                        "bring back what that workstation had."
                    ),
                    "warning",
                )
            )
        if not item.chain and item.kind == "incremental" and item.state != "deleted":
            said.append(
                (
                    _("It needs an earlier backup that is gone: alone it can't be restored."),
                    "warning",
                )
            )
        if item.undone_at is not None:
            said.append(
                (
                    _("The restore that it was taken for was undone {when}.").format(
                        when=words.when(item.undone_at, zone)
                    ),
                    "info",
                )
            )
        if item.pinned_until is not None:
            said.append(
                (
                    _("Kept whatever the retention says, until {when}.").format(
                        when=words.when(item.pinned_until, zone)
                    ),
                    "info",
                )
            )
        return said

    @staticmethod
    def _facts(item: ArchiveItem, zone: ZoneInfo) -> list[tuple[str, list[State]]]:
        kept = []
        for one in item.kept:
            if not one.reachable:
                said = _("{place}: not within reach of this workstation").format(place=one.label)
                kept.append(State(said, "offline", "text_muted"))
                continue
            if one.verified_at is not None:
                said = _("{place}: read back {when}").format(
                    place=one.label, when=words.when(one.verified_at, zone)
                )
                kept.append(State(said, "success", "success"))
            elif one.altered_at is None:
                said = _("{place}: not read back").format(place=one.label)
                kept.append(State(said, "warning", "warning"))
            if one.altered_at is not None:
                said = _("{place}: other bytes when read back {when}").format(
                    place=one.label, when=words.when(one.altered_at, zone)
                )
                tone = ("danger", "danger") if one.verified_at is None else ("info", "text_muted")
                kept.append(State(said, *tone))
        rows = ngettext("{n} record", "{n} records", item.rows).format(n=number(item.rows))
        plain = "text"
        drilled = [words.drilled(item, zone)]
        if item.drill_ok is False:
            drilled.append(State(words.when(item.drilled_at, zone), "clock", plain))
        return [
            (
                _("Taken"),
                [
                    State(words.when(item.taken_at, zone), "clock", plain),
                    State(
                        " · ".join(part for part in (item.who, item.device_label) if part) or "—",
                        "person",
                        plain,
                    ),
                ],
            ),
            (
                _("Content"),
                [
                    State(words.source(item), "backup", plain),
                    State(f"{rows} · {words.size(item.size)}", "file", plain),
                ],
            ),
            (_("Kept in"), kept or [State(_("Nowhere"), "danger", "danger")]),
            (_("Tried by restoring"), drilled),
        ]
