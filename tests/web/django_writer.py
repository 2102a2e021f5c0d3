"""Django itself as the other writer: a process of its own that knows the contract and no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class SiteError(Exception):
    """The database refused what Django asked for.

    :ivar kind: Django's exception; :ivar sqlstate, constraint: what PostgreSQL said.
    """

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer["message"])
        self.kind: str = answer["error"]
        self.sqlstate: str | None = answer["sqlstate"]
        self.constraint: str | None = answer["constraint"]


class Site:
    """The functions of ``django_site/actions.py``, called in its process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **named: self._ask({"do": name, "args": args, "named": named})

    def _ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"the site ended with {self._process.wait(10)}: see its output")
        answer = json.loads(line)
        if "error" in answer:
            raise SiteError(answer)
        return answer["value"]


@contextmanager
def site(dsn: str) -> Iterator[Site]:
    """A running site that connects with ``dsn``: the web role, the tenant as search path."""
    environment = {
        **os.environ,
        "SITE_DSN": dsn,
        "DJANGO_SETTINGS_MODULE": "tests.web.django_site.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.web.django_site"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    ) as process:
        try:
            yield Site(process)
        finally:
            process.stdin.close()
            process.wait(10)
    assert process.returncode == 0
