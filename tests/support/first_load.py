"""A first load that waits where the day has come, for who wants to look at it."""

from __future__ import annotations

import threading
from typing import Any

from desktop.services.first_day import FirstDay
from desktop.views.join import JoinWizard

PATIENCE = 120.0


def hold_after_day(wizard: JoinWizard, looked: threading.Event) -> None:
    """Let the wizard's load go no further than today's agenda until ``looked``."""
    join = wizard._join

    def joined(file: Any, passphrase: Any, progress: Any, day: Any) -> object:
        def came(first: FirstDay) -> None:
            day(first)
            looked.wait(PATIENCE)

        return join(file, passphrase, progress, came)

    wizard._join = joined
