"""A clinic put back: its rows are the archive's, and everything else stays as it was."""

from __future__ import annotations

import psycopg
from psycopg import sql

from desktop.backup import restore
from desktop.services.tenancy import Migrations
from tests.backup.restore.making import hashes, opened, schemas, shape, take
from tests.support.clinic import Clinic

WORK = """
DELETE FROM citas_cita WHERE id = (SELECT max(id) FROM citas_cita);
UPDATE pacientes_cliente SET telefono = '+56911110000';
INSERT INTO pacientes_cliente (nombre_completo, email, telefono, fecha_registro, activo)
VALUES ('Nueva Persona', 'nueva@example.com', '+56900000000', now(), true);
INSERT INTO citas_auditorialog (accion, modulo, descripcion, fecha_hora)
VALUES ('crear', 'citas', 'después del respaldo', now());
"""

OF_ITS_OWN = """
GRANT SELECT ON finanzas_recibo TO {web} WITH GRANT OPTION;
GRANT UPDATE (monto), SELECT (monto) ON finanzas_pago TO {web};
ALTER TABLE agenda_sala OWNER TO {web};
CREATE TRIGGER apagado BEFORE UPDATE ON pacientes_cliente
FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE pacientes_cliente DISABLE TRIGGER apagado;
CREATE TRIGGER siempre BEFORE UPDATE ON citas_tiposervicio
FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE citas_tiposervicio ENABLE ALWAYS TRIGGER siempre
"""
"""What somebody has set up on the tables besides."""


def test_rows_are_the_archives_and_all_else_stays(
    clinic: Clinic, db: psycopg.Connection, tenancy: Migrations
) -> None:
    clinic.web_dsn()
    db.execute(sql.SQL(OF_ITS_OWN).format(web=sql.Identifier(f"web_{db.info.dbname}")))
    archive = take(db, clinic.schema)
    before, form = hashes(db, clinic.schema), shape(db, clinic.schema)
    db.execute(WORK)
    meant = hashes(db, clinic.schema)
    assert meant != before
    with opened(archive) as sources:
        done = restore.restore(db, clinic.schema, sources, tenancy, safety="copia")
    assert hashes(db, clinic.schema) == before
    after = shape(db, clinic.schema)
    # A condition on a varchar is told in other words once it was made from its own words.
    assert {name for name in form if form[name] != after.get(name)} <= {"citas_cita"}
    assert form.keys() == after.keys()
    assert done.replaced is not None
    assert done.kept == ("admin",)
    assert hashes(db, done.replaced) == meant
    assert schemas(db) == sorted([clinic.schema, done.replaced, "information_schema", "public"])
    assert done.held_ms < 5000
    assert db.execute("SELECT count(*) FROM citas_auditorialog").fetchall() == [(2,)]
    assert db.execute("SELECT sync_inventory()").fetchall() == [([],)]
