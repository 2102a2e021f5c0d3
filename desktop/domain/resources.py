"""Where files that are no Python live: in a checkout, a wheel or a frozen bundle."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def _root() -> Path:
    frozen = getattr(sys, "_MEIPASS", None)
    candidates = [Path(frozen)] if frozen else [_PACKAGE / "_bundled", _PACKAGE.parent]
    for candidate in candidates:
        if (candidate / "resources").is_dir():
            return candidate
    raise FileNotFoundError("the program's resources are missing")


def resource_path(*parts: str) -> Path:
    """A file or folder under ``resources/``."""
    return _root().joinpath("resources", *parts)


def migrations_path() -> Path:
    """The folder that holds the migrations' ``env.py`` and ``versions/``."""
    return _root() / "alembic"
