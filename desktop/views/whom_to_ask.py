"""What is said to somebody who may see a choice and not make it."""

from __future__ import annotations

from desktop.domain.messages import _


def only_administrators(names: tuple[str, ...]) -> str:
    """Why something can't be chosen, and whom to ask."""
    if not names:
        return _("Only an administrator can decide this.")
    return _("Only an administrator can decide this. Ask: {names}.").format(names=", ".join(names))
