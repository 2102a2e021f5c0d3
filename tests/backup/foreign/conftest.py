from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backup.foreign.making import OtherProgram
from tests.support.embedded import Server


@pytest.fixture(scope="session")
def other(postgres: Server) -> Iterator[OtherProgram]:
    """The other program with the clinic ``clinica_demo``, made once and only read."""
    with postgres.database() as dsn:
        made = OtherProgram(postgres, dsn)
        made.clinic("clinica_demo")
        yield made
