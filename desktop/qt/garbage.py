"""Cyclic garbage is collected in the main thread only.

Python collects cycles in whatever thread happens to allocate. A cycle may hold a widget, and Qt
forbids destroying a widget outside the main thread: it hangs or crashes, rarely and far from the
cause. Therefore automatic collection is off while workers may run, and a timer of the main thread
does it in their stead, by Python's own thresholds.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

INTERVAL_MS = 500


class MainThreadCollector(QObject):
    """Collects from its making to :meth:`stop`; several may live side by side."""

    _living = 0

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()
        self._stopped = False
        MainThreadCollector._living += 1
        gc.disable()

    @Slot()
    def collect(self) -> None:
        """Collect the oldest generation whose threshold is reached, and the younger ones."""
        counts, thresholds = gc.get_count(), gc.get_threshold()
        for generation in (2, 1, 0):
            if counts[generation] > thresholds[generation]:
                gc.collect(generation)
                return

    def stop(self) -> None:
        """Leave it to Python again, once the last collector has stopped. May be called twice."""
        if self._stopped:
            return
        self._stopped = True
        self._timer.stop()
        MainThreadCollector._living -= 1
        if not MainThreadCollector._living:
            gc.enable()
