"""A busy hour of a clinic: many workstations and a web writer, all on this computer.

The hour is played in less time: everything that a person does in it is done, and the workstations
poll so much more often. Each workstation is a process with a cache of its own and the engine as the
program runs it, woken by the server's notifications.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from desktop.models import sync_schema
from desktop.services import devices
from desktop.services import workstation as stations
from desktop.services.cache import connect as connect_cache
from desktop.services.workstation import Description
from sync import store, wire
from sync.calls import VOLUME
from sync.compare import BEFORE_ALL
from sync.core import Timing
from sync.exchange import greet
from sync.transport import PostgresServer
from sync.wire import read_rows
from tests.bench.figures import Figure, percentile
from tests.bench.sync.desk import DAYS, Task, described
from tests.support.clinic import PASSPHRASE, Clinic

ROOT = Path(__file__).parents[3]
CORES = 2
CHUNK = 50_000

PUBLISH = """
INSERT INTO citas_cita (fecha_hora, estado, dentista_id, tipo_servicio_id, creada_el, actualizada_el)
SELECT date_trunc('day', now()) + (1 + n %% %s) * interval '1 day' + (12 + n %% 8) * interval '1 hour',
       'disponible', %s, %s, now(), now() FROM generate_series(1, %s) n RETURNING id
"""
ADD_CLIENT = """
INSERT INTO pacientes_cliente (nombre_completo, email, telefono, activo, fecha_registro)
VALUES (%s, %s, '+56900000000', TRUE, NOW()) RETURNING id
"""
BOOK = """
UPDATE citas_cita SET cliente_id = %s, paciente_nombre = %s, paciente_email = %s,
paciente_telefono = '+56900000000', estado = 'reservada', notas = 'web' WHERE id = %s
"""
CANCEL = """
UPDATE citas_cita SET paciente_nombre = NULL, paciente_email = NULL, paciente_telefono = NULL,
estado = 'disponible' WHERE id = %s
"""


@dataclass(frozen=True)
class Hour:
    """What happens in it.

    :ivar edits: things that each of the ``stations`` does.
    :ivar web: things that are done on the web.
    :ivar seconds: in which all of it is done.
    """

    stations: int
    edits: int
    web: int
    seconds: float

    @property
    def speed(self) -> float:
        """How many times faster than the clock it goes."""
        return 3600 / self.seconds


class _Desks:
    """The processes of the workstations, spoken to in lines."""

    def __init__(self, tasks: list[Task]) -> None:
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.bench.sync.desk"],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _task in tasks
        ]
        for process, task in zip(self._processes, tasks, strict=True):
            self._tell(process, described(task))

    @staticmethod
    def _tell(process: subprocess.Popen[str], line: str) -> None:
        assert process.stdin is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()

    def tell(self, **said: Any) -> None:
        for process in self._processes:
            self._tell(process, json.dumps(said))

    def hear(self) -> list[dict[str, Any]]:
        """The next line of each."""
        found = []
        for process in self._processes:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise AssertionError(f"a workstation ended with {process.wait(10)}")
            found.append(json.loads(line))
        return found

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()


class _Web:
    """Somebody books and cancels on the web: plain SQL, no knowledge of sync."""

    def __init__(self, dsn: str, slots: list[int], begin: float, seconds: float) -> None:
        self.did: Counter[str] = Counter()
        self._dsn = dsn
        self._slots = slots
        self._begin = begin
        self._seconds = seconds
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="web")
        self._thread.start()

    def _run(self) -> None:
        try:
            with psycopg.connect(self._dsn, autocommit=True) as connection:
                self._work(connection)
        except BaseException as error:
            self._failure = error

    def _work(self, connection: psycopg.Connection) -> None:
        chance = random.Random(0)
        nothing = threading.Event()
        booked: list[int] = []
        for number, slot in enumerate(self._slots):
            at = self._begin + (number + chance.random()) * self._seconds / len(self._slots)
            nothing.wait(max(0.0, at - time.monotonic()))
            try:
                if booked and number % 5 == 4:
                    connection.execute(CANCEL, (booked.pop(),))
                    self.did["cancelled"] += 1
                    continue
                name, email = f"Web {number}", f"web-{number}@example.com"
                with connection.transaction():
                    client = connection.execute(ADD_CLIENT, (name, email)).fetchall()[0][0]
                    connection.execute(BOOK, (client, name, email, slot))
                booked.append(slot)
                self.did["booked"] += 1
            except psycopg.errors.ExclusionViolation:
                self.did["taken"] += 1

    def ended(self) -> Counter[str]:
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self.did


def _server_cpu(clinic: Clinic) -> float:
    """Seconds that processors worked for the server so far, for all of its processes."""
    with clinic.admin() as connection:
        parent = psutil.Process(connection.info.backend_pid).parent()
    if parent is None:
        raise AssertionError("the server is not on this computer")
    total = 0.0
    for process in (parent, *parent.children()):
        try:
            spent = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += spent.user + spent.system
    ended = parent.cpu_times()
    return float(total + ended.children_user + ended.children_system)


def _own(clinic: Clinic, path: Path, key: bytes, server: dict[str, Any]) -> dict[str, Any]:
    """Makes a copied cache that of a workstation of its own, which has had its first sync; how it
    connects, where ``server`` says how the copied one does.
    """
    label = path.stem
    with psycopg.connect(clinic.dsn, autocommit=True) as admin:
        admitted = devices.enroll(admin, clinic.schema, profile="reception", label=label)
    server = {**server, "user": admitted.role, "password": admitted.secret}
    schema = sync_schema()
    with (
        closing(connect_cache(path, key)) as connection,
        closing(PostgresServer(server, clinic.schema).connect()) as transport,
    ):
        execute = store.executor(connection)
        store.set_device(execute, admitted.device)
        greet(connection, transport, schema)
        request = wire.start_request(schema, admitted.device, None, 0, store.exchange(execute))
        answer = wire.start_answer(transport.start(request))
        if answer.status != "ok":
            raise AssertionError(f"{label} was answered {answer.status}")
        # The cursor stays: it says what the file holds.
        store.set_state(execute, "nonce", answer.nonce)
        store.set_state(execute, "generation", str(answer.generation))
        store.set_state(execute, "exchange", None)
        execute("UPDATE sync_counter SET value = ? WHERE id = 1", (answer.counter,))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return server


@contextmanager
def _desks(clinic: Clinic, hour: Hour) -> Iterator[tuple[_Desks, dict[str, Any]]]:
    """Workstations that are in step, and how one of them connects. One more joins, and their caches
    are made of its file: that each of them joins would take an hour of its own.
    """
    model = clinic.station("hour")
    model.sync()
    joined = dict(model.workstation.connection_parameters())
    description = Description.load(model.folder)
    key = stations.load_secrets(model.folder, description, lambda: PASSPHRASE).cache_key
    model.close()
    clinic.stations.remove(model)
    staff = int(clinic.value("SELECT min(id) FROM personal_perfil"))
    tasks = []
    for number in range(hour.stations):
        path = clinic.folder / f"desk-{number}.db"
        shutil.copyfile(model.folder / "cache.db", path)
        server = _own(clinic, path, key, joined)
        poll = Timing().poll / hour.speed
        tasks.append(
            Task(
                str(path), key.hex(), server, clinic.schema, staff, number, hour.edits,
                hour.seconds, poll,
            )
        )  # fmt: skip
    desks = _Desks(tasks)
    try:
        desks.hear()
        if clinic.value("SELECT count(*) FROM sync_device WHERE forked_from IS NOT NULL"):
            raise AssertionError("a workstation passes for a copy of another")
        yield desks, tasks[0].server
    finally:
        desks.close()
        for task in tasks:
            Path(task.cache).unlink()


def _digest(clinic: Clinic, server: dict[str, Any]) -> dict[str, str]:
    """What the server holds for these workstations, as :meth:`Desk.digest` says it of a cache."""
    number = clinic.value("SELECT number FROM sync_device WHERE role_name = %s", server["user"])
    tables = clinic.query(
        "SELECT k FROM sync_device, jsonb_object_keys(columns) k WHERE number = %s", number
    )
    found = {}
    with ExitStack() as stack:
        transport = PostgresServer(server, clinic.schema).connect()
        stack.callback(transport.close)
        for (table,) in tables:
            names = clinic.value(
                "SELECT columns -> %s FROM sync_device WHERE number = %s", table, number
            )
            total, after = hashlib.sha256(), BEFORE_ALL
            while rows := read_rows(transport.read(number, table, after, CHUNK, VOLUME))[0]:
                after = rows[-1][names.index("id")]
                for row in rows:
                    plain = tuple(int(v) if isinstance(v, bool) else v for v in row)
                    total.update(repr(plain).encode())
            found[table] = total.hexdigest()
    return found


def _deadlocks(clinic: Clinic) -> int:
    return int(
        clinic.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    )


def worked(clinic: Clinic, hour: Hour) -> list[Figure]:
    """The hour, its price, and whether everybody holds the same afterwards."""
    service = clinic.services[0]
    slots = [
        row[0]
        for place, practitioner in enumerate(clinic.practitioners)
        for row in clinic.query(
            PUBLISH,
            DAYS - 1,
            practitioner,
            service,
            math.ceil((hour.web - place) / len(clinic.practitioners)),
        )
    ]
    with _desks(clinic, hour) as (desks, server):
        deadlocks, before = _deadlocks(clinic), _server_cpu(clinic)
        begin = time.monotonic() + 0.5
        desks.tell(go=begin)
        web = _Web(clinic.web_dsn(), slots[: hour.web], begin, hour.seconds)
        told = desks.hear()
        on_web = web.ended()
        took = time.monotonic() - begin
        on_server = _server_cpu(clinic) - before
        desks.tell(end=True)
        digests = [said["digest"] for said in desks.hear()]
        expected = _digest(clinic, server)
        deadlocks = _deadlocks(clinic) - deadlocks
    return [
        *_figures(hour, told, on_web, took, on_server, deadlocks),
        Figure(
            "busy hour: caches that differ from the server in the end",
            sum(digest != expected for digest in digests),
            "caches",
            0,
        ),
    ]


def _figures(
    hour: Hour,
    told: list[dict[str, Any]],
    on_web: Counter[str],
    took: float,
    on_server: float,
    deadlocks: int,
) -> list[Figure]:
    committed = {mark: at for said in told for mark, at in said["committed"].items()}
    # The first of the others that sees it, and each of them.
    delays = [
        max(0.0, at - committed[mark])
        for number, said in enumerate(told)
        for mark, at in said["seen"].items()
        if mark in committed and not mark.startswith(f"m{number}-")
    ]
    did = sum((Counter(said["did"]) for said in told), Counter[str]())
    rejected = sum((Counter(said["rejected"]) for said in told), Counter[str]())
    refused = sum((Counter(said["refused"]) for said in told), Counter[str]())
    troubles = sum((Counter(said["troubles"]) for said in told), Counter[str]())
    on_clients = sum(said["cpu"] for said in told)
    share = 100 / (CORES * 3600)
    each = [
        Figure(f"busy hour: refused by the server, {code}", count, "edits")
        for code, count in sorted(rejected.items())
    ]
    return [
        Figure("busy hour: workstations", hour.stations, "caches"),
        Figure("busy hour: things done at them", sum(did.values()), "edits"),
        Figure("busy hour: things done on the web", on_web.total(), "edits"),
        Figure("busy hour: played in", took, "s"),
        Figure("busy hour: processors' time of the server", on_server, "s"),
        Figure("busy hour: processors' time of all workstations", on_clients, "s"),
        Figure("busy hour: share of two cores, the server", on_server * share, "%"),
        Figure("busy hour: share of two cores, all of it", (on_server + on_clients) * share, "%"),
        Figure("busy hour: seen at another workstation, samples", len(delays), "edits"),
        Figure("busy hour: seen at another workstation, p50", percentile(delays, 0.5) * 1000, "ms"),
        Figure(
            "busy hour: seen at another workstation, p99", percentile(delays, 0.99) * 1000, "ms"
        ),
        Figure("busy hour: not done because the screen had said why", refused.total(), "edits"),
        *each,
        Figure("busy hour: deadlocks that the server resolved", deadlocks, "times"),
        Figure("busy hour: trouble that a person was shown", troubles.total(), "times", 0),
    ]
