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
    -- Columns may have come and gone, or the device is another's now: in what order it expects which
    -- of them is no longer known.
    IF who.columns IS NULL OR who.server_version IS DISTINCT FROM (SELECT m.schema_version FROM sync_meta m) THEN
        RAISE EXCEPTION 'the schema is of another version now: say hello'
              USING ERRCODE = 'SY002';
    END IF;
    RETURN who;
END
{body};

-- A table's rows in the order of ids: those named by ids, or where that is NULL those above an id (NULL:
-- all). Where the volume is full, in bytes of text, it stops after the row that fills it, and the last
-- line is {"more": true}, without an id. STABLE: it sees what its caller sees.
CREATE OR REPLACE FUNCTION {schema}.sync_lines(
    tbl text, expression text, condition text, ids bigint[], after bigint, lim integer, volume bigint)
RETURNS TABLE (id bigint, line text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    IF ids = '{}' THEN
        RETURN;
    END IF;
    FOR id, line IN EXECUTE format(
        'SELECT r.id::bigint, %s::text FROM %I r WHERE %s AND (%s) ORDER BY r.id LIMIT $3',
        expression, tbl,
        CASE WHEN ids IS NOT NULL THEN 'r.id = ANY ($1)' WHEN after IS NOT NULL THEN 'r.id > $2'
             ELSE 'true' END, condition) USING ids, after, lim
    LOOP
        RETURN NEXT;
        volume := volume - octet_length(line);
        IF volume <= 0 THEN
            id := NULL;
            line := '{"more": true}';
            RETURN NEXT;
            RETURN;
        END IF;
    END LOOP;
END
{body};

-- Rows after an id, in the order of ids: one JSON array a row. For COPY (SELECT ...) TO STDOUT.
CREATE OR REPLACE FUNCTION {schema}.sync_read(
    device integer, tbl text, after bigint, lim integer, volume bigint)
RETURNS SETOF text LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
DECLARE
    reading record;
BEGIN
    reading := sync_reading(sync_reader(device), tbl);
    RETURN QUERY SELECT l.line FROM sync_lines(tbl, reading.expression, reading.condition, NULL,
                                               coalesce(after, 0), lim, volume) l;
END
{body};

CREATE OR REPLACE FUNCTION {schema}.sync_read_ids(
    device integer, tbl text, ids bigint[], volume bigint)
RETURNS SETOF text LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
DECLARE
    reading record;
BEGIN
    reading := sync_reading(sync_reader(device), tbl);
    RETURN QUERY SELECT l.line FROM sync_lines(tbl, reading.expression, reading.condition,
                                               coalesce(ids, '{}'), NULL, NULL, volume) l;
END
{body};

-- The same without a bound, for programs of version 1: they would take a bounded answer for all.
CREATE OR REPLACE FUNCTION {schema}.sync_read(device integer, tbl text, after bigint, lim integer)
RETURNS SETOF text LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT * FROM sync_read(device, tbl, after, lim, NULL);
{body};

CREATE OR REPLACE FUNCTION {schema}.sync_read_ids(device integer, tbl text, ids bigint[])
RETURNS SETOF text LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT * FROM sync_read_ids(device, tbl, ids, NULL);
{body};

-- The JSON list of what changed since a cursor, and of every row that a push names. Of what is gone,
-- left says which rows are there and not for this device any more; rescoped says so of all that an
-- answer with all does not list. Rows come until their text fills the volume, in bytes (NULL: all); of
-- what is beyond, later has the ids. What the push names comes in any case.
--
-- STABLE, so that it sees exactly the snapshot of the statement that calls it: the statement reads
-- pg_current_snapshot() beside it, and that is the next cursor. A cursor names, after a bar, the
-- transaction that made it: what that one wrote was answered already.
DROP FUNCTION IF EXISTS {schema}.sync_delta({schema}.sync_device, text, jsonb);
CREATE OR REPLACE FUNCTION {schema}.sync_delta(
    who {schema}.sync_device, since text, push jsonb, volume bigint)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
SET timezone = 'UTC'
AS {body}
DECLARE
    seen pg_snapshot := split_part(since, '|', 1)::pg_snapshot;
    own xid8 := nullif(split_part(since, '|', 2), '')::xid8;
    running xid8[] := ARRAY(SELECT pg_snapshot_xip(seen));
    target record;
    reading record;
    others bigint[];
    named record;
    inline record;
    later bigint[];
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
            SELECT s.id AS tbl, (op.value ->> 'id')::bigint AS row_id, 'P'::"char" AS op,
                   0 AS device
              FROM jsonb_array_elements(push) tx
              CROSS JOIN jsonb_array_elements(tx.value -> 'ops') op
              JOIN sync_table s ON s.name = op.value ->> 't'
             WHERE op.value ->> 'id' ~ '^[0-9]{1,18}$'
        )
        SELECT s.name, bool_or(k.op IN ('T', 'W')) AS whole, bool_or(k.op = 'W') AS rescoped,
               coalesce(array_agg(DISTINCT k.row_id) FILTER (WHERE k.op NOT IN ('T', 'W')), '{}') AS ids,
               coalesce(array_agg(DISTINCT k.row_id) FILTER (WHERE k.op = 'P'), '{}') AS named
          FROM (TABLE logged UNION ALL TABLE pushed) k
          JOIN sync_table s ON s.id = k.tbl
         WHERE s.active AND who.profile = ANY (s.read_by) AND who.columns ? s.name
           AND (k.op <> 'W' OR k.device = who.number OR sync_was(who.number, k.device))
         GROUP BY s.name, s.ord
         ORDER BY s.ord
    LOOP
        reading := sync_reading(who, target.name);
        SELECT array_agg(l.id) AS ids, string_agg(l.line, ',') AS lines,
               coalesce(sum(octet_length(l.line)), 0) AS volume
          INTO named
          FROM sync_lines(target.name, reading.expression, reading.condition, target.named,
                          NULL, NULL, NULL) l;
        volume := volume - named.volume;
        IF NOT target.whole THEN
            others := ARRAY(SELECT unnest(target.ids) EXCEPT SELECT unnest(target.named));
        END IF;
        SELECT array_agg(l.id) FILTER (WHERE l.id IS NOT NULL) AS ids,
               string_agg(l.line, ',') FILTER (WHERE l.id IS NOT NULL
                                                 AND l.id <> ALL (target.named)) AS lines,
               coalesce(sum(octet_length(l.line)), 0) AS volume
          INTO inline
          FROM sync_lines(target.name, reading.expression, reading.condition,
                          CASE WHEN target.whole THEN NULL ELSE others END, NULL,
                          CASE WHEN volume <= 0 THEN 0 END, volume) l;
        volume := volume - inline.volume;
        later := '{}';
        IF volume <= 0 THEN
            EXECUTE format('SELECT coalesce(array_agg(r.id::bigint ORDER BY r.id), ''{}'') FROM %I r '
                           'WHERE (%s) AND ($1 OR r.id = ANY ($2)) AND ($3 IS NULL OR r.id > $3) '
                           'AND r.id <> ALL ($4)', target.name, reading.condition)
               INTO later
              USING target.whole, target.ids, inline.ids[cardinality(inline.ids)], target.named;
        END IF;
        SELECT coalesce(array_agg(g.id ORDER BY g.id), '{}') INTO gone
          FROM (SELECT unnest(target.ids)
                EXCEPT SELECT unnest(named.ids || inline.ids || later)) g (id);
        remaining := '{}';
        IF reading.condition <> 'true' AND gone <> '{}' THEN
            EXECUTE format('SELECT coalesce(array_agg(r.id::bigint ORDER BY r.id), ''{}'') '
                           'FROM %I r WHERE r.id = ANY ($1)', target.name)
               INTO remaining USING gone;
        END IF;
        parts := parts || format('{"t": %s, "all": %s, "rescoped": %s, "columns": %s, "rows": [%s], '
                                 '"later": %s, "gone": %s, "left": %s}',
                                 to_json(target.name), to_json(target.whole), to_json(target.rescoped),
                                 who.columns -> target.name, concat_ws(',', named.lines, inline.lines),
                                 to_json(later), to_json(gone), to_json(remaining));
    END LOOP;
    RETURN '[' || array_to_string(parts, ',') || ']';
END
{body};
