-- From the second form of the engine's tables back to the first.

ALTER TABLE {schema}.sync_log RENAME TO sync_log_whole;
ALTER INDEX {schema}.sync_log_xid RENAME TO sync_log_whole_xid;
CREATE TABLE {schema}.sync_log (LIKE {schema}.sync_log_whole);
INSERT INTO {schema}.sync_log SELECT * FROM {schema}.sync_log_whole;
CREATE INDEX sync_log_xid ON {schema}.sync_log (xid);
DROP TABLE {schema}.sync_log_whole;

ALTER TABLE {schema}.sync_meta
    DROP COLUMN horizon,
    DROP COLUMN upkeep_at,
    DROP COLUMN system_id,
    DROP COLUMN on_restore,
    DROP COLUMN office_key,
    DROP COLUMN office_identity;
ALTER TABLE {schema}.sync_device
    DROP COLUMN generation,
    DROP COLUMN recovered_at,
    DROP COLUMN counter;
