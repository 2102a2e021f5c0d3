-- Whether every change of every synced table is still logged.

-- [{table, problem}] of the active tables; empty where all is well:
-- table_missing     dropped, renamed or replaced by something that is no table
-- not_captured      none of the capture triggers is there
-- trigger_missing   one of them is not
-- trigger_disabled  one does not fire for every ordinary session
-- trigger_replaced  one of that name calls another function, or at other times
CREATE OR REPLACE FUNCTION {schema}.sync_inventory() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    WITH wanted (trigger_name, kind) AS (
        -- The bits of pg_trigger.tgtype: 2 before, 4 insert, 8 delete, 16 update, 32 truncate.
        VALUES ('sync_capture_insert', 4), ('sync_capture_update', 16),
               ('sync_capture_delete', 8), ('sync_capture_truncate', 34)
    ), there AS (
        SELECT s.name, s.ord, s.id, c.oid
          FROM sync_table s
          LEFT JOIN pg_class c ON c.oid = to_regclass(format('%I.%I', {schema_literal}, s.name))
                              AND c.relkind IN ('r', 'p')
         WHERE s.active
    ), looked AS (
        SELECT y.name, y.ord, count(t.oid) AS found,
               coalesce(bool_or(t.tgenabled NOT IN ('O', 'A')), false) AS disabled,
               coalesce(bool_or(t.tgtype <> w.kind OR t.tgattr::text <> '' OR t.tgqual IS NOT NULL
                                OR t.tgfoid <> coalesce(to_regprocedure(format('%I.%I()',
                                       {schema_literal}, 'sync_capture_' || y.id)), 0)),
                        false) AS replaced
          FROM there y CROSS JOIN wanted w
          LEFT JOIN pg_trigger t ON t.tgrelid = y.oid AND t.tgname = w.trigger_name
         WHERE y.oid IS NOT NULL
         GROUP BY y.name, y.ord
    ), problems (name, ord, problem) AS (
        SELECT name, ord, 'table_missing' FROM there WHERE oid IS NULL
        UNION ALL SELECT name, ord, 'not_captured' FROM looked WHERE found = 0
        UNION ALL SELECT name, ord, 'trigger_missing' FROM looked WHERE found BETWEEN 1 AND 3
        UNION ALL SELECT name, ord, 'trigger_disabled' FROM looked WHERE disabled
        UNION ALL SELECT name, ord, 'trigger_replaced' FROM looked WHERE replaced
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object('table', name, 'problem', problem)
                              ORDER BY ord, problem), '[]')
      FROM problems;
{body};
