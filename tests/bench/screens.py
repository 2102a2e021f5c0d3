"""What a person waits for on the screen: a repaint of a full agenda, a search among all clients."""

from __future__ import annotations

import random
import time

from desktop.services.clients import Clients
from tests.bench.figures import Figure, percentile
from tests.support.clinic import Station


def search(station: Station, searches: int = 300) -> list[Figure]:
    """Words, beginnings, numbers: what is typed at a desk, letter by letter."""
    clients = Clients(station.cache, station.clinic)
    rng = random.Random(7)
    with station.cache.reading() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT nombre_completo, coalesce(rut, ''), telefono FROM pacientes_cliente"
        )
        known = [tuple(row) for row in rows]
    texts = []
    for name, rut, phone in rng.sample(known, 60):
        words = name.split()
        texts += [
            words[0][:2],
            words[-1][:4],
            f"{words[-1][:3]} {words[0][:3]}",
            rut[:6],
            phone[-6:],
        ]
    texts = [text for text in texts if text][:searches]
    clients.search("a")
    seconds = []
    for text in texts:
        started = time.perf_counter()
        clients.search(text)
        seconds.append(time.perf_counter() - started)
    return [
        Figure("search, clients", len(known), "rows"),
        Figure("search, median", percentile(seconds, 0.5) * 1000, "ms"),
        Figure("search, p99", percentile(seconds, 0.99) * 1000, "ms", 50),
    ]
