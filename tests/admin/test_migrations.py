"""One history, two engines: what the models say is what an upgrade makes, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg import sql

from desktop.domain.errors import EnvironmentTrouble
from desktop.models import Base
from desktop.models.cache_form import cache_metadata
from desktop.services import migrations, tenants
from desktop.services.cache import Cache, connect
from tests.admin.conftest import ODD_NAME

FROZEN = Path(__file__).parent / "frozen"
KEY = bytes(range(32))


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[Any]:
    connection = connect(tmp_path / "cache.db", KEY)
    yield connection
    connection.close()


def objects(raw: Any) -> set[tuple[str, str]]:
    return {
        (kind, name)
        for kind, name in raw.execute("SELECT type, name FROM sqlite_master")
        if not name.startswith("sqlite_") and name != migrations.VERSION_TABLE
    }


def names_of(metadata: sa.MetaData) -> set[str]:
    return {str(index.name) for table in metadata.sorted_tables for index in table.indexes}


class TestCache:
    def test_models_equal_head(self, raw: Any) -> None:
        migrations.upgrade_cache(raw)
        with migrations._wrapped(raw) as wrapped:
            context = MigrationContext.configure(wrapped, opts={"compare_type": True})
            assert compare_metadata(context, cache_metadata(Base.metadata)) == []
        assert migrations.cache_version(raw) == migrations.head_version()

    def test_the_comparison_can_fail(self, raw: Any) -> None:
        migrations.upgrade_cache(raw)
        raw.execute("ALTER TABLE agenda_sala ADD COLUMN sobra INTEGER")
        raw.execute("DROP INDEX ix_pacientes_cliente_rut")
        with migrations._wrapped(raw) as wrapped:
            context = MigrationContext.configure(wrapped, opts={"compare_type": True})
            found = {entry[0] for entry in compare_metadata(context, cache_metadata(Base.metadata))}
        assert found == {"remove_column", "add_index"}

    def test_tables_take_whatever_the_server_says(self, raw: Any) -> None:
        migrations.upgrade_cache(raw)
        for (text,) in raw.execute("SELECT sql FROM sqlite_master WHERE type = 'table'").fetchall():
            if migrations.VERSION_TABLE in text:
                continue
            for word in ("UNIQUE", "REFERENCES", "CHECK", "DEFAULT"):
                assert word not in text
        unique = raw.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql LIKE '%UNIQUE%'"
        ).fetchone()
        assert unique == (0,)
        nullable = {row[1]: not row[3] for row in raw.execute("PRAGMA table_info(auth_user)")}
        assert nullable["password"]
        assert not nullable["username"]

    def test_downgrade_and_up_again(self, raw: Any) -> None:
        migrations.upgrade_cache(raw)
        whole = objects(raw)
        migrations.downgrade_cache(raw)
        assert objects(raw) == set()
        assert migrations.cache_version(raw) is None
        migrations.upgrade_cache(raw)
        assert objects(raw) == whole

    def test_indexes_may_wait_for_a_bulk_load(self, raw: Any) -> None:
        migrations.upgrade_cache(raw, indexes=False)
        assert not [name for kind, name in objects(raw) if kind == "index"]
        migrations.create_cache_indexes(raw)
        migrations.create_cache_indexes(raw)
        made = {name for kind, name in objects(raw) if kind == "index"}
        assert made == names_of(cache_metadata(Base.metadata))

    def test_a_failed_upgrade_leaves_nothing(self, raw: Any) -> None:
        raw.execute("CREATE TABLE finanzas_pago (id INTEGER)")
        with pytest.raises(sa.exc.OperationalError):
            migrations.upgrade_cache(raw)
        assert objects(raw) == {("table", "finanzas_pago")}
        raw.execute("DROP TABLE finanzas_pago")
        migrations.upgrade_cache(raw)
        assert migrations.cache_version(raw) == migrations.head_version()

    def test_an_upgrade_inside_the_callers_transaction_is_the_callers(self, raw: Any) -> None:
        raw.execute("BEGIN")
        migrations.upgrade_cache(raw)
        raw.rollback()
        assert objects(raw) == set()

    def test_a_newer_cache_is_refused_and_left_alone(self, raw: Any) -> None:
        migrations.upgrade_cache(raw)
        raw.execute(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'")
        with pytest.raises(EnvironmentTrouble, match=r"cache\.too_new"):
            migrations.upgrade_cache(raw)
        assert migrations.cache_version(raw) == "9999"

    @pytest.mark.parametrize("frozen", sorted(FROZEN.glob("cache-*.sql")), ids=lambda p: p.stem)
    def test_every_released_cache_opens_with_its_data(self, frozen: Path, tmp_path: Path) -> None:
        path = tmp_path / "old.db"
        old = connect(path, KEY)
        old.executescript(frozen.read_text(encoding="utf-8"))
        assert migrations.cache_version(old) == frozen.stem.removeprefix("cache-")
        old.close()
        cache = Cache.open(path, KEY)
        try:
            with cache.reading() as session:
                names = session.execute(
                    sa.text("SELECT nombre_completo FROM pacientes_cliente ORDER BY id")
                ).all()
        finally:
            cache.close()
        assert names == [("María José González Muñoz",), ("Juan Pérez Soto",)]

    def test_every_revision_has_its_frozen_cache(self) -> None:
        frozen = {path.stem.removeprefix("cache-") for path in FROZEN.glob("cache-*.sql")}
        assert frozen == migrations.known_versions()


OF_THE_ENGINE = ("sync_", "acceso_", "respaldo_", migrations.VERSION_TABLE)


def differences(connection: psycopg.Connection, schema: str) -> list[Any]:
    def ours(name: str | None, kind: str, _parents: Any) -> bool:
        if kind == "table":
            return not str(name).startswith(OF_THE_ENGINE)
        return name != "citas_cita_sin_solape"

    connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
    with migrations._wrapped(
        connection, "postgresql+psycopg://", use_native_hstore=False
    ) as wrapped:
        wrapped.dialect.default_schema_name = schema
        context = MigrationContext.configure(
            wrapped,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": ours,
                "target_metadata": Base.metadata,
            },
        )
        return compare_metadata(context, Base.metadata)


def tables_in(connection: psycopg.Connection, schema: str) -> set[str]:
    return {
        row[0]
        for row in connection.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace ="
            " (SELECT oid FROM pg_namespace WHERE nspname = %s)",
            (schema,),
        )
    }


class TestTenant:
    def test_models_equal_head(
        self, pg: psycopg.Connection, fresh_schema: Callable[[str], str]
    ) -> None:
        schema = fresh_schema(ODD_NAME)
        migrations.upgrade_tenant(pg, schema)
        assert migrations.tenant_version(pg, schema) == migrations.head_version()
        assert differences(pg, schema) == []
        named = {
            row[0]
            for row in pg.execute(
                "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace ="
                " (SELECT oid FROM pg_namespace WHERE nspname = %s)"
                " AND conrelid::regclass::text NOT LIKE '%%sync\\_%%'",
                (schema,),
            )
        }
        modelled = {
            str(constraint.name)
            for table in Base.metadata.sorted_tables
            for constraint in table.constraints
            if isinstance(constraint, sa.CheckConstraint)
        }
        assert modelled <= named

    def test_the_comparison_can_fail(
        self, pg: psycopg.Connection, fresh_schema: Callable[[str], str]
    ) -> None:
        schema = fresh_schema("clinica")
        migrations.upgrade_tenant(pg, schema)
        pg.execute("ALTER TABLE clinica.agenda_sala ADD COLUMN sobra integer")
        assert [entry[0] for entry in differences(pg, schema)] == ["remove_column"]

    def test_nothing_lands_outside_the_schema(
        self, pg: psycopg.Connection, fresh_schema: Callable[[str], str]
    ) -> None:
        migrations.upgrade_tenant(pg, fresh_schema(ODD_NAME))
        assert tables_in(pg, "public") == set()
        assert pg.execute("SHOW search_path").fetchone() != (f'"{ODD_NAME}"',)
        functions = pg.execute(
            "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        ).fetchone()
        assert functions == (0,)

    def test_downgrade_and_up_again(
        self, pg: psycopg.Connection, fresh_schema: Callable[[str], str]
    ) -> None:
        schema = fresh_schema(ODD_NAME)
        migrations.upgrade_tenant(pg, schema)
        whole = tables_in(pg, schema)
        migrations.downgrade_tenant(pg, schema)
        assert tables_in(pg, schema) == {migrations.VERSION_TABLE}
        assert migrations.tenant_version(pg, schema) is None
        migrations.upgrade_tenant(pg, schema)
        assert tables_in(pg, schema) == whole

    def test_a_failed_upgrade_leaves_nothing(
        self, pg: psycopg.Connection, fresh_schema: Callable[[str], str]
    ) -> None:
        schema = fresh_schema("clinica")
        pg.execute("CREATE TABLE clinica.finanzas_pago (id bigint)")
        with pytest.raises(sa.exc.ProgrammingError):
            migrations.upgrade_tenant(pg, schema)
        assert tables_in(pg, schema) == {"finanzas_pago"}

    def test_an_upgrade_renews_functions_and_keeps_the_data(
        self, pg: psycopg.Connection, fresh_schema: Callable[[str], str]
    ) -> None:
        schema = fresh_schema("clinica")
        migrations.upgrade_tenant(pg, schema)
        pg.execute("INSERT INTO clinica.agenda_sala (nombre) VALUES ('Box 1')")
        before = pg.execute("SELECT tenant_uuid, epoch FROM clinica.sync_meta").fetchall()
        pg.execute("DROP FUNCTION clinica.account_verify(text, text)")
        migrations.upgrade_tenant(pg, schema)
        assert pg.execute(
            "SELECT to_regprocedure('clinica.account_verify(text, text)')"
        ).fetchone() != (None,)
        assert pg.execute("SELECT nombre FROM clinica.agenda_sala").fetchall() == [("Box 1",)]
        assert pg.execute("SELECT tenant_uuid, epoch FROM clinica.sync_meta").fetchall() == before

    def test_an_upgrade_waits_for_the_exchanges_under_way(
        self, pg: psycopg.Connection, pg_database: str, fresh_schema: Callable[[str], str]
    ) -> None:
        schema = fresh_schema("clinica")
        migrations.upgrade_tenant(pg, schema)
        with psycopg.connect(pg_database) as exchange:
            exchange.execute(
                "SELECT pg_advisory_xact_lock_shared(hashtext('consultorio'), hashtext('clinica'))"
            )
            pg.execute("SET lock_timeout = '50ms'")
            with pytest.raises(EnvironmentTrouble, match=r"server\.busy"):
                tenants.migrate(pg, schema)
        assert tenants.migrate(pg, schema).current

    def test_a_newer_tenant_is_refused_and_left_alone(
        self, pg: psycopg.Connection, fresh_schema: Callable[[str], str]
    ) -> None:
        schema = fresh_schema("clinica")
        migrations.upgrade_tenant(pg, schema)
        pg.execute("UPDATE clinica.alembic_version SET version_num = '9999'")
        with pytest.raises(EnvironmentTrouble, match=r"tenant\.too_new"):
            migrations.upgrade_tenant(pg, schema)
        assert not tenants.find(pg, schema).known

    def test_a_schema_that_is_no_tenant_has_no_version(
        self, pg: psycopg.Connection, fresh_schema: Callable[[str], str]
    ) -> None:
        assert migrations.tenant_version(pg, fresh_schema("vacia")) is None
        assert migrations.tenant_version(pg, "no hay") is None
