-- Rows as JSON arrays, in the column order that a device has registered.

-- The SQL text of a JSON array of columns of the row r.
CREATE OR REPLACE FUNCTION {schema}.sync_row_sql(entry {schema}.sync_table, names text[])
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT 'json_build_array(' || coalesce(string_agg(
             -- numeric lets NaN in, which no integer holds and which must not stop a pull.
             CASE WHEN c.value ->> 'kind' = 'units'
                  THEN format('CASE WHEN r.%1$I = ''NaN'' THEN %3$s ELSE (r.%1$I * %2$s)::bigint END',
                              asked.name, '1' || repeat('0', (c.value ->> 'scale')::integer),
                              CASE WHEN (c.value ->> 'nullable')::boolean THEN 'NULL' ELSE '0' END)
                  ELSE format('r.%I', asked.name) END,
             ', ' ORDER BY asked.place), '') || ')'
      FROM unnest(names) WITH ORDINALITY AS asked (name, place)
      JOIN jsonb_array_elements(entry.columns) c
        ON c.value ->> 'name' = asked.name AND (c.value ->> 'live')::boolean;
{body};

-- {columns, expression, filter} for reading a table as a device; an error where it may not.
CREATE OR REPLACE FUNCTION {schema}.sync_reading(
    who {schema}.sync_device, table_name text, OUT expression text, OUT condition text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    entry sync_table;
BEGIN
    SELECT * INTO entry FROM sync_table WHERE name = table_name AND active
       AND who.profile = ANY (read_by);
    IF entry.id IS NULL OR NOT coalesce(who.columns ? table_name, false) THEN
        RAISE EXCEPTION 'this device does not read table %', table_name
              USING ERRCODE = 'insufficient_privilege';
    END IF;
    expression := sync_row_sql(entry, ARRAY(SELECT jsonb_array_elements_text(who.columns -> table_name)));
    condition := sync_filter_sql(who, table_name);
END
{body};

-- The calling device, for functions that answer rows; an error where it may not call.
CREATE OR REPLACE FUNCTION {schema}.sync_reader(device integer) RETURNS {schema}.sync_device
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    who sync_device;
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared(hashtext('consultorio'), hashtext({schema_literal})) THEN
        RAISE EXCEPTION 'the schema is being migrated' USING ERRCODE = 'lock_not_available';
    END IF;
    SELECT * INTO who FROM sync_device WHERE number = device AND role_name = session_user;
    IF who.number IS NULL OR who.revoked_at IS NOT NULL THEN
        RAISE EXCEPTION 'device % may not read', device
              USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    -- Columns may have come and gone: in what order the device expects them is no longer known.
    IF who.server_version IS DISTINCT FROM (SELECT m.schema_version FROM sync_meta m) THEN
        RAISE EXCEPTION 'the schema is of another version now: say hello'
              USING ERRCODE = 'SY002';
    END IF;
    RETURN who;
END
{body};

-- Rows after an id, in the order of ids: one JSON array a row. For COPY (SELECT ...) TO STDOUT.
CREATE OR REPLACE FUNCTION {schema}.sync_read(device integer, tbl text, after bigint, lim integer)
RETURNS SETOF text LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
DECLARE
    reading record;
BEGIN
    reading := sync_reading(sync_reader(device), tbl);
    RETURN QUERY EXECUTE format(
        'SELECT %s::text FROM %I r WHERE r.id > $1 AND (%s) ORDER BY r.id LIMIT $2',
        reading.expression, tbl, reading.condition) USING after, lim;
END
{body};

CREATE OR REPLACE FUNCTION {schema}.sync_read_ids(device integer, tbl text, ids bigint[])
RETURNS SETOF text LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
DECLARE
    reading record;
BEGIN
    reading := sync_reading(sync_reader(device), tbl);
    RETURN QUERY EXECUTE format(
        'SELECT %s::text FROM %I r WHERE r.id = ANY ($1) AND (%s) ORDER BY r.id',
        reading.expression, tbl, reading.condition) USING ids;
END
{body};

-- The JSON list of what changed since a cursor, and of every row that a push names. Of what is gone,
-- left says which rows are there and not for this device any more; rescoped says so of all that an
-- answer with all does not list.
--
-- STABLE, so that it sees exactly the snapshot of the statement that calls it: the statement reads
-- pg_current_snapshot() beside it, and that is the next cursor. A cursor names, after a bar, the
-- transaction that made it: what that one wrote was answered already.
CREATE OR REPLACE FUNCTION {schema}.sync_delta(who {schema}.sync_device, since text, push jsonb)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
SET timezone = 'UTC'
AS {body}
DECLARE
    seen pg_snapshot := split_part(since, '|', 1)::pg_snapshot;
    own xid8 := nullif(split_part(since, '|', 2), '')::xid8;
    running xid8[] := ARRAY(SELECT pg_snapshot_xip(seen));
    target record;
    reading record;
    rows text;
    present bigint[];
    gone bigint[];
    remaining bigint[];
    parts text[] := '{}';
    newest xid8;
BEGIN
    -- A poll mostly finds nothing, and the end of the index tells. (What follows is planned anew at
    -- every call, for the cursor's own value; that takes longer than all the rest of such a poll. An
    -- EXISTS for any cursor would be planned once, and as a scan of the whole log.)
    IF push = '[]' AND running = '{}' THEN
        SELECT l.xid INTO newest FROM sync_log l
         WHERE l.xid IS DISTINCT FROM own ORDER BY l.xid DESC LIMIT 1;
        IF newest IS NULL OR newest < pg_snapshot_xmax(seen) THEN
            RETURN '[]';
        END IF;
    END IF;
    FOR target IN
        WITH logged AS (
            SELECT l.tbl, l.row_id, l.op, l.device FROM sync_log l
             WHERE l.xid >= pg_snapshot_xmax(seen) AND l.xid IS DISTINCT FROM own
            UNION ALL
            SELECT l.tbl, l.row_id, l.op, l.device FROM sync_log l
             WHERE l.xid = ANY (running) AND l.xid IS DISTINCT FROM own
        ), pushed AS (
            SELECT s.id AS tbl, (op.value ->> 'id')::bigint AS row_id, 'U'::"char" AS op,
                   0 AS device
              FROM jsonb_array_elements(push) tx
              CROSS JOIN jsonb_array_elements(tx.value -> 'ops') op
              JOIN sync_table s ON s.name = op.value ->> 't'
             WHERE op.value ->> 'id' ~ '^[0-9]{1,18}$'
        )
        SELECT s.name, bool_or(k.op IN ('T', 'W')) AS whole, bool_or(k.op = 'W') AS rescoped,
               coalesce(array_agg(DISTINCT k.row_id) FILTER (WHERE k.op NOT IN ('T', 'W')), '{}') AS ids
          FROM (TABLE logged UNION ALL TABLE pushed) k
          JOIN sync_table s ON s.id = k.tbl
         WHERE s.active AND who.profile = ANY (s.read_by) AND who.columns ? s.name
           AND (k.op <> 'W' OR k.device = who.number OR sync_was(who.number, k.device))
         GROUP BY s.name, s.ord
         ORDER BY s.ord
    LOOP
        reading := sync_reading(who, target.name);
        EXECUTE format('SELECT coalesce(string_agg(%s::text, '','' ORDER BY r.id), ''''), '
                       'coalesce(array_agg(r.id::bigint), ''{}'') '
                       'FROM %I r WHERE (%s) AND ($1 OR r.id = ANY ($2))',
                       reading.expression, target.name, reading.condition)
           INTO rows, present USING target.whole, target.ids;
        SELECT coalesce(array_agg(g.id ORDER BY g.id), '{}') INTO gone
          FROM (SELECT unnest(target.ids) EXCEPT SELECT unnest(present)) g (id);
        remaining := '{}';
        IF reading.condition <> 'true' AND gone <> '{}' THEN
            EXECUTE format('SELECT coalesce(array_agg(r.id::bigint ORDER BY r.id), ''{}'') '
                           'FROM %I r WHERE r.id = ANY ($1)', target.name)
               INTO remaining USING gone;
        END IF;
        parts := parts || format('{"t": %s, "all": %s, "rescoped": %s, "columns": %s, "rows": [%s], '
                                 '"gone": %s, "left": %s}',
                                 to_json(target.name), to_json(target.whole), to_json(target.rescoped),
                                 who.columns -> target.name, rows, to_json(gone), to_json(remaining));
    END LOOP;
    RETURN '[' || array_to_string(parts, ',') || ']';
END
{body};
