from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import clinic as clinics
from tests.support.clinic import Clinic
from tests.support.embedded import Server
from tests.support.memory_keyring import MemoryKeyring
from tests.web import django_writer
from tests.web.django_writer import Site


@pytest.fixture
def clinic(postgres: Server, tmp_path: Path, memory_keyring: MemoryKeyring) -> Iterator[Clinic]:
    with clinics.clinic(postgres, tmp_path) as made:
        yield made


@pytest.fixture
def site(clinic: Clinic) -> Iterator[Site]:
    """Django with the role of ``tenant grant-web`` and no other right."""
    with django_writer.site(clinic.web_dsn()) as running:
        yield running
