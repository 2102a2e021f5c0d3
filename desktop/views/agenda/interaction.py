"""What mouse and keyboard mean on the agenda: a state machine without widgets.

It is fed with hits (what lies under the pointer) and steps, in columns and minutes of the day. It
holds the id of an appointment and where a person saw it, never the appointment: when a gesture is
finished it gives a command with both, and the service refuses it where the appointment has moved
meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from desktop.services.agenda_records import Placement


class Mode(Enum):
    """What is going on."""

    IDLE = auto()
    HOVER = auto()
    PRESS = auto()
    DRAG_MOVE = auto()
    DRAG_RESIZE = auto()
    DRAG_CREATE = auto()
    KEYBOARD = auto()


class Part(Enum):
    """What part of the grid is hit."""

    FREE = auto()
    BODY = auto()
    TOP = auto()
    BOTTOM = auto()


@dataclass(frozen=True, slots=True)
class Hit:
    """What lies under the pointer.

    :ivar minute: of the pointer; of a block, ``start`` and ``end`` are its own.
    :ivar may_move: whether this block may be given another time or length by this person.
    """

    part: Part
    column: int
    minute: int
    appointment_id: int | None = None
    expected: Placement | None = None
    start: int = 0
    end: int = 0
    may_move: bool = False


@dataclass(frozen=True, slots=True)
class Ghost:
    """The preview: where something would stand. ``appointment_id`` is ``None`` for a new booking."""

    column: int
    start: int
    end: int
    appointment_id: int | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """Take an appointment, or a free place."""

    appointment_id: int | None
    column: int
    minute: int


@dataclass(frozen=True, slots=True)
class Create:
    """Book here; ``dragged`` where the person drew the length."""

    column: int
    start: int
    end: int
    dragged: bool


@dataclass(frozen=True, slots=True)
class Move:
    """Give an appointment this place, if it still stands where it was seen."""

    appointment_id: int
    expected: Placement
    column: int
    start: int
    end: int


Command = Select | Create | Move


class Interaction:
    """The machine. ``mode`` and ``ghost`` are what the grid paints.

    :param snap: minutes of the grid.
    :param threshold: pixels that the pointer must travel before a press becomes a drag.
    """

    def __init__(self, *, snap: int, threshold: int = 5) -> None:
        self.snap = snap
        self.threshold = threshold
        self.columns = 0
        self.minutes = 1440
        self.may_edit = True
        self.mode = Mode.IDLE
        self.ghost: Ghost | None = None
        self.hovered: Hit | None = None
        self._hit: Hit | None = None

    @property
    def busy(self) -> bool:
        """Whether a gesture is under way that ``cancel`` would end."""
        return self.mode not in {Mode.IDLE, Mode.HOVER}

    @property
    def dragging(self) -> bool:
        """Whether the pointer draws something."""
        return self.mode in {Mode.DRAG_MOVE, Mode.DRAG_RESIZE, Mode.DRAG_CREATE}

    def hover(self, hit: Hit | None) -> None:
        """The pointer moves with no button down; ``None`` when it leaves."""
        if self.mode in {Mode.IDLE, Mode.HOVER}:
            self.hovered = hit
            self.mode = Mode.IDLE if hit is None else Mode.HOVER

    def press(self, hit: Hit) -> Command | None:
        """The left button goes down; what is under it becomes the selection."""
        if self.busy:
            self.cancel()
            return None
        self.mode, self._hit, self.hovered = Mode.PRESS, hit, None
        return Select(hit.appointment_id, hit.column, self._floor(hit.minute))

    def drag(self, column: int, minute: int, travelled: float) -> None:
        """The pointer moves with the button down; ``travelled`` in pixels since the press."""
        hit = self._hit
        if hit is None or self.mode is Mode.KEYBOARD:
            return
        if self.mode is Mode.PRESS:
            if travelled < self.threshold or not self.may_edit:
                return
            if hit.part is Part.FREE:
                self.mode = Mode.DRAG_CREATE
            elif not hit.may_move:
                return
            else:
                self.mode = Mode.DRAG_MOVE if hit.part is Part.BODY else Mode.DRAG_RESIZE
        if self.mode is Mode.DRAG_CREATE:
            first, last = sorted((self._floor(hit.minute), self._floor(minute)))
            self.ghost = Ghost(hit.column, first, min(self.minutes, last + self.snap))
        elif self.mode is Mode.DRAG_MOVE:
            self._move_to(column, self._round(minute - (hit.minute - hit.start)))
        elif self.mode is Mode.DRAG_RESIZE:
            self._resize_to(self._round(minute))

    def release(self) -> Command | None:
        """The button goes up: what the gesture asks for, if anything."""
        hit, mode, ghost = self._hit, self.mode, self.ghost
        if mode is Mode.KEYBOARD:
            return None
        self._reset()
        if mode is Mode.DRAG_CREATE and ghost is not None:
            return Create(ghost.column, ghost.start, ghost.end, dragged=True)
        if mode in {Mode.DRAG_MOVE, Mode.DRAG_RESIZE} and hit is not None and ghost is not None:
            return self._moved(hit, ghost)
        return None

    def cancel(self) -> bool:
        """Give up the gesture; whether there was one."""
        was_busy = self.busy
        self._reset()
        return was_busy

    def step(self, hit: Hit, *, columns: int = 0, steps: int = 0) -> None:
        """A keyboard move of the selected appointment, by columns and grid steps."""
        if self._take(hit):
            ghost = self._previewed
            self._move_to(ghost.column + columns, ghost.start + steps * self.snap)

    def stretch(self, hit: Hit, steps: int) -> None:
        """A keyboard change of the selected appointment's end, by grid steps."""
        if self._take(hit):
            ghost = self._previewed
            end = max(ghost.start + self.snap, ghost.end + steps * self.snap)
            self.ghost = Ghost(
                ghost.column, ghost.start, min(self.minutes, end), ghost.appointment_id
            )

    def confirm(self) -> Command | None:
        """Enter: what the keyboard move asks for, if anything."""
        if self.mode is not Mode.KEYBOARD:
            return None
        hit, ghost = self._hit, self.ghost
        self._reset()
        return self._moved(hit, ghost) if hit is not None and ghost is not None else None

    def _take(self, hit: Hit) -> bool:
        """Begin or go on with a keyboard move; whether there is one now."""
        if self.mode is Mode.KEYBOARD:
            return True
        if self.busy or not (hit.may_move and self.may_edit and hit.appointment_id is not None):
            return False
        self.mode, self._hit = Mode.KEYBOARD, hit
        self.ghost = Ghost(hit.column, hit.start, hit.end, hit.appointment_id)
        return True

    @property
    def _held(self) -> Hit:
        if self._hit is None:
            raise RuntimeError("no gesture is under way")
        return self._hit

    @property
    def _previewed(self) -> Ghost:
        if self.ghost is None:
            raise RuntimeError("nothing is previewed")
        return self.ghost

    def _move_to(self, column: int, start: int) -> None:
        hit = self._held
        length = hit.end - hit.start
        if self.ghost is not None:
            length = self.ghost.end - self.ghost.start
        start = max(0, min(self.minutes - length, start))
        column = max(0, min(self.columns - 1, column))
        self.ghost = Ghost(column, start, start + length, hit.appointment_id)

    def _resize_to(self, minute: int) -> None:
        hit = self._held
        start, end = hit.start, hit.end
        if hit.part is Part.TOP:
            start = max(0, min(minute, end - self.snap))
        else:
            end = min(self.minutes, max(minute, start + self.snap))
        self.ghost = Ghost(hit.column, start, end, hit.appointment_id)

    @staticmethod
    def _moved(hit: Hit, ghost: Ghost) -> Move | None:
        unchanged = (ghost.column, ghost.start, ghost.end) == (hit.column, hit.start, hit.end)
        if unchanged or hit.appointment_id is None or hit.expected is None:
            return None
        return Move(hit.appointment_id, hit.expected, ghost.column, ghost.start, ghost.end)

    def _reset(self) -> None:
        self.mode, self._hit, self.ghost, self.hovered = Mode.IDLE, None, None, None

    def _floor(self, minute: int) -> int:
        return min(minute, self.minutes - self.snap) // self.snap * self.snap

    def _round(self, minute: int) -> int:
        return (minute + self.snap // 2) // self.snap * self.snap
