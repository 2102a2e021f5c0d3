"""What was done and can be undone, newest last. No widgets in here."""

from __future__ import annotations

from desktop.services.agenda_undo import Undo

LIMIT = 50


class History:
    """Two piles: what can be undone and what can be done again."""

    def __init__(self) -> None:
        self._done: list[Undo] = []
        self._undone: list[Undo] = []

    def did(self, action: Undo) -> None:
        """Something new was done; what was undone before can't be redone any more."""
        self._done = [*self._done, action][-LIMIT:]
        self._undone.clear()

    @property
    def to_undo(self) -> Undo | None:
        """What would be undone next."""
        return self._done[-1] if self._done else None

    @property
    def to_redo(self) -> Undo | None:
        """What would be done again next."""
        return self._undone[-1] if self._undone else None

    def undid(self, action: Undo) -> None:
        """``action`` was undone."""
        if action in self._done:
            self._done.remove(action)
            self._undone.append(action)

    def redid(self, action: Undo) -> None:
        """``action`` was done again."""
        if action in self._undone:
            self._undone.remove(action)
            self._done.append(action)

    def forget(self, action: Undo) -> None:
        """``action`` can't be undone or redone any more."""
        self._done = [other for other in self._done if other is not action]
        self._undone = [other for other in self._undone if other is not action]
