from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.domain.actor import Actor
from desktop.services.agenda import Agenda
from desktop.services.cache import Cache
from desktop.services.clients import Clients
from desktop.services.clinic import ClinicSettings
from tests.agenda import world as made
from tests.agenda.world import World


@pytest.fixture
def world(cache: Cache) -> World:
    return World(cache)


@pytest.fixture
def clinic() -> ClinicSettings:
    return made.settings()


@pytest.fixture
def agenda(cache: Cache, clinic: ClinicSettings) -> Agenda:
    return Agenda(cache, clinic)


@pytest.fixture
def rosa() -> Actor:
    return made.actor()


@pytest.fixture
def open_context(
    qtbot: Any, cache: Cache, clinic: ClinicSettings, tmp_path: Path
) -> Iterator[Callable[..., Any]]:
    """Makes an :class:`AppContext` over the cache: ``open_context(actor)``."""
    from desktop.qt.context import AppContext
    from desktop.qt.jobs import Jobs
    from desktop.qt.settings import Settings
    from desktop.qt.theme import theme_switch

    theme_switch().apply("light")
    jobs = Jobs()
    opened: list[AppContext] = []

    def make(actor: Actor) -> AppContext:
        services = types.SimpleNamespace(
            cache=cache,
            clinic=clinic,
            agenda=Agenda(cache, clinic),
            clients=Clients(cache, clinic),
        )
        context = AppContext(services, jobs, actor, Settings(tmp_path / "settings.json"))
        context.follow(cache.listen)
        opened.append(context)
        return context

    yield make
    jobs.shutdown()
    for context in opened:
        context.close()
