"""Rules that rows have to keep: looked at while they are loaded, and never of a state in between."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from desktop.backup import restore
from desktop.domain.errors import RuleError
from desktop.services.tenancy import Migrations
from tests.backup.restore.making import Archive, changed, hashes, opened, shape, take
from tests.support.clinic import Clinic

BOOKED = "reservada"
VISIT = """
INSERT INTO citas_cita (id, fecha_hora, fin, estado, dentista_id, creada_el, actualizada_el)
OVERRIDING SYSTEM VALUE
SELECT %s, timestamptz '2027-02-01 12:00Z', timestamptz '2027-02-01 12:00Z' + %s * interval '1 minute',
       %s, min(id), now(), now() FROM personal_perfil WHERE rol = 'dentista'
"""


def put_back(db: psycopg.Connection, clinic: Clinic, *archives: Archive) -> restore.Restored:
    with opened(*archives) as sources:
        return restore.restore(db, clinic.schema, sources, Migrations(), safety="copia")


def text_of(db: psycopg.Connection, clinic: Clinic, visit: int) -> bytes:
    """A visit as an archive has it."""
    statement = sql.SQL("COPY (SELECT * FROM {} WHERE id = {}) TO STDOUT").format(
        sql.Identifier(clinic.schema, "citas_cita"), visit
    )
    with db.cursor() as cursor, cursor.copy(statement) as copy:
        return b"".join(bytes(chunk) for chunk in copy)


@pytest.mark.parametrize(
    ("rule", "minutes", "state"),
    [("citas_cita_sin_solape", 30, BOOKED), ("ck_citas_cita_fin_despues", -30, "completada")],
)
def test_a_row_that_breaks_one_is_found(
    clinic: Clinic, db: psycopg.Connection, rule: str, minutes: int, state: str
) -> None:
    db.execute(VISIT, (900, 30, BOOKED))
    definition = db.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", (rule,)
    ).fetchall()[0][0]
    db.execute(sql.SQL("ALTER TABLE citas_cita DROP CONSTRAINT {}").format(sql.Identifier(rule)))
    db.execute(VISIT, (901, minutes, state))
    archive = take(db, clinic.schema)
    db.execute("DELETE FROM citas_cita WHERE id = 901")
    db.execute(
        sql.SQL("ALTER TABLE citas_cita ADD CONSTRAINT {} {}").format(
            sql.Identifier(rule), sql.SQL(definition)
        )
    )
    before = hashes(db, clinic.schema, kept=True)
    with pytest.raises(RuleError) as caught:
        put_back(db, clinic, archive)
    assert caught.value.code == "restore.unfit"
    assert caught.value.params == {"table": "citas_cita", "rule": rule}
    assert hashes(db, clinic.schema, kept=True) == before


def test_an_hour_that_went_from_one_visit_to_another_is_nobodys_twice(
    clinic: Clinic, db: psycopg.Connection
) -> None:
    """An incremental brings the new visit's row before it says that the old one is gone."""
    db.execute(VISIT, (900, 30, BOOKED))
    full = take(db, clinic.schema)
    db.execute("DELETE FROM citas_cita WHERE id = 900")
    db.execute(VISIT, (901, 30, BOOKED))
    meant, form = hashes(db, clinic.schema), shape(db, clinic.schema)
    moved = changed(
        full, {"citas_cita": text_of(db, clinic, 901)}, {"citas_cita": b"900\n"}, full=full
    )
    db.execute("DELETE FROM citas_cita WHERE id = 901")
    put_back(db, clinic, full, moved)
    assert hashes(db, clinic.schema) == meant
    assert shape(db, clinic.schema).keys() == form.keys()
    with pytest.raises(psycopg.errors.ExclusionViolation):
        db.execute(VISIT, (902, 30, BOOKED))


def test_rules_hold_afterwards(clinic: Clinic, db: psycopg.Connection) -> None:
    db.execute(VISIT, (900, 30, BOOKED))
    put_back(db, clinic, take(db, clinic.schema))
    with pytest.raises(psycopg.errors.ExclusionViolation):
        db.execute(VISIT, (901, 30, BOOKED))
    with pytest.raises(psycopg.errors.CheckViolation):
        db.execute(VISIT, (902, -30, "completada"))
