"""What the command line prints: for a person, or as JSON; never a secret, never a traceback."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from desktop.domain.errors import AppError, place
from desktop.domain.locale_format import number
from desktop.domain.messages import _, sentence


@dataclasses.dataclass(frozen=True, slots=True)
class Output:
    """Where results go. :ivar as_json: one JSON object on standard output, and nothing else."""

    as_json: bool

    def done(self, text: str, **result: Any) -> int:
        """Say that it is done; exit code 0."""
        if self.as_json:
            self._print({"ok": True} | result)
        else:
            print(text)
        return 0

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Any]], **result: Any) -> int:
        """Print rows under a head, or ``result``; exit code 0."""
        if self.as_json:
            self._print({"ok": True} | result)
            return 0
        lines = [[str(cell) for cell in row] for row in (head, *rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        for line in lines:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
        return 0

    def note(self, text: str) -> None:
        """Say beside a result what a person has to know; who reads JSON finds it in there."""
        if not self.as_json:
            print(text, file=sys.stderr)

    def failed(self, error: BaseException) -> None:
        """Say why it was not done."""
        code = error.code if isinstance(error, AppError) else "unexpected"
        text = sentence(error)
        if code == "unexpected":
            text += " " + _("(Technical detail: {detail}.)").format(detail=place(error))
        self.refused(code, text)

    def refused(self, code: str, text: str, **result: Any) -> None:
        """Say ``text``, why it was not done; ``result`` is for whoever reads JSON."""
        if self.as_json:
            self._print({"ok": False, "error": {"code": code, "message": text}} | result)
        else:
            print(text, file=sys.stderr)

    def progress(self, text: str) -> Callable[[int, int], None]:
        """A line on the terminal that is written over; silent where nobody watches."""
        shown = not self.as_json and sys.stderr.isatty()

        def tell(done: int, total: int) -> None:
            if shown:
                print(f"\r\x1b[K{text} {done}/{total}", end="", file=sys.stderr, flush=True)

        return tell

    def _print(self, result: Mapping[str, Any]) -> None:
        print(json.dumps(result, ensure_ascii=False, default=_plain))


def size(count: int) -> str:
    """How large a file of so many bytes is."""
    if count < 1 << 20:
        return f"{number(max(1, count >> 10))} KB"
    return f"{number(count >> 20)} MB"


def moment(at: dt.datetime | None) -> str:
    """A moment to the minute, in UTC; a dash for none."""
    return "—" if at is None else f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return str(value)
