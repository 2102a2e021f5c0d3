from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from desktop.services.tenancy import Migrations
from tests.support import clinic as clinics
from tests.support.cheap import cheap_passwords
from tests.support.clinic import Clinic
from tests.support.embedded import Server
from tests.support.memory_keyring import MemoryKeyring

__all__ = ["cheap_passwords"]

VISITS = """
INSERT INTO citas_cita (fecha_hora, estado, dentista_id, cliente_id, creada_el, actualizada_el)
SELECT timestamptz '2027-01-04 12:00Z' + i * interval '1 day', 'reservada', p.id, c.id, now(), now()
FROM generate_series(0, 9) i, (SELECT min(id) AS id FROM personal_perfil WHERE rol = 'dentista') p,
     (SELECT min(id) AS id FROM pacientes_cliente) c;
INSERT INTO finanzas_cargo (cliente_id, cliente_nombre, descripcion, precio_unitario, monto, fecha)
SELECT id, nombre_completo, 'Control', 20000, 20000, '2027-01-04' FROM pacientes_cliente;
INSERT INTO citas_auditorialog (usuario_id, accion, modulo, descripcion, fecha_hora)
SELECT min(id), 'crear', 'citas', 'antes del respaldo', now() FROM personal_perfil;
"""


@pytest.fixture
def clinic(postgres: Server, tmp_path: Path, memory_keyring: MemoryKeyring) -> Iterator[Clinic]:
    """A clinic with a few visits and charges on a real server."""
    with clinics.clinic(postgres, tmp_path) as made:
        made.query(VISITS)
        yield made


@pytest.fixture
def db(clinic: Clinic) -> Iterator[psycopg.Connection]:
    """An owner's connection whose search path is the clinic's."""
    with clinic.admin() as connection:
        yield connection


@pytest.fixture
def tenancy() -> Migrations:
    return Migrations()
