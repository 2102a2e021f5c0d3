"""Uploads that were cut, so that the program's next start goes on with them."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

_MOST = 50


class Unfinished:
    """Names of archives and the server's ids of their uploads, in a small file.

    An id opens nothing without the user's password. A file that is damaged is as good as none: the
    upload begins again.

    :param path: the file; ``None`` remembers nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def recall(self, name: str) -> str | None:
        """The id of an archive's upload."""
        return self._read().get(name)

    def remember(self, name: str, id_: str) -> None:
        """From now on ``name`` is on its way as ``id_``."""
        kept = {key: value for key, value in self._read().items() if key != name}
        self._write(dict([*kept.items(), (name, id_)][-_MOST:]))

    def forget(self, name: str) -> None:
        """The upload is over."""
        known = self._read()
        if known.pop(name, None) is not None:
            self._write(known)

    def _read(self) -> dict[str, str]:
        if self._path is None:
            return {}
        try:
            known = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(known, dict):
            return {}
        return {str(key): value for key, value in known.items() if isinstance(value, str)}

    def _write(self, known: dict[str, str]) -> None:
        if self._path is None:
            return
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):  # what is not remembered is sent again
            beside.write_text(json.dumps(known), "utf-8")
            beside.replace(self._path)
