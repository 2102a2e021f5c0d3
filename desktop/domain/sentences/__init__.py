"""The sentence of every error code, by area.

A module here defines ``SENTENCES``: code → English sentence marked for translation. It says what
happened, what was kept and what to do next.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache


@cache
def all_sentences() -> dict[str, str]:
    """Every code's English sentence; ``ValueError`` where two areas claim one code."""
    merged: dict[str, str] = {}
    for module in pkgutil.iter_modules(__path__):
        area: dict[str, str] = importlib.import_module(f"{__name__}.{module.name}").SENTENCES
        twice = merged.keys() & area.keys()
        if twice:
            raise ValueError(f"defined twice: {sorted(twice)}")
        merged |= area
    return merged
