"""Who is at the keyboard."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.domain.errors import RuleError


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who signed in.

    :ivar staff_id: the row in the staff table, ``None`` for an account without one.
    :ivar permissions: actions allowed, as named in :mod:`desktop.domain.permissions`.
    """

    staff_id: int | None
    name: str
    username: str
    role: str
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        """Whether this person may do the action."""
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise ``RuleError('permission.denied')`` unless the action is allowed."""
        if not self.may(permission):
            raise RuleError("permission.denied", permission=permission)
