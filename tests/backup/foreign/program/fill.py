"""A small clinic of the other program, by its ORM; the figures are what the tests compare with."""

import datetime as dt
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from tests.backup.foreign.program.citas.models import (
    AuditoriaLog,
    Cita,
    HorarioDentista,
    TipoServicio,
)
from tests.backup.foreign.program.configuracion.models import InformacionClinica
from tests.backup.foreign.program.cuentas.models import PerfilCliente
from tests.backup.foreign.program.finanzas.models import EgresoManual, IngresoManual
from tests.backup.foreign.program.inventario.models import Insumo
from tests.backup.foreign.program.pacientes.models import Cliente
from tests.backup.foreign.program.personal.models import Perfil

ZONE = ZoneInfo("America/Santiago")
TRICKY = (
    "Línea 1\nLínea 2\tcon tab, \\ barra, 'comillas' \"dobles\"; \\. DROP TABLE citas_cita; -- ñ €"
)


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    moment = dt.datetime(2026, 11, day, hour, minute, tzinfo=ZONE)
    return moment if settings.USE_TZ else moment.replace(tzinfo=None)


@transaction.atomic
def fill() -> None:
    boss = User.objects.create_superuser("jefa", "jefa@example.com", "Clave-de-jefa-1")
    boss.groups.add(Group.objects.create(name="Recepción"))
    boss.user_permissions.add(Permission.objects.first())
    web = User.objects.create_user("sofia", "sofia@example.com", "Clave-de-la-web-7")
    staff = [
        Perfil.objects.create(
            user=boss,
            nombre_completo="Jimena Jefa Soto",
            telefono="+56911111111",
            email="jefa@example.com",
            rol="administrativo",
            puede_gestionar_personal=True,
        ),
        *(
            Perfil.objects.create(
                nombre_completo=f"Dentista {name}",
                telefono="+56922222222",
                email=f"{name}@example.com",
                rol="dentista",
                especialidad="Ortodoncia",
                puede_crear_odontogramas=True,
            )
            for name in ("norte", "sur")
        ),
    ]
    services = [
        TipoServicio.objects.create(
            nombre=name,
            categoria="general",
            precio_base=price,
            duracion_estimada=minutes,
            creado_por=staff[0],
        )
        for name, price, minutes in (("Control", "12500.00", None), ("Limpieza", "35000.50", 60))
    ]
    for weekday in range(5):
        HorarioDentista.objects.create(
            dentista=staff[1], dia_semana=weekday, hora_inicio=dt.time(9), hora_fin=dt.time(18, 30)
        )
    clients = [
        Cliente.objects.create(
            nombre_completo=f"Cliente {n} Ñandú",
            email=f"c{n}@example.com",
            rut=f"1234567{n}-{n}",
            telefono="+56933333333",
            fecha_nacimiento=dt.date(1980, 1, n + 1),
            alergias=TRICKY if n == 0 else None,
            user=web if n == 1 else None,
            dentista_asignado=staff[1],
        )
        for n in range(5)
    ]
    PerfilCliente.objects.create(
        user=web, nombre_completo="Sofía Castro", telefono="+56900000000", email="sofia@example.com"
    )
    for hour, (status, client) in enumerate(
        [
            ("completada", clients[0]),
            ("reservada", clients[1]),
            ("confirmada", clients[2]),
            ("disponible", None),
            ("cancelada", clients[3]),
            ("no_show", clients[4]),
        ]
    ):
        Cita.objects.create(
            fecha_hora=at(23, 9 + hour),
            cliente=client,
            paciente_nombre=client and client.nombre_completo,
            estado=status,
            tipo_servicio=services[1],
            dentista=staff[1],
            precio_cobrado="35000.50" if status == "completada" else None,
            metodo_pago="transferencia" if status == "completada" else None,
            fecha_completada=at(23, 10) if status == "completada" else None,
            notas=TRICKY,
            plan_tratamiento_id=77,
        )
    # Its program forbids two visits at one moment, and knows no end: this one begins inside another.
    Cita.objects.create(
        fecha_hora=at(23, 10, 30), cliente=clients[4], estado="confirmada", dentista=staff[1]
    )
    IngresoManual.objects.create(
        monto="1000.10", descripcion="Arriendo", fecha=dt.date(2026, 11, 2)
    )
    EgresoManual.objects.create(
        monto="99999999.99", descripcion="Compra", fecha=dt.date(2026, 11, 3), creado_por=staff[0]
    )
    InformacionClinica.objects.create(
        nombre_clinica="Clínica Otra",
        direccion="Calle 1",
        telefono="+56944444444",
        email="otra@example.com",
        horario_atencion="9 a 19",
        actualizado_por=staff[0],
    )
    AuditoriaLog.objects.create(
        usuario=staff[0], accion="crear", modulo="citas", descripcion="x", ip_address="10.0.0.1"
    )
    thing = Insumo.objects.create(nombre="Guantes", existencias={"cajas": [1, {"n": 2}]})
    thing.usado_en.add(*services)
