-- Nobody may call anything here but the owner, and devices what they need.
DO {body}
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN
        SELECT p.oid FROM pg_catalog.pg_proc p
          JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = {schema_literal} AND p.proname LIKE 'sync\_%'
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
    END LOOP;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {devices_literal}) THEN
        EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I',
                                  {schema_literal}, {devices_literal});
        EXECUTE pg_catalog.format(
            'GRANT EXECUTE ON FUNCTION %1$I.sync_hello(jsonb), %1$I.sync_start(jsonb), '
            '%1$I.sync_read(integer, text, bigint, integer), '
            '%1$I.sync_read(integer, text, bigint, integer, bigint), '
            '%1$I.sync_read_ids(integer, text, bigint[]), '
            '%1$I.sync_read_ids(integer, text, bigint[], bigint), %1$I.sync_recover(jsonb), '
            '%1$I.sync_sums(integer, text, bigint, integer), '
            '%1$I.sync_hashes(integer, text, bigint, bigint, text), %1$I.sync_upkeep(), '
            '%1$I.sync_poll(integer, uuid, bigint, uuid, integer, text), '
            '%1$I.sync_exchange(jsonb) TO %2$I',
            {schema_literal}, {devices_literal});
    END IF;
END
{body};
