from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import clinic as clinics
from tests.support.clinic import Clinic
from tests.support.embedded import Server
from tests.support.memory_keyring import MemoryKeyring


@pytest.fixture
def clinic(postgres: Server, tmp_path: Path, memory_keyring: MemoryKeyring) -> Iterator[Clinic]:
    """A clinic of two practitioners on a real server; stations join it as workstations do."""
    with clinics.clinic(postgres, tmp_path) as made:
        yield made
