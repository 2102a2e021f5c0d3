-- Which tables are synced, and the triggers that log every change of them.

-- Registers {version, tables: [...]} and makes the triggers. Ids of tables and bits of columns that
-- were given stay; a column that is gone keeps its bit, so that old log rows never change meaning.
CREATE OR REPLACE FUNCTION {schema}.sync_register(spec jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    entry jsonb;
    known jsonb;
    merged jsonb;
    next_bit integer;
    item jsonb;
    bit integer;
BEGIN
    UPDATE sync_table SET active = false
     WHERE name NOT IN (SELECT value ->> 'name' FROM jsonb_array_elements(spec -> 'tables'));
    FOR entry IN SELECT value FROM jsonb_array_elements(spec -> 'tables') LOOP
        SELECT s.columns INTO known FROM sync_table s WHERE s.name = entry ->> 'name';
        known := coalesce(known, '[]');
        SELECT coalesce(max((value ->> 'bit')::integer), -1) + 1 INTO next_bit
          FROM jsonb_array_elements(known);
        merged := '[]';
        FOR item IN SELECT value FROM jsonb_array_elements(entry -> 'columns') LOOP
            SELECT (value ->> 'bit')::integer INTO bit
              FROM jsonb_array_elements(known) WHERE value ->> 'name' = item ->> 'name';
            IF bit IS NULL THEN
                bit := next_bit;
                next_bit := next_bit + 1;
            END IF;
            IF bit > 62 THEN
                RAISE EXCEPTION 'table % has had more than 63 synced columns', entry ->> 'name';
            END IF;
            merged := merged || (item || jsonb_build_object('bit', bit, 'live', true));
        END LOOP;
        SELECT merged || coalesce(jsonb_agg(k.value || '{"live": false}'::jsonb), '[]') INTO merged
          FROM jsonb_array_elements(known) k
         WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(entry -> 'columns') c
                            WHERE c.value ->> 'name' = k.value ->> 'name');
        INSERT INTO sync_table AS t
               (id, name, ord, active, columns, read_by, write_by, refs, born_on_server, append_only)
        SELECT coalesce((SELECT s.id FROM sync_table s WHERE s.name = entry ->> 'name'),
                        (SELECT coalesce(max(s.id), 0) + 1 FROM sync_table s)),
               entry ->> 'name', (entry ->> 'ord')::smallint, true, merged,
               ARRAY(SELECT jsonb_array_elements_text(entry -> 'read_by')),
               ARRAY(SELECT jsonb_array_elements_text(entry -> 'write_by')),
               entry -> 'references',
               (entry ->> 'born_on_server')::boolean, (entry ->> 'append_only')::boolean
        ON CONFLICT (name) DO UPDATE
           SET ord = excluded.ord, active = true, columns = excluded.columns,
               read_by = excluded.read_by, write_by = excluded.write_by, refs = excluded.refs,
               born_on_server = excluded.born_on_server, append_only = excluded.append_only;
        PERFORM sync_capture(entry ->> 'name');
    END LOOP;
    PERFORM sync_make_writers();
    -- The cluster is known from the start: in another one, cursors of this one say nothing.
    UPDATE sync_meta SET schema_version = (spec ->> 'version')::integer,
                         system_id = coalesce(system_id, sync_system());
    -- Who was promised what is kept from it now has to ask again.
    UPDATE sync_device SET columns = NULL WHERE columns <> sync_visible(profile, columns);
END
{body};

-- Makes the functions by which pushes write, two for each table that workstations write and two that
-- find the table's: what is the same in every push is in statements that a connection plans once.
--
-- sync_insert(table, row) inserts a row of which every column is given. sync_update(table, statement,
-- row's id, new values, old values) runs a statement with the new values as a row, which plans it in
-- half the time. Both return how many rows were written.
--
-- Without a statement, sync_update has one for any columns: those that stay are given what they hold,
-- and where the old values are not the row's, to the byte, nothing is written. It returns NULL where a
-- unique column changes: a row whose key is named is locked as if that changed, so it is named for that
-- alone.
CREATE OR REPLACE FUNCTION {schema}.sync_make_writers() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    target record;
    header text := 'CREATE OR REPLACE FUNCTION %1$I.%2$s RETURNS bigint LANGUAGE plpgsql AS %3$L';
    inserts text := '';
    updates text := '';
BEGIN
    FOR target IN
        SELECT s.id, s.name, string_agg(quote_ident(c.value ->> 'name'), ', ') AS names,
               string_agg(format('n.%I', c.value ->> 'name'), ', ') AS given,
               coalesce(array_agg(c.value ->> 'name') FILTER (WHERE k.is_free), '{}') AS free,
               coalesce(string_agg(format('%1$I = CASE WHEN fresh ? %1$L THEN given.%1$I ELSE r.%1$I END',
                                          c.value ->> 'name'), ', ') FILTER (WHERE k.is_free),
                        'id = r.id') AS assigned
          FROM sync_table s CROSS JOIN jsonb_array_elements(s.columns) c
         CROSS JOIN LATERAL (
                SELECT NOT EXISTS (
                    SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
                     WHERE i.indrelid = to_regclass(quote_ident(s.name)) AND i.indisunique
                       AND a.attnum = ANY (i.indkey) AND a.attname = c.value ->> 'name')) k (is_free)
         WHERE s.active AND (c.value ->> 'live')::boolean AND s.write_by <> '{}'
         GROUP BY s.id ORDER BY s.id
    LOOP
        EXECUTE format(header, {schema_literal}, format('sync_insert_%s(fresh jsonb)', target.id),
                       format($source$
DECLARE
    written bigint;
BEGIN
    -- ON CONFLICT DO NOTHING: a bare insert into an exclusion constraint deadlocks with another.
    INSERT INTO %1$I (%2$s) OVERRIDING SYSTEM VALUE
    SELECT %3$s FROM jsonb_populate_record(NULL::%1$I, fresh) n ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$source$, target.name, target.names, target.given));
        EXECUTE format(header, {schema_literal}, format(
            'sync_update_%s(statement text, row_no bigint, fresh jsonb, seen jsonb)', target.id),
                       format($source$
#variable_conflict use_variable
DECLARE
    given %2$I.%1$I := jsonb_populate_record(NULL::%1$I, fresh);
    written bigint;
BEGIN
    IF statement IS NOT NULL THEN
        EXECUTE statement USING row_no, given, seen;
    ELSIF fresh - %3$L::text[] <> '{}' THEN
        RETURN NULL;
    ELSE
        UPDATE %1$I r SET %4$s WHERE r.id = row_no AND jsonb_populate_record(r, seen) *= r;
    END IF;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$source$, target.name, {schema_literal}, target.free, target.assigned));
        inserts := inserts || format('WHEN %1$s THEN RETURN sync_insert_%1$s(fresh); ', target.id);
        updates := updates || format('WHEN %1$s THEN RETURN sync_update_%1$s(statement, row_no, fresh, seen); ',
                                     target.id);
    END LOOP;
    IF inserts = '' THEN
        RETURN;
    END IF;
    EXECUTE format(header, {schema_literal}, 'sync_insert(table_id smallint, fresh jsonb)',
                   format('BEGIN CASE table_id %sEND CASE; END', inserts));
    EXECUTE format(header, {schema_literal},
                   'sync_update(table_id smallint, statement text, row_no bigint, fresh jsonb, seen jsonb)',
                   format('BEGIN CASE table_id %sEND CASE; END', updates));
END
{body};

-- The device that a transaction writes for: 0 unless sync_exchange says so and the session is that
-- device's own. Settings are anybody's to make; the role that logged in is not. (Not in SQL: that would
-- be planned anew at every statement of a push.)
CREATE OR REPLACE FUNCTION {schema}.sync_origin() RETURNS integer
LANGUAGE plpgsql STABLE
AS {body}
BEGIN
    RETURN coalesce((SELECT d.number FROM sync_device d
                      WHERE d.role_name = session_user
                        AND d.number::text = current_setting('sync.device', true)), 0);
END
{body};

-- The log's mark of a row that came to be; an error where its id is not the writer's to give. Who owns
-- the tenant may load any row: a backup brings back rows of every device. (Called for a row at a time,
-- by functions that pin the path: a SET of its own would cost more than all it does.)
CREATE OR REPLACE FUNCTION {schema}.sync_born(row_no bigint, origin integer) RETURNS "char"
LANGUAGE plpgsql STABLE
AS {body}
BEGIN
    IF row_no >> 39 <> 0 AND row_no >> 39 <> origin
       AND NOT (origin <> 0 AND sync_was(origin, row_no >> 39))
       AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
        RAISE EXCEPTION 'the id % is not this writer''s to give', row_no
              USING ERRCODE = 'check_violation', CONSTRAINT = 'sync_id_range';
    END IF;
    RETURN 'I';
END
{body};

-- Makes the capture triggers of one registered table.
--
-- They are statement triggers over transition tables. Old and new rows meet in a FULL JOIN because
-- that can only be hashed or merged: a plan cached for one row must not become a nested loop over a
-- hundred thousand. It also shows a changed id for what it is, a row gone and a row come. The memory
-- is for that join: with the default of 4 MB a bulk update is written to temporary files.
CREATE OR REPLACE FUNCTION {schema}.sync_capture(table_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    entry sync_table;
    function_name text;
    whole bigint;
    changed text;
    differs text;
    -- Hidden in subselects: with the variables themselves the server plans anew for every commit (0.2 to
    -- 0.3 ms more), for the plan for a known value looks a little cheaper. The block's name keeps them
    -- apart from columns.
    origin text := '(SELECT capture.origin)';
    writer text := origin || ', (SELECT capture.actor), now()';
    source text;
    operation text;
    timing text;
    referencing text;
BEGIN
    SELECT * INTO STRICT entry FROM sync_table WHERE name = table_name;
    function_name := 'sync_capture_' || entry.id;
    SELECT bit_or(1::bigint << (value ->> 'bit')::integer),
           string_agg(format('CASE WHEN o.%1$I IS DISTINCT FROM n.%1$I THEN %2$s ELSE 0 END',
                             value ->> 'name', 1::bigint << (value ->> 'bit')::integer), ' | '),
           string_agg(format(' OR o.%1$I IS DISTINCT FROM n.%1$I', value ->> 'name'), '')
      INTO whole, changed, differs
      FROM jsonb_array_elements(entry.columns)
     WHERE (value ->> 'live')::boolean AND value ->> 'name' <> 'id';
    whole := coalesce(whole, 0) | 1;

    source := format($source$
<<capture>>
DECLARE
    origin integer := CASE WHEN current_setting('sync.device', true) <> '' THEN sync_origin() ELSE 0 END;
    actor bigint := CASE WHEN origin <> 0 THEN nullif(current_setting('sync.actor', true), '')::bigint END;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO sync_log (xid, tbl, row_id, op, cols, device, actor, at)
        SELECT pg_current_xact_id(), %1$s, n.id,
               CASE WHEN n.id::bigint >> 39 = 0 THEN 'I'::"char" ELSE sync_born(n.id, %8$s) END,
               %2$s, %4$s FROM new_rows n;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO sync_log (xid, tbl, row_id, op, cols, device, actor, at)
        SELECT pg_current_xact_id(), %1$s, coalesce(n.id, o.id),
               CASE WHEN o.id IS NULL THEN sync_born(n.id, %8$s)
                    WHEN n.id IS NULL THEN 'D'::"char" ELSE 'U'::"char" END,
               CASE WHEN o.id IS NULL OR n.id IS NULL THEN %2$s ELSE %3$s END, %4$s
          FROM new_rows n FULL JOIN old_rows o ON o.id = n.id
         WHERE o.id IS NULL OR n.id IS NULL%5$s;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO sync_log (xid, tbl, row_id, op, cols, device, actor, at)
        SELECT pg_current_xact_id(), %1$s, o.id, 'D', %2$s, %4$s FROM old_rows o;
    ELSE
        -- Before the truncation: the rows that are going, and a mark, because a transaction that
        -- reads an old snapshot truncates rows that it does not see.
        INSERT INTO sync_log (xid, tbl, row_id, op, cols, device, actor, at)
        SELECT pg_current_xact_id(), %1$s, r.id, 'D'::"char", %2$s, %4$s FROM %7$I r
        UNION ALL
        SELECT pg_current_xact_id(), %1$s, 0, 'T'::"char", %2$s, %4$s;
    END IF;
    IF FOUND THEN
        PERFORM pg_notify(%6$L, '');
    END IF;
    RETURN NULL;
END
$source$, entry.id, whole, coalesce(changed, '0'), writer, coalesce(differs, ''), {channel_literal}, table_name,
                     origin);
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.%2$I() RETURNS trigger LANGUAGE plpgsql '
                   'SECURITY DEFINER SET search_path = pg_catalog, %1$I, pg_temp '
                   'SET work_mem = ''32MB'' AS %3$L',
                   {schema_literal}, function_name, source);
    FOR operation, timing, referencing IN
        VALUES ('insert', 'AFTER', 'REFERENCING NEW TABLE AS new_rows'),
               ('update', 'AFTER', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'),
               ('delete', 'AFTER', 'REFERENCING OLD TABLE AS old_rows'),
               ('truncate', 'BEFORE', '')
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER sync_capture_%1$s %6$s %1$s ON %2$I.%3$I %4$s '
                       'FOR EACH STATEMENT EXECUTE FUNCTION %2$I.%5$I()',
                       operation, {schema_literal}, table_name, referencing, function_name, timing);
    END LOOP;
END
{body};
