"""A small real clinic for tests: a tenant on a real server, workstations that really joined it."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import conninfo, sql

from desktop.domain.actor import Actor
from desktop.domain.permissions import ALL
from desktop.models import sync_schema
from desktop.services import clinic as clinic_settings
from desktop.services import devices, enrolment, joining, tenants
from desktop.services.accounts import NewAccount
from desktop.services.cache import Cache
from desktop.services.tenants import NewClinic
from desktop.services.workstation import Workstation
from sync.engine import SyncEngine, SyncStatus
from sync.transport import PostgresServer
from tests.support import embedded

ZONE = ZoneInfo("America/Santiago")
SCHEMA = "clinica"
PASSWORD = "Una-clave-larga-9"
PASSPHRASE = "frase de acceso de prueba"


def local(year: int, month: int, day: int, hour: int, minute: int = 0) -> dt.datetime:
    """A moment by the clinic's clock, aware."""
    return dt.datetime(year, month, day, hour, minute, tzinfo=ZONE)


WORLD = """
INSERT INTO personal_perfil (nombre_completo, telefono, email, rol, fecha_registro, activo,
    requiere_acceso_sistema, especialidad, puede_gestionar_citas, puede_gestionar_clientes,
    puede_gestionar_insumos, puede_gestionar_personal, puede_ver_reportes, puede_crear_odontogramas)
SELECT n, '+56911111111', 'p' || i || '@example.com', 'dentista', now(), true, true, 'Odontología',
    true, true, false, false, false, true
FROM unnest(ARRAY['Paula Núñez Rojas', 'Diego Soto Peña']) WITH ORDINALITY AS t (n, i);
INSERT INTO agenda_sala (nombre, orden) VALUES ('Box 1', 1), ('Box 2', 2);
INSERT INTO citas_tiposervicio (nombre, categoria, precio_base, activo, requiere_dentista,
    duracion_estimada, creado_el, actualizado_el)
VALUES ('Control', 'general', 20000, true, true, 30, now(), now()),
       ('Limpieza', 'general', 35000, true, true, 45, now(), now());
INSERT INTO citas_horariodentista (dentista_id, dia_semana, hora_inicio, hora_fin, activo,
    creado_el, actualizado_el)
SELECT p.id, d, '09:00', '19:00', true, now(), now()
FROM personal_perfil p, generate_series(0, 5) d WHERE p.rol = 'dentista';
INSERT INTO pacientes_cliente (nombre_completo, email, rut, telefono, fecha_registro, activo, alergias)
VALUES ('María José González Muñoz', 'maria@example.com', '12345678-5', '+56987654321', now(), true, 'Penicilina'),
       ('Juan Pérez Soto', 'juan@example.com', '11111111-1', '+56912345678', now(), true, NULL);
"""


@dataclass
class Station:
    """A workstation that joined; its engine exchanges only when asked, unless started."""

    folder: Path
    workstation: Workstation
    cache: Cache
    engine: SyncEngine
    actor: Actor
    heard: list[frozenset[str]] = field(default_factory=list)

    def sync(self) -> SyncStatus:
        """One exchange; trouble is raised."""
        return self.engine.sync_once()

    @functools.cached_property
    def clinic(self) -> clinic_settings.ClinicSettings:
        return clinic_settings.load(self.cache)

    def close(self) -> None:
        self.engine.close()
        self.cache.close()
        self.workstation.close()


@dataclass
class Clinic:
    """A tenant and how to reach it."""

    server: embedded.Server
    dsn: str
    schema: str
    folder: Path
    stations: list[Station] = field(default_factory=list)

    @contextmanager
    def admin(self) -> Iterator[psycopg.Connection]:
        """An administrator's autocommit connection whose search path is the tenant."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(self.schema)))
            yield connection

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.admin() as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *values: Any) -> Any:
        return self.query(statement, *values)[0][0]

    @functools.cached_property
    def practitioners(self) -> list[int]:
        return [
            row[0]
            for row in self.query(
                "SELECT id FROM personal_perfil WHERE rol = 'dentista' ORDER BY id"
            )
        ]

    @functools.cached_property
    def clients(self) -> list[int]:
        return [row[0] for row in self.query("SELECT id FROM pacientes_cliente ORDER BY id")]

    @functools.cached_property
    def services(self) -> list[int]:
        return [row[0] for row in self.query("SELECT id FROM citas_tiposervicio ORDER BY id")]

    def web_dsn(self, password: str = "web") -> str:
        """The connection of the other programs: a role with the contract's rights, no more."""
        role = f"web_{conninfo.conninfo_to_dict(self.dsn)['dbname']}"
        with self.admin() as connection:
            if not connection.execute(
                "SELECT FROM pg_roles WHERE rolname = %s", (role,)
            ).fetchall():
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                        sql.Identifier(role), sql.Literal(password)
                    )
                )
                tenants.grant_web(connection, self.schema, role)
        return conninfo.make_conninfo(
            self.dsn,
            user=role,
            password=password,
            options=f"-csearch_path={self._option(self.schema)}",
        )

    @staticmethod
    def _option(schema: str) -> str:
        """A quoted schema name, with what ends an option escaped."""
        quoted = sql.Identifier(schema).as_string()
        return quoted.replace("\\", "\\\\").replace(" ", "\\ ")

    def publish(self, practitioner: int, starts: dt.datetime, service: int | None = None) -> int:
        """A slot on offer, as the back office publishes it."""
        return int(
            self.value(
                "INSERT INTO citas_cita (fecha_hora, estado, dentista_id, tipo_servicio_id,"
                " creada_el, actualizada_el) VALUES (%s, 'disponible', %s, %s, now(), now())"
                " RETURNING id",
                starts,
                practitioner,
                service,
            )
        )

    def station(
        self,
        label: str,
        profile: str = "reception",
        practitioner: int | None = None,
        *,
        through: Callable[[dict[str, Any]], dict[str, Any]] = lambda parameters: parameters,
        **engine: Any,
    ) -> Station:
        """A workstation that was enrolled and joined.

        :param through: changes the connection's parameters, e.g. to go through a proxy.
        """
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            admitted = devices.enroll(
                connection, self.schema, profile=profile, practitioner_id=practitioner, label=label
            )
        file = self.folder / f"{label}.inscripcion"
        enrolment.write(admitted, file)
        folder = self.folder / label
        joining.join(file, folder, passphrase=lambda: PASSPHRASE)
        station = self.open(folder, through=through, **engine)
        self.stations.append(station)
        return station

    def open(
        self,
        folder: Path,
        *,
        through: Callable[[dict[str, Any]], dict[str, Any]] = lambda parameters: parameters,
        **engine: Any,
    ) -> Station:
        """Open a workstation's folder, as the program does at its start."""
        workstation = Workstation.open(folder, passphrase=lambda: PASSPHRASE)
        cache = workstation.open_cache()
        heard: list[frozenset[str]] = []

        def on_changes(tables: frozenset[str]) -> None:
            heard.append(tables)
            cache.notify(tables)

        runner = SyncEngine(
            cache.connect,
            PostgresServer(through(workstation.connection_parameters()), self.schema),
            sync_schema(),
            on_changes=on_changes,
            **engine,
        )
        actor = Actor(
            staff_id=self.value("SELECT min(id) FROM personal_perfil"),
            name="Recepción",
            username="recepcion",
            role="general",
            permissions=frozenset(ALL),
        )
        return Station(folder, workstation, cache, runner, actor, heard)

    def close(self) -> None:
        for station in self.stations:
            station.close()


@contextmanager
def clinic(server: embedded.Server, folder: Path, schema: str = SCHEMA) -> Iterator[Clinic]:
    """A fresh clinic in a database of its own, dropped afterwards with the roles that it made."""
    with server.database() as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            tenants.create(
                connection,
                schema,
                NewClinic(
                    name="Clínica Los Aromos", email="hola@example.com", phone="+56222222222"
                ),
                NewAccount(username="admin", name="Ana Administra", role="general"),
                PASSWORD,
            )
            connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
            connection.execute(WORLD)
        made = Clinic(server, dsn, schema, folder)
        try:
            yield made
        finally:
            made.close()
            drop_roles(dsn)


def drop_roles(dsn: str) -> None:
    """Drops the roles that have rights in this database and nowhere else."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        roles = connection.execute(
            "SELECT DISTINCT r.rolname FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid"
            " WHERE NOT r.rolsuper AND d.dbid ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall()
        members = connection.execute(
            "SELECT DISTINCT m.rolname FROM pg_auth_members a"
            " JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid"
            " WHERE g.rolname = ANY(%s) AND NOT m.rolsuper",
            ([role for (role,) in roles],),
        ).fetchall()
        for (role,) in {*roles, *members}:
            name = sql.Identifier(role)
            connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(name))
            with contextlib.suppress(psycopg.errors.DependentObjectsStillExist):
                connection.execute(sql.SQL("DROP ROLE {}").format(name))
