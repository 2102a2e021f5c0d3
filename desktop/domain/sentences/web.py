"""What goes wrong when the demo books as the public site does."""

from __future__ import annotations

from desktop.domain.messages import N_

SENTENCES = {
    "web.no_slot": N_("There is no such slot any more. Nothing was booked. Choose another one."),
    "web.taken": N_(
        "Somebody was faster: this time is taken. Nothing was booked. Choose another one."
    ),
}
