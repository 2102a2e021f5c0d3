-- The log's partitions: room ahead of need, and an end to what is old. sync_upkeep is what is called.

-- The partitions, by transaction number: from lower (NULL: the first) to below upper. The tail has
-- neither, and takes what no other one does.
CREATE OR REPLACE FUNCTION {schema}.sync_log_parts(
    OUT name text, OUT lower bigint, OUT upper bigint, OUT tail boolean) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT p.relname::text, substring(p.bound FROM 'FROM \(''?(\d+)')::bigint,
           substring(p.bound FROM 'TO \(''?(\d+)')::bigint, p.bound = 'DEFAULT'
      FROM (SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound
              FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = to_regclass('sync_log')) p;
{body};

-- The number that the next transaction gets, at the earliest.
CREATE OR REPLACE FUNCTION {schema}.sync_log_next() RETURNS bigint
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS {body}
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
{body};

-- How many transactions this server numbers in a week, as far as the log can tell.
CREATE OR REPLACE FUNCTION {schema}.sync_log_week(next bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT coalesce((
        SELECT least(1e12, greatest(1000, (next - l.xid::text::bigint) * 604800
                                          / greatest(86400, extract(epoch FROM now() - l.at))))::bigint
          FROM sync_log l ORDER BY l.xid LIMIT 1), 20000);
{body};

-- Makes an empty table a partition, or one whose rows are all from lower (NULL: the first) to below
-- upper. Without a name it makes the table.
CREATE OR REPLACE FUNCTION {schema}.sync_log_attach(part text, lower bigint, upper bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    -- CREATE ... PARTITION OF would lock all writers out; ATTACH locks the tail, which is empty.
    IF part IS NULL THEN
        part := sync_log_name();
        EXECUTE format('CREATE TABLE %1$I.%2$I (LIKE %1$I.sync_log)', {schema_literal}, part);
    END IF;
    EXECUTE format('ALTER TABLE sync_log ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%L)',
                   part, coalesce(quote_literal(lower), 'MINVALUE'), upper);
END
{body};

-- A name that no partition has.
CREATE OR REPLACE FUNCTION {schema}.sync_log_name() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT 'sync_log_' || coalesce(max(substring(p.name FROM '^sync_log_(\d+)$')::bigint), 0) + 1
      FROM sync_log_parts() p;
{body};

CREATE OR REPLACE FUNCTION {schema}.sync_log_detach(part text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    EXECUTE format('ALTER TABLE sync_log DETACH PARTITION %I', part);
END
{body};

-- Ends the partition in use with the present transaction, and drops the empty ones ahead. Where rows
-- went to the tail, that becomes a partition like the others, and a new one takes its place.
CREATE OR REPLACE FUNCTION {schema}.sync_log_close() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    next bigint;
    top bigint;
    part record;
    used boolean;
    lowest bigint;
    name_now text;
BEGIN
    LOCK TABLE sync_log IN ACCESS EXCLUSIVE MODE;
    next := sync_log_next();
    FOR part IN SELECT * FROM sync_log_parts() p WHERE p.lower >= next LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', part.name) INTO used;
        IF NOT used THEN
            EXECUTE format('DROP TABLE %I', part.name);
        END IF;
    END LOOP;
    SELECT max(p.upper) INTO top FROM sync_log_parts() p;
    SELECT min(l.xid::text::bigint) INTO lowest FROM sync_log_tail l;
    IF lowest IS NULL THEN
        SELECT * INTO part FROM sync_log_parts() p WHERE coalesce(p.lower, 0) < next AND next < p.upper;
        IF FOUND THEN
            PERFORM sync_log_detach(part.name);
            PERFORM sync_log_attach(part.name, part.lower, next);
        END IF;
        RETURN;
    END IF;

    name_now := sync_log_name();
    PERFORM sync_log_detach('sync_log_tail');
    EXECUTE format('ALTER TABLE sync_log_tail RENAME TO %I', name_now);
    IF lowest < top THEN
        -- The numbers began again below the partitions: the schema was copied to another server.
        FOR part IN SELECT * FROM sync_log_parts() LOOP
            EXECUTE format('INSERT INTO %I SELECT * FROM %I', name_now, part.name);
            EXECUTE format('DROP TABLE %I', part.name);
        END LOOP;
        top := NULL;
    END IF;
    PERFORM sync_log_attach(name_now, top, next);
    EXECUTE format('CREATE TABLE %1$I.sync_log_tail PARTITION OF %1$I.sync_log DEFAULT',
                   {schema_literal});
END
{body};

-- Sees to it that there is a partition for the present and a week's room ahead; how many were made.
CREATE OR REPLACE FUNCTION {schema}.sync_log_ahead() RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    next bigint := sync_log_next();
    week bigint := sync_log_week(next);
    made integer := 0;
    part record;
    ends boolean;
    covered bigint;
BEGIN
    SELECT EXISTS (SELECT FROM sync_log_tail) INTO ends;
    SELECT * INTO part FROM sync_log_parts() p WHERE coalesce(p.lower, 0) <= next AND next < p.upper;
    IF FOUND AND NOT ends THEN
        -- Made for busier days: it would keep its rows for longer than they are needed.
        EXECUTE format('SELECT EXISTS (SELECT FROM %I l WHERE l.at < now() - interval ''10 days'')',
                       part.name) INTO ends;
    END IF;
    IF ends THEN
        PERFORM sync_log_close();
        next := sync_log_next();
    END IF;
    SELECT max(p.upper) INTO covered FROM sync_log_parts() p;
    WHILE covered IS NULL OR covered < next + week LOOP
        PERFORM sync_log_attach(NULL, covered, greatest(covered, next) + week);
        covered := greatest(covered, next) + week;
        made := made + 1;
    END LOOP;
    RETURN made;
END
{body};

-- Drops the partitions in which every row is older than 35 days; how many. A cursor that needs what
-- is gone is below the horizon.
--
-- No transaction that is still running can have its number in one that is dropped, so what it has yet
-- to log stays, and a cursor that is taken from now on needs nothing below. An empty partition goes
-- with an older one above it: alone it does not say of when it is.
CREATE OR REPLACE FUNCTION {schema}.sync_log_prune() RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    oldest bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    dropped integer := 0;
    part record;
    young boolean;
    used boolean;
    cut bigint;
BEGIN
    FOR part IN SELECT * FROM sync_log_parts() p WHERE p.upper <= oldest ORDER BY p.upper LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %1$I l WHERE l.at >= now() - interval ''35 days''), '
                       'EXISTS (SELECT FROM %1$I)', part.name) INTO young, used;
        EXIT WHEN young;
        IF used THEN
            cut := part.upper;
        END IF;
    END LOOP;
    IF cut IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM sync_log_counters(cut::text::xid8, true);
    LOCK TABLE sync_log IN ACCESS EXCLUSIVE MODE;
    FOR part IN SELECT * FROM sync_log_parts() p WHERE p.upper <= cut LOOP
        EXECUTE format('DROP TABLE %I', part.name);
        dropped := dropped + 1;
    END LOOP;
    UPDATE sync_meta SET horizon = greatest(horizon, cut::text::xid8);
    RETURN dropped;
END
{body};

-- Before log rows go, below a number or from it on: remembers which ids the devices gave, also those
-- of rows that are deleted since. No id is given twice.
CREATE OR REPLACE FUNCTION {schema}.sync_log_counters(edge xid8, below boolean) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    UPDATE sync_device d SET counter = given.highest
      FROM (SELECT l.row_id >> 39 AS number, max(l.row_id & ((1::bigint << 39) - 1)) AS highest
              FROM sync_log l
             WHERE l.row_id >> 39 > 0 AND CASE WHEN below THEN l.xid < edge ELSE l.xid >= edge END
             GROUP BY 1) given
     WHERE d.number = given.number AND d.counter < given.highest;
{body};

-- Whether a cursor needs log rows that are gone: those of the transactions that were running when it
-- was taken, and of all since. Who asks has locked the log, so that no more goes until it is read.
CREATE OR REPLACE FUNCTION {schema}.sync_stale(since text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    seen pg_snapshot := split_part(since, '|', 1)::pg_snapshot;
    own xid8 := nullif(split_part(since, '|', 2), '')::xid8;
    edge xid8 := (SELECT m.horizon FROM sync_meta m);
BEGIN
    RETURN pg_snapshot_xmax(seen) < edge
        OR EXISTS (SELECT FROM pg_snapshot_xip(seen) running
                    WHERE running < edge AND running IS DISTINCT FROM own);
END
{body};

-- Takes out of the log what bears numbers that this server has not given yet: it was written by
-- another, which this schema was copied from. Every cursor of before is below the horizon then.
CREATE OR REPLACE FUNCTION {schema}.sync_log_restart() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    now_at pg_snapshot := pg_current_snapshot();
BEGIN
    PERFORM sync_log_counters(pg_snapshot_xmax(now_at), false);
    DELETE FROM sync_log WHERE xid >= pg_snapshot_xmax(now_at);
    UPDATE sync_meta SET horizon = pg_snapshot_xmin(now_at);
END
{body};

-- Whether a workstation should call sync_upkeep after its exchange.
CREATE OR REPLACE FUNCTION {schema}.sync_upkeep_due(meta {schema}.sync_meta) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS {body}
    SELECT coalesce(abs(extract(epoch FROM now() - meta.upkeep_at)) > 24 * 3600, true);
{body};

-- Keeps the log and the results from growing for ever. Whoever may call it may do so at any time: it
-- does its work once a day, one caller does it, and where somebody stands in the way for more than a
-- moment, it is left for the next.
--
-- {status: ok | recent | busy | migrating, made, dropped (partitions), results (forgotten)}
CREATE OR REPLACE FUNCTION {schema}.sync_upkeep() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC' SET lock_timeout = '100ms'
AS {body}
DECLARE
    results bigint;
    made integer;
    dropped integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared(hashtext('consultorio'), hashtext({schema_literal})) THEN
        RETURN '{"status": "migrating"}';
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtext('consultorio upkeep'), hashtext({schema_literal})) THEN
        RETURN '{"status": "busy"}';
    END IF;
    IF EXISTS (SELECT FROM sync_meta WHERE abs(extract(epoch FROM now() - upkeep_at)) < 20 * 3600) THEN
        RETURN '{"status": "recent"}';
    END IF;
    BEGIN
        -- What is not done now is asked for again in an hour, and not by every exchange until then.
        UPDATE sync_meta SET upkeep_at = now() - interval '23 hours';
        DELETE FROM sync_result WHERE at < now() - interval '70 days';
        GET DIAGNOSTICS results = ROW_COUNT;
        IF EXISTS (SELECT FROM sync_log WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())) THEN
            PERFORM sync_log_restart();
        END IF;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        RETURN '{"status": "busy"}';
    END;
    -- Room ahead first, whether or not what is old can go.
    BEGIN
        made := sync_log_ahead();
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        RETURN '{"status": "busy"}';
    END;
    BEGIN
        dropped := sync_log_prune();
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        RETURN '{"status": "busy"}';
    END;
    UPDATE sync_meta SET upkeep_at = now();
    RETURN jsonb_build_object('status', 'ok', 'made', made, 'dropped', dropped, 'results', results);
END
{body};
