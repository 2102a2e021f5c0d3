"""Rows on their way into the tenant: COPY in big pieces, in the order of their ids."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from psycopg import sql

CHUNK = 20_000
NULL = "\\N"

COLUMNS: dict[str, str] = {
    "auth_user": "id password is_superuser username first_name last_name email is_staff is_active"
    " date_joined",
    "personal_perfil": "id user_id nombre_completo telefono email rol fecha_registro activo"
    " requiere_acceso_sistema especialidad numero_colegio puede_gestionar_citas"
    " puede_gestionar_clientes puede_gestionar_insumos puede_gestionar_personal"
    " puede_ver_reportes puede_crear_odontogramas",
    "configuracion_informacionclinica": "id nombre_clinica direccion telefono email"
    " horario_atencion sitio_web whatsapp actualizado_el actualizado_por_id",
    "configuracion_ajuste": "id clave valor actualizado_el",
    "agenda_sala": "id nombre orden activa creada_el",
    "citas_tiposervicio": "id nombre categoria precio_base activo requiere_dentista"
    " duracion_estimada creado_el actualizado_el creado_por_id",
    "citas_horariodentista": "id dentista_id dia_semana hora_inicio hora_fin activo creado_el"
    " actualizado_el",
    "pacientes_cliente": "id nombre_completo email rut telefono fecha_nacimiento alergias"
    " fecha_registro activo notas user_id dentista_asignado_id",
    "cuentas_perfilcliente": "id user_id nombre_completo telefono email telefono_verificado rut"
    " fecha_nacimiento",
    "citas_cita": "id fecha_hora fin dentista_id sala_id estado tipo_servicio_id creada_por_id"
    " creada_el actualizada_el cliente_id paciente_nombre paciente_email paciente_telefono"
    " tipo_consulta notas hora_llegada motivo_no_asistencia completada_por_id fecha_completada"
    " precio_cobrado metodo_pago notas_finalizacion",
    "finanzas_cargo": "id cliente_id cliente_nombre cita_id servicio_id profesional_id descripcion"
    " cantidad precio_unitario descuento descuento_motivo monto fecha reversa_de_id"
    " motivo_reversa creado_por_id creado_el dispositivo",
    "finanzas_recibo": "id serie numero cliente_id cliente_nombre total emitido_el creado_por_id"
    " creado_el dispositivo",
    "finanzas_pago": "id recibo_id cliente_id metodo monto referencia pagado_el creado_por_id"
    " creado_el dispositivo",
    "finanzas_asignacion": "id pago_id cargo_id monto creado_por_id creado_el dispositivo",
    "caja_movimiento": "id tipo metodo monto pago_id concepto ocurrido_el creado_por_id creado_el"
    " dispositivo",
    "finanzas_ingresomanual": "id monto descripcion fecha creado_por_id creado_el",
    "finanzas_egresomanual": "id monto descripcion fecha creado_por_id creado_el",
    "clinica_notasesion": "id cliente_id cita_id profesional_id texto firmada_el creada_el"
    " actualizada_el",
    "citas_auditorialog": "id usuario_id accion modulo descripcion ip_address fecha_hora objeto_id"
    " tipo_objeto",
}
"""What is written of each table, parents before children; the rest is NULL or the default."""


class Loader:
    """Collects COPY lines by table and sends them in pieces.

    Rows that are there already keep their ids: the first one given is past them.

    :ivar counts: rows given so far, by table.
    """

    def __init__(
        self, connection: psycopg.Connection, schema: str, sent: Callable[[int], None]
    ) -> None:
        self.counts = dict.fromkeys(COLUMNS, 0)
        self._connection = connection
        self._schema = schema
        self._sent = sent
        self._lines: dict[str, list[str]] = {name: [] for name in COLUMNS}
        self._waiting = dict.fromkeys(COLUMNS, 0)
        self._first = {name: self._last_id(name) + 1 for name in COLUMNS}

    def _last_id(self, table: str) -> int:
        statement = sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(
            sql.Identifier(self._schema, table)
        )
        return int(self._connection.execute(statement).fetchall()[0][0])

    def next_id(self, table: str) -> int:
        """The id of the row that will be added next."""
        return self._first[table] + self.counts[table]

    def add(self, table: str, line: str, rows: int = 1) -> None:
        """One COPY line with its end, or ``rows`` of them in one text."""
        self.counts[table] += rows
        self._lines[table].append(line)
        self._waiting[table] += rows
        if self._waiting[table] >= CHUNK:
            self._send(table)

    def finish(self) -> None:
        """Sends what is left, sets every sequence past the ids that were given, and counts anew."""
        for table in COLUMNS:
            self._send(table)
        for table, count in self.counts.items():
            if count:
                self._connection.execute(
                    "SELECT setval(pg_get_serial_sequence(format('%%I.%%I', %s::text, %s::text),"
                    " 'id'), %s)",
                    (self._schema, table, self._first[table] + count - 1),
                )
            self._connection.execute(
                sql.SQL("ANALYZE {}").format(sql.Identifier(self._schema, table))
            )

    def _send(self, table: str) -> None:
        rows = self._waiting[table]
        if not rows:
            return
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(self._schema, table),
            sql.SQL(", ").join(sql.Identifier(name) for name in COLUMNS[table].split()),
        )
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write("".join(self._lines[table]))
        self._lines[table].clear()
        self._waiting[table] = 0
        self._sent(rows)


def line(*values: object) -> str:
    """A COPY line: ``None`` is NULL, booleans ``t`` and ``f``, anything else its text."""
    return "\t".join(map(_field, values)) + "\n"


def _field(value: object) -> str:
    if value is None:
        return NULL
    if value is True:
        return "t"
    if value is False:
        return "f"
    return escape(str(value))


def escape(text: str) -> str:
    """``text`` as COPY reads it back."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
