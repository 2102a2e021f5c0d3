-- The second form of the engine's own tables. Made once, by a migration.

ALTER TABLE {schema}.sync_meta
    ADD COLUMN horizon xid8 NOT NULL DEFAULT '0',
    ADD COLUMN upkeep_at timestamptz,
    ADD COLUMN system_id bigint,
    ADD COLUMN on_restore text NOT NULL DEFAULT 'offer' CHECK (on_restore IN ('offer', 'review')),
    ADD COLUMN office_key text,
    ADD COLUMN office_identity text;

-- counter: the highest id that the device gave in the part of the log that is gone.
ALTER TABLE {schema}.sync_device
    ADD COLUMN generation bigint NOT NULL DEFAULT 0,
    ADD COLUMN recovered_at timestamptz,
    ADD COLUMN counter bigint NOT NULL DEFAULT 0;

-- The log by transaction number: what is old is dropped a partition at a time. The rows so far are
-- its first partition. The tail takes what nobody made a partition for in time, and every number
-- there is after the schema was copied to another server; else it is empty.
ALTER TABLE {schema}.sync_log RENAME TO sync_log_1;
ALTER INDEX {schema}.sync_log_xid RENAME TO sync_log_1_xid;
CREATE INDEX sync_log_1_row ON {schema}.sync_log_1 (tbl, row_id);
CREATE TABLE {schema}.sync_log (LIKE {schema}.sync_log_1) PARTITION BY RANGE (xid);
CREATE INDEX sync_log_xid ON {schema}.sync_log (xid);
CREATE INDEX sync_log_row ON {schema}.sync_log (tbl, row_id);
DO {body}
BEGIN
    EXECUTE pg_catalog.format(
        'ALTER TABLE %1$I.sync_log ATTACH PARTITION %1$I.sync_log_1 FOR VALUES FROM (MINVALUE) TO (%2$L)',
        {schema_literal},
        pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint + 20000);
END
{body};
CREATE TABLE {schema}.sync_log_tail PARTITION OF {schema}.sync_log DEFAULT;
