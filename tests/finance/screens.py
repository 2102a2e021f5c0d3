"""A visit page on a real cache, for tests and for pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.domain.actor import Actor
from desktop.qt.context import AppContext
from desktop.qt.jobs import Jobs
from desktop.qt.settings import Settings
from desktop.qt.theme import theme_switch
from desktop.services.agenda import Agenda
from desktop.services.cache import Cache
from desktop.services.finance import Finance
from desktop.views.visit.screen import VisitScreen
from tests.finance.conftest import CLINIC


@dataclass
class Bundle:
    cache: Cache
    clinic: Any
    finance: Finance
    agenda: Any


@dataclass
class Page:
    screen: VisitScreen
    context: AppContext
    wait: Callable[[Callable[[], bool]], None]

    def open(self, appointment_id: int) -> None:
        self.screen.open({"appointment_id": appointment_id})
        self.wait(
            lambda: (
                self.screen.visit is not None
                and self.screen.visit.appointment.id == appointment_id
                and not self.context.jobs.busy
            )
        )

    def idle(self) -> None:
        self.wait(lambda: not self.context.jobs.busy)


@contextmanager
def visit_page(
    cache: Cache,
    finance: Finance,
    actor: Actor,
    folder: Path,
    wait: Callable[[Callable[[], bool]], None],
    *,
    theme: str = "light",
    scale: float = 1.0,
    agenda: Agenda | None = None,
) -> Iterator[Page]:
    theme_switch().apply(theme, scale)
    jobs = Jobs()
    bundle = Bundle(cache, CLINIC, finance, agenda)
    context = AppContext(bundle, jobs, actor, Settings(folder / "settings.json"))
    context.follow(cache.listen)
    screen = VisitScreen(context)
    screen.resize(1240, 780)
    screen.show()
    screen.activateWindow()
    wait(screen.isActiveWindow)
    try:
        yield Page(screen, context, wait)
    finally:
        context.close()
        jobs.shutdown()
        screen.close()
        screen.deleteLater()
        context.deleteLater()
