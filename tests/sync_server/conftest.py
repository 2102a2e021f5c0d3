"""A tenant in a schema with an awkward name, on each PostgreSQL version at hand."""

from __future__ import annotations

import contextlib
import itertools
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg import sql

from desktop.models import SCHEMA_VERSION, sync_schema
from desktop.services import migrations
from tests.support import embedded

SCHEMA = 'Clínica "O\'Higgins" {body} $body$ \\ 1'
STAFF = (
    "INSERT INTO personal_perfil (nombre_completo, telefono, email, rol, fecha_registro, activo,"
    " requiere_acceso_sistema, puede_gestionar_citas, puede_gestionar_clientes,"
    " puede_gestionar_insumos, puede_gestionar_personal, puede_ver_reportes,"
    " puede_crear_odontogramas) VALUES (%s, '+56911111111', 'p@clinica.cl', 'dentista', now(), true,"
    " false, true, true, true, true, true, true) RETURNING id"
)
CLIENT = (
    "INSERT INTO pacientes_cliente (nombre_completo, email, telefono, activo, fecha_registro)"
    " VALUES (%s, %s, '+56900000000', true, now()) RETURNING id"
)
SLOT = (
    "INSERT INTO citas_cita (fecha_hora, estado, creada_el, actualizada_el, dentista_id)"
    " VALUES (%s, %s, now(), now(), %s) RETURNING id"
)


def op(kind: str, table: str, row: int, old: dict | None = None, new: dict | None = None) -> dict:
    """One operation of a local transaction."""
    return {"t": table, "id": row, "k": kind, "old": old or {}, "new": new or {}}


def transaction(*ops: dict, actor: int | None = 7) -> dict:
    """A local transaction with an id of its own."""
    return {"tx": str(uuid.uuid4()), "actor": actor, "label": "test", "ops": list(ops)}


@dataclass
class Workstation:
    """Speaks the protocol as a workstation does, and keeps the rows that it was sent."""

    connection: psycopg.Connection
    number: int
    nonce: str = ""
    epoch: str = ""
    cursor: str = ""
    rows: dict[str, dict[int, list]] = field(default_factory=dict)
    seen: list[tuple[str, int]] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)
    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, function: str, **request: Any) -> dict:
        request = {
            "protocol": 1,
            "schema_version": SCHEMA_VERSION,
            "device": self.number,
        } | request
        answer = self.connection.execute(
            sql.SQL("SELECT {}(%s::jsonb)::text").format(sql.Identifier(SCHEMA, function)),
            (json.dumps(request),),
        ).fetchone()
        return json.loads(answer[0])

    def hello(self, **request: Any) -> dict:
        columns = {table.name: list(table.column_names) for table in sync_schema().tables}
        return self.call("sync_hello", **({"columns": columns} | request))

    def start(self, **request: Any) -> dict:
        answer = self.call("sync_start", **({"exchange": str(uuid.uuid4())} | request))
        if answer["status"] == "ok":
            self.nonce, self.epoch = answer["nonce"], answer["epoch"]
            self.cursor = answer["cursor"]
        return answer

    def join(self) -> Workstation:
        assert self.hello()["status"] == "ok"
        assert self.start()["status"] == "ok"
        return self

    def new_id(self) -> int:
        return (self.number << 39) + next(self.counter)

    def request(self, *push: dict) -> dict:
        return {
            "nonce": self.nonce,
            "exchange": str(uuid.uuid4()),
            "epoch": self.epoch,
            "cursor": self.cursor,
            "push": list(push),
        }

    def take(self, answer: dict) -> dict:
        """Do what a workstation does with an answer."""
        if answer["status"] == "ok":
            self.nonce, self.cursor = answer["nonce"], answer["cursor"]
            for change in answer["changes"]:
                table = self.rows.setdefault(change["t"], {})
                if change["all"]:
                    table.clear()
                for row in change["rows"]:
                    table[row[0]] = dict(zip(change["columns"], row, strict=True))
                    self.seen.append((change["t"], row[0]))
                for gone in change["gone"]:
                    table.pop(gone, None)
        return answer

    def exchange(self, *push: dict) -> dict:
        return self.take(self.call("sync_exchange", **self.request(*push)))

    def push(self, *ops: dict) -> dict:
        """The result of one local transaction."""
        return self.exchange(transaction(*ops))["results"][0]

    def read(self, table: str, after: int = 0, limit: int = 1000) -> list[list]:
        rows = self.connection.execute(
            sql.SQL("SELECT * FROM {}(%s, %s, %s, %s)").format(sql.Identifier(SCHEMA, "sync_read")),
            (self.number, table, after, limit),
        ).fetchall()
        return [json.loads(row[0]) for row in rows]


@dataclass
class Tenant:
    """A migrated tenant schema in a database of its own."""

    dsn: str
    stack: contextlib.ExitStack
    db: psycopg.Connection = field(init=False)

    def __post_init__(self) -> None:
        self.db = self.connect()

    def connect(self, **options: Any) -> psycopg.Connection:
        """An autocommit connection in the schema, closed with the test."""
        options = {"autocommit": True} | options
        connection = self.stack.enter_context(psycopg.connect(self.dsn, **options))
        path = sql.Identifier(SCHEMA).as_string(connection)
        connection.execute("SELECT set_config('search_path', %s, false)", (path,))
        if not connection.autocommit:
            connection.commit()
        return connection

    def one(self, statement: str, *values: Any) -> Any:
        row = self.db.execute(statement, values).fetchone()
        return row[0] if row else None

    def device(self, profile: str = "office", *, practitioner: int | None = None) -> Workstation:
        """An admitted workstation that has not said hello."""
        number = self.one(
            "INSERT INTO sync_device (role_name, profile, practitioner_id, label)"
            " VALUES (session_user, %s, %s, 'Test') RETURNING number",
            profile,
            practitioner,
        )
        return Workstation(self.connect(), number)

    def staff(self, name: str = "Dra. Soto") -> int:
        return self.one(STAFF, name)

    def client(self, name: str = "Ana Pérez", email: str | None = None) -> int:
        return self.one(CLIENT, name, email or f"{uuid.uuid4().hex}@correo.cl")

    def appointment(self, start: str, status: str = "disponible", staff: int | None = None) -> int:
        return self.one(SLOT, start, status, staff)


@pytest.fixture(scope="session")
def template(any_postgres: embedded.Server) -> Iterator[str]:
    with any_postgres.database() as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
            migrations.upgrade_tenant(connection, SCHEMA)
            name = connection.info.dbname
        yield name


@pytest.fixture
def tenant(any_postgres: embedded.Server, template: str) -> Iterator[Tenant]:
    with any_postgres.database(template) as dsn, contextlib.ExitStack() as stack:
        yield Tenant(dsn, stack)


def client_row(email: str | None = None, **more: Any) -> dict:
    """The columns of a new client as a workstation sends them."""
    return {
        "nombre_completo": "Ana Pérez",
        "email": email or f"{uuid.uuid4().hex}@correo.cl",
        "telefono": "+56911112222",
        "activo": True,
        "fecha_registro": "2026-11-23T12:00:00+00:00",
    } | more


def appointment_row(staff: int, start: str, end: str | None = None, **more: Any) -> dict:
    """The columns of a new appointment as a workstation sends them."""
    return {
        "fecha_hora": start,
        "fin": end,
        "estado": "reservada",
        "dentista_id": staff,
        "creada_el": "2026-11-23T12:00:00+00:00",
        "actualizada_el": "2026-11-23T12:00:00+00:00",
    } | more
