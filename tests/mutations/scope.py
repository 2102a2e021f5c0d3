"""Defects of scope: rows and columns that a device gets and should not, or does not get."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

ENGINE = "sync/sql/scope.sql"
ROWS = "sync/sql/rows.sql"
APPLY = "sync/sql/apply.sql"
REGISTER = "sync/sql/register.sql"
CLINIC = "desktop/models/sql/scope.sql"
SCHEMA = "sync/schema.py"
CLIENT = "sync/scope.py"
LAY_DOWN = "sync/apply.py"
GRAVES = "desktop/services/inbox_graves.py"
READING = "desktop/services/inbox_reading.py"
EXCHANGE = "sync/exchange.py"

_SERVER = "tests/sync_server/test_scope.py"
_CLIENT = "tests/sync_client/test_scope.py"

MUTATIONS = (
    Mutation(
        "a hidden column is registered",
        ENGINE,
        "               AND NOT sync_hidden(c.value, profile)) known\n",
        "               ) known\n",
        (_SERVER,),
    ),
    Mutation(
        "a hidden column is written",
        APPLY,
        "    PERFORM sync_check_columns(who, entry, seen || fresh);\n",
        "",
        (_SERVER,),
    ),
    Mutation(
        "a hidden column is guessed",
        APPLY,
        "sync_check_columns(who, entry, seen || fresh);",
        "sync_check_columns(who, entry, fresh);",
        (_SERVER,),
    ),
    Mutation(
        "columns that are hidden later go on being sent",
        REGISTER,
        "WHERE columns <> sync_visible(profile, columns);",
        "WHERE false;",
        (_SERVER,),
    ),
    Mutation(
        "half a group is hidden",
        SCHEMA,
        "hidden & group and not group <= hidden",
        "False and group",
        (_SERVER,),
    ),
    Mutation(
        "who writes need not read",
        SCHEMA,
        "    if not spec.write_by <= spec.read_by:\n",
        "    if False:\n",
        (_SERVER,),
    ),
    Mutation(
        "a touch wakes nobody up",
        ENGINE,
        "     WHERE s.name = sync_touch.tbl AND s.active AND touched.id IS NOT NULL;\n"
        "    IF FOUND THEN\n",
        "     WHERE s.name = sync_touch.tbl AND s.active AND touched.id IS NOT NULL;\n"
        "    IF false THEN\n",
        (_SERVER,),
    ),
    Mutation(
        "a touch is blamed",
        ENGINE,
        "touched.id, 'S', 0, sync_origin()",
        "touched.id, 'S', -1, sync_origin()",
        (_SERVER,),
    ),
    Mutation(
        "a device keeps what it was",
        ENGINE,
        "       AND sync_filter_sql(OLD, s.name) <> sync_filter_sql(NEW, s.name);",
        "       AND false;",
        (_SERVER,),
    ),
    Mutation(
        "another filter brings no rows",
        CLINIC,
        "        PERFORM {schema}.sync_rescope_all();\n",
        "        NULL;\n",
        (_SERVER,),
    ),
    Mutation(
        "every upgrade brings all rows",
        CLINIC,
        "    IF pg_catalog.current_setting('sync.filter_before') IS DISTINCT FROM\n",
        "    IF '' IS DISTINCT FROM\n",
        (_SERVER,),
    ),
    Mutation(
        "another profile needs no hello",
        ENGINE,
        "        NEW.columns := NULL;\n",
        "        NULL;\n",
        (_SERVER,),
    ),
    Mutation(
        "a copy does not inherit another practitioner",
        ROWS,
        "OR sync_was(who.number, k.device))",
        "OR false)",
        (_SERVER,),
    ),
    Mutation(
        "everybody is told of one device's change",
        ROWS,
        "           AND (k.op <> 'W' OR k.device = who.number OR",
        "           AND (true OR k.device = who.number OR",
        (_SERVER,),
    ),
    Mutation(
        "what left passes for deleted",
        ROWS,
        "        IF reading.condition <> 'true' AND gone <> '{}' THEN\n",
        "        IF false THEN\n",
        (_SERVER, _CLIENT),
    ),
    Mutation(
        "assigned clients are nobody's patients",
        CLINIC,
        "'WHERE p.id = r.cliente_id AND p.dentista_asignado_id = %1$s) '",
        "'WHERE false) '",
        (_SERVER,),
    ),
    Mutation(
        "everybody's visits make a patient",
        CLINIC,
        "'AND v.dentista_id = %1$s AND clinic_treats(v.estado))',",
        "'AND clinic_treats(v.estado))',",
        (_SERVER,),
    ),
    Mutation(
        "a cancelled visit makes a patient",
        CLINIC,
        "RETURN estado NOT IN ('disponible', 'cancelada');",
        "RETURN estado NOT IN ('disponible');",
        (_SERVER,),
    ),
    Mutation(
        "who did not come is no patient",
        CLINIC,
        "RETURN estado NOT IN ('disponible', 'cancelada');",
        "RETURN estado NOT IN ('disponible', 'cancelada', 'no_show');",
        (_SERVER,),
    ),
    Mutation(
        "a laptop of nobody's gets all notes",
        CLINIC,
        "THEN CASE WHEN practitioner IS NULL THEN 'false' ELSE format(",
        "THEN CASE WHEN practitioner IS NULL THEN 'true' ELSE format(",
        (_SERVER,),
    ),
    Mutation(
        "a colleague's note is rewritten",
        CLINIC,
        "THEN format('r.profesional_id = %s', coalesce(practitioner, 0)) END;",
        "THEN 'true' END;",
        (_SERVER,),
    ),
    Mutation(
        "every change of visits sends the notes",
        CLINIC,
        "     WHERE other.found IS NULL;",
        "     WHERE true;",
        (_SERVER,),
    ),
    Mutation(
        "a status in the agenda sends the notes",
        CLINIC,
        "HAVING sum(w.more) <> 0) p",
        "HAVING true) p",
        (_SERVER,),
    ),
    Mutation(
        "a visit of the same statement was there before",
        CLINIC,
        "AND c.id NOT IN (SELECT unnest((SELECT own)))",
        "AND true",
        (_SERVER,),
    ),
    Mutation(
        "a visit that is being taken away counts",
        CLINIC,
        "               FOR SHARE SKIP LOCKED) other",
        "               ) other",
        (_SERVER,),
    ),
    Mutation(
        "visits that are deleted leave the notes",
        CLINIC,
        "CREATE OR REPLACE TRIGGER clinic_patients_delete AFTER DELETE ON {schema}.citas_cita\n"
        "REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT\n"
        "EXECUTE FUNCTION {schema}.clinic_patients_by_visit();\n",
        "",
        (_SERVER,),
    ),
    Mutation(
        "who is assigned elsewhere leaves the notes",
        CLINIC,
        "             WHERE n.dentista_asignado_id IS DISTINCT FROM o.dentista_asignado_id) p",
        "             WHERE false) p",
        (_SERVER,),
    ),
    Mutation(
        "a new row names what its device never had",
        CLIENT,
        "if name in given or v}",
        "if True}",
        (_CLIENT,),
    ),
    Mutation(
        "a deletion names what its device never had",
        CLIENT,
        "operation.old.items() if n in given})",
        "operation.old.items()})",
        (_CLIENT,),
    ),
    Mutation(
        "what somebody typed is dropped silently",
        CLIENT,
        "if name in given or v}",
        "if name in given}",
        (_CLIENT,),
    ),
    Mutation(
        "a profile's tables stay in the cache",
        EXCHANGE,
        "        scope.narrow(connection, schema, store.columns(execute), columns)\n",
        "",
        (_CLIENT,),
    ),
    Mutation(
        "a hidden column stays in the image",
        CLIENT,
        "            image[column.name] = empty\n",
        "            pass\n",
        (_CLIENT,),
    ),
    Mutation(
        "a note that left is kept to be restored",
        GRAVES,
        "WHERE NOT EXISTS (SELECT 1 FROM sync_state WHERE key = 'leaving'); END",
        "WHERE true; END",
        (_CLIENT,),
    ),
    Mutation(
        "an edited note that left is kept to be restored",
        LAY_DOWN,
        "            if key in work.left:\n",
        "            if False:\n",
        (_CLIENT,),
    ),
    Mutation(
        "rows that leave are a mass deletion",
        LAY_DOWN,
        "            (left if leaves else lost).append((row_id,))\n",
        "            lost.append((row_id,))\n",
        (_CLIENT,),
    ),
    Mutation(
        "the inbox does not say that the record went",
        READING,
        '    if one.code == "forbidden" and one.detail.get("scope") == "row":\n',
        "    if False:\n",
        (_CLIENT,),
    ),
)
