"""JSON that says one thing only: no name twice, no number without an end, nothing too deep."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from desktop.backup.errors import ArchiveError


def loads(content: bytes, what: str) -> dict[str, Any]:
    """The object in ``content``; ``archive.malformed`` naming ``what`` for anything else."""
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_no_number,
            parse_float=_no_number,
        )
    except (ValueError, RecursionError) as error:
        raise ArchiveError("archive.malformed", what=what) from error
    if not isinstance(value, dict):
        raise ArchiveError("archive.malformed", what=what)
    return value


def dumps(value: object) -> bytes:
    """UTF-8, names in order, no spaces, a line's end: the same value gives the same bytes."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8") + b"\n"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice")
    return made


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"whole numbers alone are used, not {text[:20]}")
