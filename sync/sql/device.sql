-- Who calls, and how it begins.

-- The device that calls, or why it is refused. Devices are known by the role they log in with.
CREATE OR REPLACE FUNCTION {schema}.sync_enter(
    request jsonb, OUT refusal jsonb, OUT who {schema}.sync_device, OUT meta {schema}.sync_meta)
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'sync functions run at read committed, each call in a transaction of its own'
              USING ERRCODE = 'invalid_transaction_state';
    END IF;
    -- A cursor excepts the transaction that made it: what a second call in it does would be missed.
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'sync functions want a transaction of their own'
              USING ERRCODE = 'invalid_transaction_state';
    END IF;
    -- What is answered must outlive a crash of the server, whatever the clinic's server is set to.
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    -- Who waits for a forgotten transaction's row holds practitioners' locks meanwhile: not for long.
    IF current_setting('lock_timeout') = '0' THEN
        PERFORM set_config('lock_timeout', '5s', true);
    END IF;
    IF NOT pg_try_advisory_xact_lock_shared(hashtext('consultorio'), hashtext({schema_literal})) THEN
        refusal := '{"status": "migrating"}';
        RETURN;
    END IF;
    SELECT * INTO STRICT meta FROM sync_meta;
    SELECT * INTO who FROM sync_device
     WHERE number = (request ->> 'device')::integer AND role_name = session_user
       FOR NO KEY UPDATE;
    refusal := CASE
        -- A login that is known under another number: this one was given after the backup that the
        -- schema was put back to.
        WHEN who.number IS NULL AND EXISTS (SELECT FROM sync_device d WHERE d.role_name = session_user
                                               AND d.revoked_at IS NULL)
        THEN jsonb_build_object('status', 'epoch', 'epoch', meta.epoch, 'lost', true)
        WHEN who.number IS NULL THEN '{"status": "unknown_device"}'::jsonb
        WHEN who.revoked_at IS NOT NULL THEN '{"status": "revoked"}'::jsonb
        WHEN (request ->> 'protocol')::integer > 1
          OR (request ->> 'schema_version')::integer > meta.schema_version
        THEN jsonb_build_object('status', 'server_too_old', 'schema_version', meta.schema_version)
        WHEN (request ->> 'protocol')::integer < 1
          OR (request ->> 'schema_version')::integer < meta.min_client_version
        THEN jsonb_build_object('status', 'client_too_old', 'schema_version', meta.schema_version)
        END;
END
{body};

-- Whether the device must say again which columns it knows: it or the server is of another version.
CREATE OR REPLACE FUNCTION {schema}.sync_needs_hello(
    who {schema}.sync_device, meta {schema}.sync_meta, request jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT who.columns IS NULL
        OR who.schema_version IS DISTINCT FROM (request ->> 'schema_version')::integer
        OR who.server_version IS DISTINCT FROM meta.schema_version;
{body};

-- The device's next nonce, or NULL where it is a copy of another: neither the nonce that the server
-- gave last nor the repeat of the exchange whose answer may have been lost. The repeat gets the nonce
-- that the exchange was given: the network may bring the first request after it, when its answer was
-- heard already. It counts all the same: who heard it has come further than a backup made before it.
CREATE OR REPLACE FUNCTION {schema}.sync_rotate(who {schema}.sync_device, request jsonb)
RETURNS uuid LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    next_nonce uuid := gen_random_uuid();
BEGIN
    IF request ->> 'exchange' IS NULL THEN
        RAISE EXCEPTION 'a request names its exchange' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF who.nonce IS NOT NULL AND who.nonce IS DISTINCT FROM (request ->> 'nonce')::uuid THEN
        IF who.last_exchange IS DISTINCT FROM (request ->> 'exchange')::uuid THEN
            RETURN NULL;
        END IF;
        next_nonce := who.nonce;
    END IF;
    UPDATE sync_device
       SET nonce = next_nonce, generation = generation + 1,
           last_exchange = (request ->> 'exchange')::uuid, last_seen = now()
     WHERE number = who.number;
    RETURN next_nonce;
END
{body};

-- What a copied device is answered: it goes on with sync_recover. A program of version 1, which has no
-- generation, does not know that; it is given a number and a nonce here, and told which of the
-- transactions that it pushes the server has.
CREATE OR REPLACE FUNCTION {schema}.sync_fork(who {schema}.sync_device, request jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    twin integer;
    twin_nonce uuid := gen_random_uuid();
BEGIN
    IF request ? 'generation' THEN
        RETURN '{"status": "forked"}';
    END IF;
    -- Numbers given by hand may be ahead of the sequence; those are passed over.
    WHILE twin IS NULL LOOP
        INSERT INTO sync_device (role_name, profile, practitioner_id, label, nonce, columns,
                                 schema_version, server_version, last_seen, forked_from)
        VALUES (who.role_name, who.profile, who.practitioner_id, who.label, twin_nonce,
                who.columns, who.schema_version, who.server_version, now(), who.number)
        ON CONFLICT (number) DO NOTHING RETURNING number INTO twin;
    END LOOP;
    RETURN jsonb_build_object(
        'status', 'forked', 'device', twin, 'nonce', twin_nonce, 'generation', 0,
        'results', coalesce((SELECT jsonb_agg(r.result)
                               FROM jsonb_array_elements(request -> 'push') t
                               JOIN sync_result r ON r.tx = (t.value ->> 'tx')::uuid), '[]'));
END
{body};

-- Says what the server is and which tables and columns this device gets, and remembers them.
CREATE OR REPLACE FUNCTION {schema}.sync_hello(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
DECLARE
    entered record;
    who sync_device;
    tables jsonb;
BEGIN
    entered := sync_enter(request);
    IF entered.refusal IS NOT NULL THEN
        RETURN entered.refusal;
    END IF;
    who := entered.who;
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'name', s.name, 'ord', s.ord, 'columns', v.value,
               'filtered', sync_filter_sql(who, s.name) <> 'true') ORDER BY s.ord), '[]')
      INTO tables
      FROM jsonb_each(sync_visible(who.profile, request -> 'columns')) v
      JOIN sync_table s ON s.name = v.key;
    UPDATE sync_device
       SET columns = coalesce((SELECT jsonb_object_agg(value ->> 'name', value -> 'columns')
                                 FROM jsonb_array_elements(tables)), '{}'),
           schema_version = (request ->> 'schema_version')::integer,
           server_version = (entered.meta).schema_version, last_seen = now()
     WHERE number = who.number;
    RETURN jsonb_build_object(
        'status', 'ok', 'tenant', (entered.meta).tenant_uuid, 'epoch', (entered.meta).epoch,
        'schema_version', (entered.meta).schema_version, 'server_time', clock_timestamp(),
        'profile', who.profile, 'practitioner_id', who.practitioner_id, 'label', who.label,
        'office_key', (entered.meta).office_key, 'tables', tables, 'problems', sync_inventory());
END
{body};

-- Begins a first sync: the cursor to go on from when the tables have been read, how much there is
-- to read, and what to read first.
CREATE OR REPLACE FUNCTION {schema}.sync_start(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
DECLARE
    entered record;
    who sync_device;
    next_nonce uuid;
    cursor_text text;
    target record;
    extent record;
    last_own bigint;
    tables jsonb := '[]';
    priority jsonb := '[]';
BEGIN
    entered := sync_enter(request);
    IF entered.refusal IS NOT NULL THEN
        RETURN entered.refusal;
    END IF;
    who := entered.who;
    IF sync_needs_hello(who, entered.meta, request) THEN
        RETURN '{"status": "hello"}';
    END IF;
    -- A new cache takes the device over: it knows no nonce. An older cache of the same device, where
    -- there is one, finds its own nonce stale and goes on under a number of its own.
    IF NOT request ? 'nonce'
       AND who.last_exchange IS DISTINCT FROM (request ->> 'exchange')::uuid THEN
        who.nonce := NULL;
    END IF;
    next_nonce := sync_rotate(who, request);
    IF next_nonce IS NULL THEN
        RETURN sync_fork(who, request);
    END IF;
    cursor_text := pg_current_snapshot()::text;
    -- The log remembers ids of rows that are deleted since: no id is given twice.
    SELECT (who.number::bigint << 39) + greatest(who.counter, max(l.row_id & ((1::bigint << 39) - 1)))
      INTO last_own
      FROM sync_table s
      LEFT JOIN LATERAL (
            SELECT max(l.row_id) AS row_id FROM sync_log l WHERE l.tbl = s.id AND l.row_id
           BETWEEN who.number::bigint << 39 AND ((who.number::bigint + 1) << 39) - 1) l ON true;
    FOR target IN
        SELECT s.name, greatest(c.reltuples, 0)::bigint AS rows FROM sync_table s
          JOIN pg_class c ON c.oid = to_regclass(quote_ident(s.name))
         WHERE s.active AND who.columns ? s.name AND who.profile = ANY (s.read_by) ORDER BY s.ord
    LOOP
        EXECUTE format('SELECT (SELECT max(id) FROM %1$I)::bigint AS any_id, '
                       '(SELECT max(id) FROM %1$I WHERE id BETWEEN $1 AND $2)::bigint AS own_id',
                       target.name)
           INTO extent
          USING who.number::bigint << 39, ((who.number::bigint + 1) << 39) - 1;
        tables := tables || jsonb_build_object('name', target.name, 'rows', target.rows,
                                               'max_id', coalesce(extent.any_id, 0));
        last_own := greatest(last_own, extent.own_id);
    END LOOP;
    IF to_regprocedure('sync_priority(integer)') IS NOT NULL THEN
        EXECUTE 'SELECT coalesce(jsonb_agg(jsonb_build_object(''table'', p.tbl, ''ids'', p.ids)), ''[]'') '
                'FROM sync_priority($1) p WHERE $2 ? p.tbl'
           INTO priority USING who.number, who.columns;
    END IF;
    RETURN jsonb_build_object('status', 'ok', 'nonce', next_nonce,
                              'generation', who.generation + 1, 'epoch', (entered.meta).epoch,
                              'cursor', cursor_text, 'tables', tables, 'priority', priority,
                              'counter', last_own & ((1::bigint << 39) - 1));
END
{body};
