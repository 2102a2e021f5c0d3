"""A dressed application and a job runner."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from desktop.qt.i18n import use_language
from desktop.qt.jobs import Jobs
from desktop.qt.theme import theme_switch


@pytest.fixture
def dressed(qapp: QApplication) -> Iterator[QApplication]:
    use_language("es")
    theme_switch().apply("light")
    yield qapp
    use_language("es")
    theme_switch().apply("light")


@pytest.fixture
def jobs(dressed: QApplication) -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.shutdown()
