"""What this workstation remembers of how a person likes the program. No clinic data, no secrets."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

FILE_NAME = "settings.json"


class Settings:
    """Small values in a JSON file, written whole at every change; without a path, in memory.

    A file that can't be read is set aside and the defaults are used: a preference never keeps
    the program from starting.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._values: dict[str, Any] = {}
        if path is not None and path.exists():
            try:
                loaded = json.loads(path.read_text("utf-8"))
                self._values = loaded if isinstance(loaded, dict) else {}
            except (OSError, ValueError):
                log.info("settings can't be read; the defaults are used")

    def get(self, key: str, default: Any = None) -> Any:
        """The value of ``key``, or ``default`` where there is none or one of another type."""
        value = self._values.get(key, default)
        if default is not None and not isinstance(value, type(default)):
            return default
        return value

    def set(self, key: str, value: Any) -> None:
        """Remember ``value`` (anything JSON can say) under ``key``."""
        if self._values.get(key) == value and key in self._values:
            return
        self._values[key] = value
        if self._path is None:
            return
        beside = self._path.with_suffix(".tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(self._values, indent=2, sort_keys=True), "utf-8")
            beside.replace(self._path)
        except OSError as error:
            log.info("settings can't be written: %s", error.strerror)
