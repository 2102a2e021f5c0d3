-- One local transaction of a workstation, applied whole or rejected whole.

-- Ends a transaction's application with a rejection; the detail is the rejection's content.
CREATE OR REPLACE FUNCTION {schema}.sync_reject(code text, message text, more jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    RAISE EXCEPTION '%', message
          USING ERRCODE = 'SY001', DETAIL = (more || jsonb_build_object('code', code))::text;
END
{body};

-- Who last changed any of some columns of a row (or made or deleted it), as the log has it.
CREATE OR REPLACE FUNCTION {schema}.sync_blame(table_id smallint, row_no bigint, mask bigint)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT jsonb_build_object('device', l.device, 'actor', l.actor, 'at', l.at)
      FROM sync_log l
     WHERE l.tbl = table_id AND l.row_id = row_no AND l.cols & mask <> 0
     ORDER BY l.xid DESC LIMIT 1;
{body};

-- A JSON object, or an empty one for what is none.
CREATE OR REPLACE FUNCTION {schema}.sync_object(given jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS {body}
    SELECT CASE WHEN jsonb_typeof(given) = 'object' THEN given ELSE '{}' END;
{body};

-- Which rejected transaction of this push an operation builds on, or NULL. In blocked, "t/id" stands
-- for a row whose insert was rejected and "t/id/column" for a rejected change.
CREATE OR REPLACE FUNCTION {schema}.sync_depends(op jsonb, blocked jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    row_key text := concat(op ->> 't', '/', op ->> 'id');
    answer text;
BEGIN
    IF blocked = '{}' THEN
        RETURN NULL;
    END IF;
    SELECT b.value INTO answer
      FROM jsonb_each_text(blocked) b
     WHERE b.key = row_key
        OR (op ->> 'k' = 'D' AND starts_with(b.key, row_key || '/'))
        OR (op ->> 'k' = 'U'
            AND EXISTS (SELECT FROM jsonb_object_keys(sync_object(op -> 'new')) changed (name)
                         WHERE b.key = row_key || '/' || changed.name))
        OR EXISTS (SELECT FROM sync_table s CROSS JOIN jsonb_each_text(s.refs) points (name, target)
                    WHERE s.name = op ->> 't'
                      AND b.key = concat(points.target, '/', op -> 'new' ->> points.name))
     LIMIT 1;
    RETURN answer;
END
{body};

-- What a rejected transaction blocks.
CREATE OR REPLACE FUNCTION {schema}.sync_blocks(tx jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT coalesce(jsonb_object_agg(b.key, tx ->> 'tx'), '{}')
      FROM jsonb_array_elements(tx -> 'ops') op
     CROSS JOIN LATERAL (
            SELECT concat(op.value ->> 't', '/', op.value ->> 'id') WHERE op.value ->> 'k' = 'I'
            UNION ALL
            SELECT concat(op.value ->> 't', '/', op.value ->> 'id', '/', changed.name)
              FROM jsonb_object_keys(sync_object(op.value -> 'new')) changed (name)
             WHERE op.value ->> 'k' = 'U') b (key);
{body};

CREATE OR REPLACE FUNCTION {schema}.sync_apply_insert(
    who {schema}.sync_device, entry {schema}.sync_table, row_no bigint, fresh jsonb, again boolean)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    statement text;
    condition text := sync_filter_sql(who, entry.name);
    writing text := sync_writing_sql(who, entry.name);
    allowed boolean := true;
    written bigint;
BEGIN
    IF entry.born_on_server THEN
        PERFORM sync_reject('forbidden', format('rows of %s are made on the server only', entry.name));
    END IF;
    -- What is offered again has the id that it was acknowledged with, under the number of that time.
    IF row_no >> 39 <> who.number AND NOT (again AND sync_was(who.number, row_no >> 39)) THEN
        PERFORM sync_reject('foreign_id', format('device %s does not give the id %s', who.number, row_no));
    END IF;
    fresh := fresh || jsonb_build_object('id', row_no);
    IF condition <> 'true' OR writing <> 'true' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM jsonb_populate_record(NULL::%I, $1) r '
                       'WHERE (%s) AND (%s))', entry.name, condition, writing)
           INTO allowed USING fresh;
    END IF;
    IF NOT allowed THEN
        PERFORM sync_reject('forbidden', format('this device does not make such rows in %s', entry.name));
    END IF;
    SELECT format('INSERT INTO %1$I (%2$s) OVERRIDING SYSTEM VALUE '
                  'SELECT %3$s FROM jsonb_populate_record(NULL::%1$I, $1) n', entry.name,
                  string_agg(quote_ident(key), ', '), string_agg('n.' || quote_ident(key), ', '))
      INTO statement FROM jsonb_object_keys(fresh) key;
    -- ON CONFLICT DO NOTHING: a bare insert into an exclusion constraint deadlocks with another.
    EXECUTE statement || ' ON CONFLICT DO NOTHING' USING fresh;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written = 0 THEN
        -- What stands in the way is committed; the bare insert now says what it is.
        EXECUTE statement USING fresh;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written = 0 THEN
            PERFORM sync_reject('rule', format('a rule of %s does not accept the row', entry.name));
        END IF;
    END IF;
END
{body};

-- Compares a row with the values that a workstation last saw, column by column; rejects where one
-- holds neither those nor, already, the new ones.
CREATE OR REPLACE FUNCTION {schema}.sync_expect(
    entry {schema}.sync_table, row_no bigint, names text[], seen jsonb, fresh jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    tests text;
    differing text[];
    image json;
    theirs jsonb;
    mask bigint;
BEGIN
    SELECT coalesce(string_agg(
             CASE WHEN (c.value ->> 'stamp')::boolean THEN 'NULL' ELSE
               format('CASE WHEN r.%1$I IS NOT DISTINCT FROM o.%1$I OR ($4 AND r.%1$I IS NOT '
                      'DISTINCT FROM n.%1$I) THEN NULL ELSE %1$L END', asked.name) END, ', '), 'NULL')
      INTO tests
      FROM unnest(names) asked (name)
      JOIN jsonb_array_elements(entry.columns) c ON c.value ->> 'name' = asked.name;
    EXECUTE format('SELECT array_remove(ARRAY[%1$s]::text[], NULL), %2$s FROM %3$I r, '
                   'jsonb_populate_record(NULL::%3$I, $2) o, jsonb_populate_record(NULL::%3$I, $3) n '
                   'WHERE r.id = $1 FOR NO KEY UPDATE OF r',
                   tests, sync_row_sql(entry, names), entry.name)
       INTO differing, image USING row_no, seen, coalesce(fresh, '{}'), fresh IS NOT NULL;
    IF differing IS NULL THEN
        RETURN false;
    END IF;
    IF differing <> '{}' THEN
        SELECT jsonb_object_agg(n.name, image -> (n.place::integer - 1)) INTO theirs
          FROM unnest(names) WITH ORDINALITY AS n (name, place) WHERE n.name = ANY (differing);
        SELECT bit_or(1::bigint << (value ->> 'bit')::integer) INTO mask
          FROM jsonb_array_elements(entry.columns) WHERE value ->> 'name' = ANY (differing);
        PERFORM sync_reject('conflict', 'the row was changed by somebody else', jsonb_build_object(
            'columns', to_jsonb(differing), 'theirs', theirs,
            'by', sync_blame(entry.id, row_no, mask)));
    END IF;
    RETURN true;
END
{body};

-- Whether a device may touch a row that is there; a row that is not there is nobody's.
CREATE OR REPLACE FUNCTION {schema}.sync_check_row(
    who {schema}.sync_device, entry {schema}.sync_table, row_no bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    condition text := sync_filter_sql(who, entry.name);
    writing text := sync_writing_sql(who, entry.name);
    present boolean;
    writable boolean;
BEGIN
    IF condition = 'true' AND writing = 'true' THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT (%s) IS TRUE, (%s) IS TRUE FROM %I r WHERE r.id = $1',
                   condition, writing, entry.name) INTO present, writable USING row_no;
    IF NOT present THEN
        PERFORM sync_reject('forbidden', format('this device has not got that row of %s', entry.name),
                            '{"scope": "row"}');
    ELSIF NOT writable THEN
        PERFORM sync_reject('forbidden', format('this device does not change that row of %s', entry.name));
    END IF;
END
{body};

CREATE OR REPLACE FUNCTION {schema}.sync_apply_op(
    who {schema}.sync_device, op jsonb, again boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    entry sync_table;
    row_no bigint;
    kind text := op ->> 'k';
    fresh jsonb := sync_object(op -> 'new');
    seen jsonb := sync_object(op -> 'old');
    names text[];
    statement text;
    written bigint := 1;
BEGIN
    SELECT * INTO entry FROM sync_table WHERE name = op ->> 't' AND active;
    IF entry.id IS NULL OR NOT who.profile = ANY (entry.write_by) THEN
        PERFORM sync_reject('forbidden', format('this device does not write table %s', op ->> 't'));
    END IF;
    IF kind NOT IN ('I', 'U', 'D') OR kind IS NULL OR coalesce(op ->> 'id', '') !~ '^[0-9]{1,18}$' THEN
        PERFORM sync_reject('invalid', 'an operation names a row and is I, U or D');
    END IF;
    IF entry.append_only AND kind <> 'I' THEN
        PERFORM sync_reject('append_only', format('rows of %s are never changed', entry.name));
    END IF;
    row_no := (op ->> 'id')::bigint;
    names := ARRAY(SELECT jsonb_object_keys(CASE kind WHEN 'D' THEN seen ELSE fresh END) k ORDER BY k);
    IF EXISTS (SELECT FROM unnest(names) asked (name)
                WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(entry.columns) c
                                   WHERE c.value ->> 'name' = asked.name
                                     AND (c.value ->> 'live')::boolean))
       OR (kind = 'U' AND 'id' = ANY (names)) THEN
        PERFORM sync_reject('invalid', format('an operation names columns that %s does not have', entry.name));
    END IF;

    PERFORM sync_check_columns(who, entry, seen || fresh);
    IF kind = 'I' THEN
        PERFORM sync_apply_insert(who, entry, row_no, fresh, again);
    ELSIF kind = 'U' THEN
        PERFORM sync_check_row(who, entry, row_no);
        IF NOT sync_expect(entry, row_no, names, seen, fresh) THEN
            PERFORM sync_reject('gone', 'the row was deleted', jsonb_build_object(
                'by', sync_blame(entry.id, row_no, -1)));
        END IF;
        IF names <> '{}' THEN
            SELECT format('UPDATE %1$I r SET %2$s FROM jsonb_populate_record(NULL::%1$I, $2) n '
                          'WHERE r.id = $1', entry.name, string_agg(format('%1$I = n.%1$I', name), ', '))
              INTO statement FROM unnest(names) name;
            EXECUTE statement USING row_no, fresh;
            GET DIAGNOSTICS written = ROW_COUNT;
        END IF;
        PERFORM sync_check_row(who, entry, row_no);
    ELSE
        PERFORM sync_check_row(who, entry, row_no);
        IF sync_expect(entry, row_no, names, seen, NULL) THEN
            EXECUTE format('DELETE FROM %I WHERE id = $1', entry.name) USING row_no;
            GET DIAGNOSTICS written = ROW_COUNT;
        END IF;
    END IF;
    IF written = 0 THEN
        PERFORM sync_reject('rule', format('a rule of %s does not accept the change', entry.name));
    END IF;
END
{body};

-- The result of one local transaction: {tx, status: applied} or {tx, status: rejected, ...}.
--
-- Trouble that is not the transaction's fault (a deadlock, no disk space, a cancelled statement) is
-- raised on, so that the whole exchange is tried again.
CREATE OR REPLACE FUNCTION {schema}.sync_apply(who {schema}.sync_device, tx jsonb, blocked jsonb)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    op jsonb;
    cause text;
    state text;
    constraint_name text;
    table_name text;
    message text;
    detail text;
    more jsonb := '{}';
BEGIN
    FOR op IN SELECT value FROM jsonb_array_elements(tx -> 'ops') LOOP
        cause := sync_depends(op, blocked);
        IF cause IS NOT NULL THEN
            RETURN jsonb_build_object(
                'tx', tx -> 'tx', 'status', 'rejected', 'code', 'depends', 'on', cause,
                'table', op -> 't', 'id', op -> 'id',
                'message', 'it builds on a transaction that was rejected');
        END IF;
    END LOOP;
    BEGIN
        FOR op IN SELECT value FROM jsonb_array_elements(tx -> 'ops') LOOP
            PERFORM sync_apply_op(who, op, coalesce((tx ->> 'again')::boolean, false));
        END LOOP;
        RETURN jsonb_build_object('tx', tx -> 'tx', 'status', 'applied');
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, constraint_name = CONSTRAINT_NAME,
            table_name = TABLE_NAME, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
        IF left(state, 2) IN ('08', '25', '40', '53', '57', '58', 'XX') OR state = '55P03' THEN
            RAISE;
        END IF;
    END;
    IF state = 'SY001' THEN
        more := detail::jsonb;
    ELSE
        more := jsonb_build_object('code', CASE
            WHEN state = '23P01' THEN 'overlap'
            WHEN state = '23505' THEN 'duplicate'
            WHEN state IN ('23503', '23001') AND op ->> 'k' = 'D' THEN 'in_use'
            WHEN state = '23503' THEN 'parent_missing'
            WHEN state = '23001' THEN 'append_only'
            WHEN state = '42501' THEN 'forbidden'
            WHEN state = 'P0001' THEN 'rule'
            ELSE 'invalid' END, 'sqlstate', state);
    END IF;
    RETURN jsonb_strip_nulls(jsonb_build_object('constraint', nullif(constraint_name, '')))
        || more || jsonb_build_object(
        'tx', tx -> 'tx', 'status', 'rejected', 'table', op -> 't', 'id', op -> 'id',
        'message', message);
END
{body};
