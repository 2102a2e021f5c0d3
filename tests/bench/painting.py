"""How long the agenda takes to paint: for the bench, on the day that it is given."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QPixmap, QRegion

from desktop.services.agenda_records import DayAgenda
from desktop.views.agenda.grid import Grid
from desktop.views.agenda.interaction import Ghost
from desktop.views.agenda.model import DayModel


def measure_paint(
    agenda: DayAgenda, *, slot: int, now: dt.datetime, size: tuple[int, int] = (1600, 900)
) -> dict[str, float]:
    """Milliseconds, medians over a viewport of ``size`` on the busiest hours; needs a QApplication.

    ``layout``: placing every block. ``full``: painting with no layer (a new day, zoom or theme).
    ``changed``: one appointment changed: layout, and the tiles under it.
    ``layer``: painting again over the layer (hover, selection, now-line). ``drag``: the same with
    a preview that moves. ``whole``: painting the whole day at once, every appointment of it.
    """
    figures = {"layout": _median(lambda: DayModel.of(agenda, show_cancelled=True))}
    grid = Grid(slot=slot, now=lambda: now, may_edit=True)
    grid.set_viewport(QSize(*size))
    grid.show_day(DayModel.of(agenda, show_cancelled=True))
    geometry = grid.geometry_now()
    top = geometry.y(9 * 60)
    view = QPixmap(*size)

    def paint() -> None:
        grid.render(view, QPoint(), QRegion(QRect(QPoint(0, top), view.size())))

    def afresh() -> None:
        grid.set_zoom(grid.zoom)
        paint()

    def changed() -> None:
        item = next(one for one in agenda.appointments if one.starts_at >= now)
        others = tuple(
            replace(one, notes=str(time.perf_counter())) if one is item else one
            for one in agenda.appointments
        )
        grid.show_day(DayModel.of(replace(agenda, appointments=others), show_cancelled=True))
        paint()

    figures["full"] = _median(afresh)
    paint()
    figures["changed"] = _median(changed)
    paint()
    figures["layer"] = _median(paint)
    first = next(iter(grid.model.place_of)) if grid.model is not None else None
    if first is not None:
        grid.select(first)
        step = iter(range(10_000))

        def drag() -> None:
            grid.machine.ghost = Ghost(0, 540 + next(step) % 40, 600 + next(step) % 40, first)
            paint()

        figures["drag"] = _median(drag)
    view = QPixmap(geometry.size)
    top = 0
    figures["whole"] = _median(afresh, times=5)
    grid.deleteLater()
    return figures


def _median(work: Callable[[], object], times: int = 15) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)
