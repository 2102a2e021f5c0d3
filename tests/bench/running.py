"""How a bench runs: on what ground, and its measurements one after the other."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring

from tests.bench.figures import Figure, heading, show
from tests.support import embedded
from tests.support.embedded import Server
from tests.support.memory_keyring import MemoryKeyring


def measured(bench: object, names: Iterable[str]) -> list[Figure]:
    """The figures of the bench's methods of these names, shown one by one as they come."""
    figures: list[Figure] = []
    for name in names:
        work: Callable[[], list[Figure]] = getattr(bench, name)
        started = time.monotonic()
        found = work()
        heading(name, time.monotonic() - started)
        show(found)
        figures.extend(found)
    return figures


@contextmanager
def ground() -> Iterator[tuple[Server, Path]]:
    """A server that writes to disk when it commits, a folder, and no keyring but one in memory."""
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    try:
        with (
            tempfile.TemporaryDirectory(prefix="consultorio-bench-") as folder,
            embedded.temporary(durable=True) as server,
        ):
            yield server, Path(folder)
    finally:
        keyring.set_keyring(before)
