"""What goes wrong when a synthetic clinic is asked for."""

from __future__ import annotations

from desktop.domain.messages import N_

SENTENCES = {
    "generate.size": N_("There is no clinic of size {size}. Choose one of: {sizes}."),
    "generate.tenant": N_("There is no clinic called {tenant}. Create it first."),
    "generate.not_empty": N_(
        "The clinic {tenant} already holds data and was left as it is. "
        "Create another one for the example data."
    ),
    "generate.devices": N_(
        "The clinic {tenant} already has workstations and was left as it is. "
        "Fill a new clinic with example data before enrolling any."
    ),
}
