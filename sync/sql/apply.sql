-- One local transaction of a workstation, applied whole or rejected whole.
--
-- What is called for every operation does not pin its path: its callers do, and doing it again costs
-- more than most of it does. They return a number, and are called by assignments: PERFORM would start the
-- server's executor for each.

-- As the first version had them.
DROP FUNCTION IF EXISTS {schema}.sync_apply({schema}.sync_device, jsonb, jsonb),
    {schema}.sync_apply_op({schema}.sync_device, jsonb),
    {schema}.sync_apply_insert({schema}.sync_device, {schema}.sync_table, bigint, jsonb),
    {schema}.sync_check_row({schema}.sync_device, {schema}.sync_table, bigint);
-- As they were before they said how many rows they wrote.
DROP FUNCTION IF EXISTS {schema}.sync_apply_insert({schema}.sync_device, jsonb, bigint, jsonb, boolean),
    {schema}.sync_apply_op({schema}.sync_device, jsonb, jsonb, boolean);

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
LANGUAGE sql IMMUTABLE
AS {body}
    SELECT CASE WHEN jsonb_typeof(given) = 'object' THEN given ELSE '{}' END;
{body};

-- {table: rule}: what a push has to know of the tables that it names and that its device may write.
-- Asked once for a push, and not with each of its operations.
CREATE OR REPLACE FUNCTION {schema}.sync_rules(who {schema}.sync_device, push jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT coalesce(jsonb_object_agg(s.name, jsonb_build_object(
               'id', s.id, 'name', s.name,
               'born_on_server', s.born_on_server, 'append_only', s.append_only,
               'columns', c.live, 'stamps', c.stamps, 'kept', c.kept,
               -- A trigger of some columns fires where a statement names one, whatever it does to it.
               'named', EXISTS (SELECT FROM pg_trigger t
                                 WHERE t.tgrelid = to_regclass(quote_ident(s.name)) AND t.tgattr <> ''),
               'condition', sync_filter_sql(who, s.name),
               'writing', sync_writing_sql(who, s.name))), '{}')
      FROM sync_table s
     CROSS JOIN LATERAL (
            SELECT array_agg(c.value ->> 'name') FILTER (WHERE (c.value ->> 'live')::boolean)::text
                       AS live,
                   coalesce(array_agg(c.value ->> 'name')
                            FILTER (WHERE (c.value ->> 'stamp')::boolean), '{}')::text AS stamps,
                   bool_or(sync_hidden(c.value, who.profile)) AS kept
              FROM jsonb_array_elements(s.columns) c) c
     WHERE s.active AND who.profile = ANY (s.write_by)
       AND s.name IN (SELECT op.value ->> 't' FROM jsonb_array_elements(push) tx
                       CROSS JOIN jsonb_array_elements(tx.value -> 'ops') op);
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

-- Makes a row; how many were written.
CREATE OR REPLACE FUNCTION {schema}.sync_apply_insert(
    who {schema}.sync_device, rule jsonb, row_no bigint, fresh jsonb, again boolean) RETURNS bigint
LANGUAGE plpgsql
AS {body}
DECLARE
    table_name text := rule ->> 'name';
    condition text := rule ->> 'condition';
    writing text := rule ->> 'writing';
    statement text;
    allowed boolean := true;
    written bigint;
BEGIN
    IF (rule -> 'born_on_server')::boolean THEN
        PERFORM sync_reject('forbidden', format('rows of %s are made on the server only', table_name));
    END IF;
    -- What is offered again has the id that it was acknowledged with, under the number of that time
    -- or of the copy that had pushed it.
    IF row_no >> 39 <> who.number AND NOT (again AND sync_kin(who, row_no >> 39)) THEN
        PERFORM sync_reject('foreign_id', format('device %s does not give the id %s', who.number, row_no));
    END IF;
    fresh := fresh || jsonb_build_object('id', row_no);
    IF condition <> 'true' OR writing <> 'true' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM jsonb_populate_record(NULL::%I, $1) r '
                       'WHERE (%s) AND (%s))', table_name, condition, writing)
           INTO allowed USING fresh;
    END IF;
    IF NOT allowed THEN
        PERFORM sync_reject('forbidden', format('this device does not make such rows in %s', table_name));
    END IF;
    -- A workstation sends every column that it knows, mostly all: that statement is planned already.
    IF fresh ?& (rule ->> 'columns')::text[] THEN
        written := sync_insert((rule -> 'id')::smallint, fresh);
        IF written > 0 THEN
            RETURN written;
        END IF;
    END IF;
    SELECT format('INSERT INTO %1$I (%2$s) OVERRIDING SYSTEM VALUE '
                  'SELECT %3$s FROM jsonb_populate_record(NULL::%1$I, $1) n', table_name,
                  string_agg(quote_ident(key), ', '), string_agg('n.' || quote_ident(key), ', '))
      INTO statement FROM jsonb_object_keys(fresh) key;
    IF written IS NULL THEN
        -- ON CONFLICT DO NOTHING: a bare insert into an exclusion constraint deadlocks with another.
        EXECUTE statement || ' ON CONFLICT DO NOTHING' USING fresh;
        GET DIAGNOSTICS written = ROW_COUNT;
    END IF;
    IF written = 0 THEN
        -- What stands in the way is committed; the bare insert now says what it is.
        EXECUTE statement USING fresh;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written = 0 THEN
            PERFORM sync_reject('rule', format('a rule of %s does not accept the row', table_name));
        END IF;
    END IF;
    RETURN written;
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
             format('CASE WHEN r.%1$I IS NOT DISTINCT FROM o.%1$I OR ($4 AND r.%1$I IS NOT '
                    'DISTINCT FROM n.%1$I) THEN NULL ELSE %1$L END', name), ', '), 'NULL')
      INTO tests FROM unnest(names) name;
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
CREATE OR REPLACE FUNCTION {schema}.sync_check_row(rule jsonb, row_no bigint) RETURNS void
LANGUAGE plpgsql
AS {body}
DECLARE
    table_name text := rule ->> 'name';
    condition text := rule ->> 'condition';
    writing text := rule ->> 'writing';
    present boolean;
    writable boolean;
BEGIN
    IF condition = 'true' AND writing = 'true' THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT (%s) IS TRUE, (%s) IS TRUE FROM %I r WHERE r.id = $1',
                   condition, writing, table_name) INTO present, writable USING row_no;
    IF NOT present THEN
        PERFORM sync_reject('forbidden', format('this device has not got that row of %s', table_name),
                            '{"scope": "row"}');
    ELSIF NOT writable THEN
        PERFORM sync_reject('forbidden', format('this device does not change that row of %s', table_name));
    END IF;
END
{body};

-- Changes a row that is there and holds what the workstation last saw; how many rows were written.
CREATE OR REPLACE FUNCTION {schema}.sync_apply_update(
    rule jsonb, row_no bigint, seen jsonb, fresh jsonb) RETURNS bigint
LANGUAGE plpgsql
AS {body}
DECLARE
    entry {schema}.sync_table;
    table_id smallint := rule -> 'id';
    stamps text[] := rule ->> 'stamps';
    compared text[];
    -- Every column that changes, but for stamps, was seen: what was seen, laid over them, leaves none.
    complete boolean := fresh <> '{}' AND (fresh - stamps) || seen = seen;
    statement text;
    written bigint;
BEGIN
    -- Mostly the row, with what was seen laid over it, is the row as it is, to the byte. Where it is
    -- not, that may mean nothing: column by column it is looked at closer.
    IF complete AND NOT (rule -> 'named')::boolean THEN
        written := sync_update(table_id, NULL, row_no, fresh, seen - stamps);
        IF written > 0 THEN
            RETURN written;
        END IF;
    END IF;
    SELECT format('UPDATE %I r SET %s WHERE r.id = $1', rule ->> 'name',
                  string_agg(format('%1$I = ($2).%1$I', name), ', '))
      INTO statement FROM jsonb_object_keys(fresh) name;
    IF complete AND written IS NULL THEN
        written := sync_update(table_id, statement || ' AND jsonb_populate_record(r, $3) *= r',
                               row_no, fresh, seen - stamps);
    END IF;
    IF coalesce(written, 0) = 0 THEN
        SELECT * INTO STRICT entry FROM sync_table WHERE id = table_id;
        compared := ARRAY(SELECT jsonb_object_keys(fresh - stamps) k ORDER BY k);
        IF NOT sync_expect(entry, row_no, compared, seen, fresh) THEN
            PERFORM sync_reject('gone', 'the row was deleted', jsonb_build_object(
                'by', sync_blame(entry.id, row_no, -1)));
        END IF;
        written := CASE WHEN fresh = '{}' THEN 1
                        ELSE sync_update(table_id, statement, row_no, fresh, NULL) END;
    END IF;
    RETURN written;
END
{body};

-- Does one operation; how many rows were written, or were as they were to be.
CREATE OR REPLACE FUNCTION {schema}.sync_apply_op(
    who {schema}.sync_device, rules jsonb, op jsonb, again boolean) RETURNS bigint
LANGUAGE plpgsql
AS {body}
DECLARE
    rule jsonb := rules -> (op ->> 't');
    entry {schema}.sync_table;
    row_no bigint;
    kind text := op ->> 'k';
    fresh jsonb := sync_object(op -> 'new');
    seen jsonb := sync_object(op -> 'old');
    everywhere boolean := rule ->> 'condition' = 'true' AND rule ->> 'writing' = 'true';
    written bigint := 1;
BEGIN
    IF rule IS NULL THEN
        PERFORM sync_reject('forbidden', format('this device does not write table %s', op ->> 't'));
    END IF;
    IF kind NOT IN ('I', 'U', 'D') OR kind IS NULL OR coalesce(op ->> 'id', '') !~ '^[0-9]{1,18}$' THEN
        PERFORM sync_reject('invalid', 'an operation names a row and is I, U or D');
    END IF;
    IF (rule -> 'append_only')::boolean AND kind <> 'I' THEN
        PERFORM sync_reject('append_only', format('rows of %s are never changed', rule ->> 'name'));
    END IF;
    row_no := (op ->> 'id')::bigint;
    IF (CASE kind WHEN 'D' THEN seen ELSE fresh END) - (rule ->> 'columns')::text[] <> '{}'
       OR (kind = 'U' AND fresh ? 'id') THEN
        PERFORM sync_reject('invalid', format('an operation names columns that %s does not have',
                                              rule ->> 'name'));
    END IF;
    IF (rule -> 'kept')::boolean THEN
        SELECT * INTO STRICT entry FROM sync_table WHERE name = rule ->> 'name';
        PERFORM sync_check_columns(who, entry, seen || fresh);
    END IF;

    IF kind = 'I' THEN
        written := sync_apply_insert(who, rule, row_no, fresh, again);
    ELSIF kind = 'U' AND everywhere THEN
        written := sync_apply_update(rule, row_no, seen, fresh);
    ELSIF kind = 'U' THEN
        PERFORM sync_check_row(rule, row_no);
        written := sync_apply_update(rule, row_no, seen, fresh);
        PERFORM sync_check_row(rule, row_no);
    ELSE
        PERFORM sync_check_row(rule, row_no);
        SELECT * INTO STRICT entry FROM sync_table WHERE name = rule ->> 'name';
        seen := seen - (rule ->> 'stamps')::text[];
        IF sync_expect(entry, row_no, ARRAY(SELECT jsonb_object_keys(seen) k ORDER BY k), seen, NULL) THEN
            EXECUTE format('DELETE FROM %I WHERE id = $1', entry.name) USING row_no;
            GET DIAGNOSTICS written = ROW_COUNT;
        END IF;
    END IF;
    IF written = 0 THEN
        PERFORM sync_reject('rule', format('a rule of %s does not accept the change', rule ->> 'name'));
    END IF;
    RETURN written;
END
{body};

-- The result of one local transaction: {tx, status: applied} or {tx, status: rejected, ...}.
--
-- Trouble that is not the transaction's fault (a deadlock, no disk space, a cancelled statement) is
-- raised on, so that the whole exchange is tried again.
CREATE OR REPLACE FUNCTION {schema}.sync_apply(
    who {schema}.sync_device, rules jsonb, tx jsonb, blocked jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
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
    written bigint;
BEGIN
    IF blocked <> '{}' THEN
        FOR op IN SELECT value FROM jsonb_array_elements(tx -> 'ops') LOOP
            cause := sync_depends(op, blocked);
            IF cause IS NOT NULL THEN
                RETURN jsonb_build_object(
                    'tx', tx -> 'tx', 'status', 'rejected', 'code', 'depends', 'on', cause,
                    'table', op -> 't', 'id', op -> 'id',
                    'message', 'it builds on a transaction that was rejected');
            END IF;
        END LOOP;
    END IF;
    BEGIN
        FOR place IN 0 .. coalesce(jsonb_array_length(tx -> 'ops'), 0) - 1 LOOP
            op := tx -> 'ops' -> place;
            written := sync_apply_op(who, rules, op, coalesce((tx ->> 'again')::boolean, false));
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
