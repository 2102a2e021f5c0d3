"""The first sync of the large clinic: how fast, how big, how soon of use, and what a cut costs."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import psycopg
from sqlcipher3 import dbapi2 as sqlcipher

from desktop.domain.errors import EnvironmentTrouble
from desktop.services import clinic as clinic_settings
from desktop.services import devices, enrolment, joining
from desktop.services import workstation as stations
from desktop.services.agenda import Agenda
from desktop.services.cache import Cache, connect
from desktop.services.enrolment import Address
from desktop.services.workstation import Description
from sync import store
from tests.bench import first_sync
from tests.bench.figures import Figure
from tests.bench.sync.wire import Wire, laid
from tests.support.clinic import Clinic

ROOT = Path(__file__).parents[3]
CUT_AT = 0.99
PATIENCE = 120.0
LOOK_EVERY = 0.01

T = TypeVar("T")


def admitted(clinic: Clinic, label: str, address: Address | None = None) -> Path:
    """The enrolment file of a new workstation; ``address``: where it finds the server."""
    with psycopg.connect(clinic.dsn, autocommit=True) as connection:
        enrolled = devices.enroll(connection, clinic.schema, profile="reception", label=label)
    if address is not None:
        enrolled = replace(enrolled, server=address)
    file = clinic.folder / f"{label}.inscripcion"
    enrolment.write(enrolled, file)
    return file


def _joined(clinic: Clinic, label: str) -> tuple[float, float]:
    """Seconds and megabytes of a first sync in a process of its own."""
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.bench.sync.joiner",
            admitted(clinic, label),
            clinic.folder / label,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    said = json.loads(answer.stdout)
    return said["seconds"], said["megabytes"]


def measure(clinic: Clinic, rounds: int) -> list[Figure]:
    """Against the floor of :mod:`tests.bench.first_sync`, by turns; each once per round."""
    floors, ours, ratios, sizes, rows = [], [], [], [], 0
    for number in range(rounds):
        path = clinic.folder / f"floor-{number}.db"
        bare, rows = first_sync.floor(clinic, path)
        path.unlink()
        seconds, megabytes = _joined(clinic, f"joined-{number}")
        floors.append(bare)
        ours.append(seconds)
        ratios.append(bare / seconds)
        sizes.append(megabytes)
    median = statistics.median
    return [
        Figure("first sync, rows", rows, "rows"),
        Figure("first sync, floor (COPY + bulk insert)", median(floors), "s"),
        Figure("first sync, ready to work", median(ours), "s"),
        Figure("first sync: floor / ours", median(ratios), "ratio", 0.8, at_least=True),
        Figure("first sync: memory of the process, peak", max(sizes), "MB", 300),
    ]


# Of use, and cut ----------------------------------------------------------------------------------


class _Joining:
    """One workstation that joins through a wire, in a thread, however often it is cut."""

    def __init__(self, clinic: Clinic, wire: Wire, label: str) -> None:
        dbname = psycopg.conninfo.conninfo_to_dict(clinic.dsn)["dbname"]
        self.file = admitted(clinic, label, Address("127.0.0.1", wire.port, str(dbname)))
        self.folder = clinic.folder / label
        self.staging = self.folder.with_name(f"{label}.joining")
        self._wire = wire
        self._loaded: dict[str, int] = {}
        self._cut_at = 0

    def cut_at(self, rows: int) -> None:
        self._cut_at = rows

    def run(self) -> None:
        joining.join(self.file, self.folder, watch=joining.Watch(self._progress))

    def _progress(self, table: str, rows: int, _total: int) -> None:
        self._loaded[table] = rows
        if self._cut_at and sum(self._loaded.values()) >= self._cut_at:
            self._cut_at = 0
            self._wire.cut_soon()

    def growing(self) -> Cache | None:
        """The unfinished cache, opened as the agenda would; ``None`` until there is one."""
        path = self.staging / "cache.db"
        try:
            kept = stations.load_secrets(self.staging, Description.load(self.staging), None)
            if not path.exists():
                return None
            with contextlib.closing(connect(path, kept.cache_key, read_only=True)) as connection:
                if store.get_state(store.executor(connection), "bootstrap_load") is None:
                    return None
        except (EnvironmentTrouble, OSError, sqlcipher.Error):
            return None  # begun a moment ago: half of it is not there yet
        return Cache(path, kept.cache_key)


def _until(look: Callable[[], T | None], loading: Future[None]) -> T:
    """What ``look`` finds, once it finds anything."""
    deadline = time.monotonic() + PATIENCE
    nothing = threading.Event()
    while True:
        ended = loading.done()
        if found := look():
            return found
        if ended:
            loading.result()
            raise AssertionError("the first sync ended before the day could be seen")
        if time.monotonic() > deadline:
            raise AssertionError("the day's agenda never came")
        nothing.wait(LOOK_EVERY)


def _today(clinic: Clinic) -> tuple[dt.date, int]:
    """The clinic's date, and how many appointments its agenda then shows."""
    zone = clinic_settings.DEFAULTS["zona_horaria"]
    return clinic.query(
        "SELECT (now() AT TIME ZONE coalesce((SELECT valor FROM configuracion_ajuste"
        " WHERE clave = 'zona_horaria'), %s))::date, (SELECT count(*) FROM citas_cita c,"
        " clinic_today() t WHERE c.fecha_hora > t.begins - interval '12 hours'"
        " AND c.fecha_hora < t.ends AND coalesce(c.fin > t.begins, c.fecha_hora >= t.begins))",
        zone,
    )[0]


def used_and_cut(clinic: Clinic) -> list[Figure]:
    """How soon the agenda's service reads the whole day out of the growing file; and the file is
    cut off its server in the middle of the chunk after 99 % of the rows, and joins on.
    """
    date, expected = _today(clinic)
    total = sum(
        clinic.value(f"SELECT count(*) FROM {table.name}")
        for table in joining.sync_schema().readable_by("reception")
    )
    with laid(clinic.dsn) as wire, ThreadPoolExecutor(1) as worker:
        station = _Joining(clinic, wire, "cut")
        station.cut_at(int(total * CUT_AT))
        started = time.perf_counter()
        loading = worker.submit(station.run)
        cache = _until(station.growing, loading)
        try:

            def complete() -> bool:
                day = Agenda(cache, clinic_settings.load(cache)).day(date)
                named = all(item.client_name for item in day.appointments if item.client_id)
                served = all(item.service_name for item in day.appointments if item.service_id)
                whole = len(day.appointments) == expected and bool(day.columns)
                return whole and named and served

            _until(complete, loading)
            seconds = time.perf_counter() - started
            again = time.perf_counter()
            complete()
            read = time.perf_counter() - again
        finally:
            cache.close()
        try:
            loading.result()
        except EnvironmentTrouble as error:
            if error.code != "sync.unreachable":
                raise
        else:
            raise AssertionError("the wire was not cut")
        before = list(wire.asked)
        resumed = time.perf_counter()
        station.run()
        resume = time.perf_counter() - resumed
        twice = len(wire.asked) - len(set(wire.asked))
    return [
        Figure("first sync: today's appointments", expected, "rows"),
        Figure("first sync: the day's agenda can be read", seconds, "s", 2),
        Figure("first sync: one reading of it while the rest loads", read * 1000, "ms"),
        Figure("first sync, chunks asked for before the cut", len(before), "chunks"),
        Figure("first sync cut at 99 %: chunks sent again", twice, "chunks", 1),
        Figure("first sync cut at 99 %: from there to ready", resume, "s"),
    ]
