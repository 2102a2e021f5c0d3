"""What a person waits for on the screen: a repaint of a full agenda, a search among all clients."""

from __future__ import annotations

import random
import secrets
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QPixmap, QRegion

from desktop.qt.theme import theme_switch
from desktop.services.agenda import Agenda
from desktop.services.agenda_records import DayAgenda
from desktop.services.cache import Cache, executor
from desktop.services.clients import Clients
from desktop.services.generate.clinic import person
from desktop.views.agenda.grid import Grid
from desktop.views.agenda.model import DayModel
from sync import store
from tests.agenda.world import MONDAY, World, at, settings
from tests.bench.figures import Figure, percentile
from tests.bench.painting import measure_paint
from tests.support.clinic import Station

FRAME = 16
"""Milliseconds: 60 pictures a second."""

NOW = at(11, 25)
VIEW = (1600, 900)


def agenda(folder: Path, *, practitioners: int = 20, turns: int = 15) -> list[Figure]:
    """A full day painted into a view of 1600 × 900 on its busiest hours; needs a QApplication."""
    theme_switch().apply("light")
    day = _full_day(folder, practitioners)
    figures = measure_paint(day, slot=15, now=NOW, size=VIEW)
    turned = _turned(day, turns)
    return [
        Figure("agenda: appointments of the day", len(day.appointments), "rows"),
        Figure("agenda: repaint (pointer, selection, now-line)", figures["layer"], "ms", FRAME),
        Figure("agenda: repaint while dragging", figures["drag"], "ms", FRAME),
        Figure("agenda: repaint after one visit changed", figures["changed"], "ms", FRAME),
        Figure("agenda: full repaint, no layer kept", figures["full"], "ms", FRAME),
        Figure("agenda: full repaint, names never seen", turned, "ms", FRAME),
        Figure("agenda: placing every block of a new day", figures["layout"], "ms"),
        Figure("agenda: the whole day at once, 24 hours", figures["whole"], "ms"),
    ]


def _full_day(folder: Path, practitioners: int) -> DayAgenda:
    cache = Cache.open(folder / "agenda.db", secrets.token_bytes(32), clock=lambda: NOW)
    try:
        with cache.writing_local() as session:
            store.set_device(executor(session), 1)
        world = World(cache)
        world.busy_day(world.staff(practitioners), world.services(), each=28, now=NOW)
        return next(_with_names(Agenda(cache, settings()).day(MONDAY)))
    finally:
        cache.close()


def _with_names(day: DayAgenda) -> Iterator[DayAgenda]:
    """The day again and again, each time with other clients, hardly one of them twice."""
    rng = random.Random(3)
    while True:
        yield replace(
            day,
            appointments=tuple(
                replace(item, client_name=person(rng)) if item.client_name else item
                for item in day.appointments
            ),
        )


def _turned(day: DayAgenda, turns: int) -> float:
    """Milliseconds (median) of the first painting of days of which nothing was painted before."""
    days = _with_names(day)
    next(days)
    grid = Grid(slot=15, now=lambda: NOW, may_edit=True)
    grid.set_viewport(QSize(*VIEW))
    view = QPixmap(*VIEW)
    seconds = []
    for _ in range(turns + 1):
        grid.show_day(DayModel.of(next(days), show_cancelled=True))
        grid.set_zoom(grid.zoom)
        top = grid.geometry_now().y(9 * 60)
        started = time.perf_counter()
        grid.render(view, QPoint(), QRegion(QRect(QPoint(0, top), view.size())))
        seconds.append(time.perf_counter() - started)
    grid.deleteLater()
    return statistics.median(seconds[1:]) * 1000


def _typed(rng: random.Random, known: list[tuple[str, str, str]], people: int) -> list[str]:
    """What is in the box after each key, while people are looked for in many ways."""
    whole: list[str] = []
    for name, rut, phone in rng.sample(known, people):
        words = name.split()
        digits = rut.replace("-", "")
        whole += [
            name,
            words[-1].lower(),
            f"{words[-1][:4]} {words[0][:4]}",
            _plain(words[0]).upper(),
            rut or phone,
            digits[2:8] or phone[4:9],
            phone.removeprefix("+"),
            phone[-6:],
            f"{words[0]} xq",
            f"zzyx{words[-1]}",
        ]
    return [text[: length + 1] for text in whole for length in range(len(text))]


def _plain(word: str) -> str:
    return word.translate(str.maketrans("áéíóúñÁÉÍÓÚÑ", "aeiounAEIOUN"))


def search(station: Station, *, people: int = 12) -> list[Figure]:
    """Letter by letter: names with and without accents, RUTs and phones in part, and misses.

    Timed is the service's answer as the screen asks for it: the first page and the count of all.
    """
    clients = Clients(station.cache, station.clinic)
    with station.cache.reading() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT nombre_completo, coalesce(rut, ''), telefono FROM pacientes_cliente ORDER BY id"
        )
        known = [(row[0], row[1], row[2]) for row in rows]
        visits = session.connection().exec_driver_sql("SELECT count(*) FROM citas_cita").scalar()
    texts = _typed(random.Random(7), known, people)
    clients.results("a")
    seconds, worst = [], ("", 0.0)
    missed = 0
    for text in texts:
        started = time.perf_counter()
        found = clients.results(text)
        taken = time.perf_counter() - started
        seconds.append(taken)
        missed += not found.total
        worst = max(worst, (text, taken), key=lambda pair: pair[1])
    if not missed or missed == len(texts):
        raise AssertionError("the searches should find some and miss some")
    return [
        Figure("search: clients", len(known), "rows"),
        Figure("search: visits of theirs", float(visits or 0), "rows"),
        Figure("search: keys pressed", len(texts), "keys"),
        Figure("search: answer to a key, p50", percentile(seconds, 0.5) * 1000, "ms"),
        Figure("search: answer to a key, p99", percentile(seconds, 0.99) * 1000, "ms", 50),
        Figure("search: answer to a key, slowest", worst[1] * 1000, "ms"),
    ]
