"""What the public booking site does, in the very statements of the contract.

The site is another program: it knows the shared tables by name and nothing of our columns, of
workstations or of how they are kept in step. The demo plays it with these functions, over a
connection whose role has the site's rights and whose search path is the clinic's schema.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import psycopg

from desktop.domain.identifiers import NO_PHONE

_OFFERS = """
SELECT c.id, c.fecha_hora, p.nombre_completo, s.nombre
  FROM citas_cita c
  LEFT JOIN personal_perfil p ON p.id = c.dentista_id
  LEFT JOIN citas_tiposervicio s ON s.id = c.tipo_servicio_id
 WHERE c.estado = 'disponible' AND c.fecha_hora > %s
 ORDER BY c.fecha_hora, c.id LIMIT %s
"""
_PUBLISH = """
INSERT INTO citas_cita (fecha_hora, estado, dentista_id, tipo_servicio_id, creada_el, actualizada_el)
VALUES (%s, 'disponible', %s, %s, NOW(), NOW()) RETURNING id
"""
_FIND_CLIENT = "SELECT id FROM pacientes_cliente WHERE email = %s"
_ADD_CLIENT = """
INSERT INTO pacientes_cliente (nombre_completo, email, telefono, activo, fecha_registro)
VALUES (%s, %s, %s, TRUE, NOW()) RETURNING id
"""
_UPDATE_CLIENT = "UPDATE pacientes_cliente SET nombre_completo = %s, telefono = %s WHERE id = %s"
_BOOK = """
UPDATE citas_cita
   SET cliente_id = %s, paciente_nombre = %s, paciente_email = %s, paciente_telefono = %s,
       estado = 'reservada', notas = %s
 WHERE id = %s
"""
_CANCEL = """
UPDATE citas_cita
   SET paciente_nombre = NULL, paciente_email = NULL, paciente_telefono = NULL,
       estado = 'disponible'
 WHERE id = %s
"""


class NotBooked(Exception):
    """What the visitor is told; nothing was written."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot that the site shows; the time is aware."""

    id: int
    starts_at: dt.datetime
    practitioner: str | None
    service: str | None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who fills in the site's form; without a phone the site stores a number of zeros."""

    name: str
    email: str
    phone: str = ""


def offers(connection: psycopg.Connection, after: dt.datetime, limit: int = 20) -> list[Offer]:
    """The next slots on offer that begin after an aware moment."""
    return [Offer(*row) for row in connection.execute(_OFFERS, (after, limit)).fetchall()]


def publish(
    connection: psycopg.Connection,
    starts_at: dt.datetime,
    practitioner_id: int | None,
    service_id: int | None,
) -> int:
    """Puts a slot on offer, as the back office does; returns its id."""
    with connection.transaction():
        found = connection.execute(_PUBLISH, (starts_at, practitioner_id, service_id)).fetchall()
    return int(found[0][0])


def book(connection: psycopg.Connection, slot: int, visitor: Visitor, notes: str = "") -> int:
    """Books a slot for a visitor, who becomes a client where the email is new; returns the client.

    Raises :class:`NotBooked`.
    """
    phone = visitor.phone or NO_PHONE
    try:
        with connection.transaction():
            found = connection.execute(_FIND_CLIENT, (visitor.email,)).fetchall()
            if found:
                connection.execute(_UPDATE_CLIENT, (visitor.name, phone, found[0][0]))
            else:
                found = connection.execute(
                    _ADD_CLIENT, (visitor.name, visitor.email, phone)
                ).fetchall()
            client = int(found[0][0])
            booked = connection.execute(
                _BOOK, (client, visitor.name, visitor.email, phone, notes, slot)
            )
            if booked.rowcount == 0:
                raise NotBooked("there is no such slot any more")
    except psycopg.errors.ExclusionViolation as error:
        raise NotBooked("somebody was faster: this time is taken") from error
    return client


def cancel(connection: psycopg.Connection, slot: int) -> None:
    """Gives a booked slot back. Raises :class:`NotBooked`."""
    with connection.transaction():
        if connection.execute(_CANCEL, (slot,)).rowcount == 0:
            raise NotBooked("there is no such slot any more")
