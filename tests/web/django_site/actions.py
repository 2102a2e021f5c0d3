"""What the booking site and the back office do, by Django's ORM. Plain values in and out."""

import datetime as dt
from typing import Any

from django.apps import apps
from django.contrib.auth import authenticate
from django.contrib.auth.models import User, update_last_login
from django.db import connection, transaction

from tests.web.django_site.models import (
    AuditoriaLog,
    Cita,
    Cliente,
    EgresoManual,
    Horario,
    InformacionClinica,
    IngresoManual,
    Perfil,
    PerfilCliente,
    TipoServicio,
)

NO_PHONE = "+56900000000"
ADD_CLIENT = """
INSERT INTO pacientes_cliente (nombre_completo, email, telefono, activo, fecha_registro)
VALUES (%s, %s, %s, TRUE, NOW()) RETURNING id
"""
BOOK = """
UPDATE citas_cita SET cliente_id = %s, paciente_nombre = %s, paciente_email = %s,
paciente_telefono = %s, estado = 'reservada', notas = %s WHERE id = %s
"""
CANCEL = """
UPDATE citas_cita SET paciente_nombre = NULL, paciente_email = NULL, paciente_telefono = NULL,
estado = 'disponible' WHERE id = %s
"""


def columns() -> dict[str, list[str]]:
    models = [User, *apps.get_app_config("site").get_models()]
    return {
        model._meta.db_table: [f.column for f in model._meta.concrete_fields] for model in models
    }


def _client(name: str, email: str, phone: str) -> int:
    found = Cliente.objects.filter(email=email).first()
    with connection.cursor() as cursor:
        if found is None:
            cursor.execute(ADD_CLIENT, [name, email, phone or NO_PHONE])
            return cursor.fetchone()[0]
        cursor.execute(
            "UPDATE pacientes_cliente SET nombre_completo = %s, telefono = %s WHERE id = %s",
            [name, phone or NO_PHONE, found.id],
        )
    return found.id


@transaction.atomic
def register(username: str, password: str, name: str, email: str, phone: str = "") -> int:
    user = User.objects.create_user(username=username, email=email, password=password)
    PerfilCliente.objects.create(
        user=user, nombre_completo=name, telefono=phone or NO_PHONE, email=email
    )
    return _client(name, email, phone)


@transaction.atomic
def book(slot: int, email: str, name: str, phone: str = "", notes: str = "") -> int:
    client = _client(name, email, phone)
    with connection.cursor() as cursor:
        cursor.execute(BOOK, [client, name, email, phone or NO_PHONE, notes, slot])
    return client


def cancel(slot: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(CANCEL, [slot])


def can_log_in(username: str, password: str) -> bool:
    """A web login is allowed while the client with that email is active or absent."""
    user = authenticate(username=username, password=password)
    if user is None:
        return False
    client = Cliente.objects.filter(email=user.email).first()
    if client is not None and not client.activo:
        return False
    update_last_login(None, user)
    return True


def set_password(username: str, password: str) -> None:
    user = User.objects.get(username=username)
    user.set_password(password)
    user.save()


def publish(starts_at: str, practitioner: int, service: int | None = None) -> int:
    return Cita.objects.create(
        fecha_hora=dt.datetime.fromisoformat(starts_at),
        dentista_id=practitioner,
        tipo_servicio_id=service,
    ).pk


def save(model: str, pk: int, **changes: Any) -> None:
    """Reads a row and saves the whole of it, as a form of the back office does."""
    found = apps.get_model("site", model).objects.get(pk=pk)
    for name, value in changes.items():
        setattr(found, name, value)
    found.save()


def delete(model: str, pk: int) -> None:
    apps.get_model("site", model).objects.get(pk=pk).delete()


def delete_account(pk: int) -> None:
    """By SQL: Django's own tables of groups and rights are not part of the contract."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM auth_user WHERE id = %s", [pk])


def audit(staff: int, address: str | None) -> list[Any]:
    row = AuditoriaLog.objects.create(
        usuario_id=staff,
        accion="crear",
        modulo="citas",
        descripcion="Cita creada",
        ip_address=address,
        objeto_id=7,
        tipo_objeto="cita",
    )
    row.refresh_from_db()
    return [row.pk, row.ip_address]


def fill_every_table() -> dict[str, int]:
    """One row in each of the tables that the back office writes, by the ORM alone."""
    staff = Perfil.objects.create(
        user=User.objects.create_user("nueva", "nueva@example.com", None),
        nombre_completo="Nueva Profesional",
        telefono="+56944444444",
        email="nueva@example.com",
        rol="dentista",
    )
    service = TipoServicio.objects.create(
        nombre="Servicio nuevo", categoria="control", precio_base="12500.00"
    )
    day = dt.date(2026, 11, 23)
    made = [
        staff,
        service,
        Horario.objects.create(
            dentista=staff, dia_semana=0, hora_inicio=dt.time(9), hora_fin=dt.time(13)
        ),
        Cliente.objects.create(
            nombre_completo="Cliente Nuevo", email="cn@example.com", telefono=NO_PHONE
        ),
        IngresoManual.objects.create(monto="1000", descripcion="Otro ingreso", fecha=day),
        EgresoManual.objects.create(monto="2000", descripcion="Un gasto", fecha=day),
        InformacionClinica.objects.create(
            nombre_clinica="Otra", direccion="", telefono="", email="", horario_atencion=""
        ),
    ]
    return {each._meta.db_table: each.pk for each in made}
