-- One round trip: push, results, delta and the next cursor.

-- Locks the rows that a push changes, parents' tables first and by id: every writer that takes
-- several takes them in one order. Then the product's own locks, as its triggers take them: after
-- the row.
CREATE OR REPLACE FUNCTION {schema}.sync_lock(who {schema}.sync_device, push jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    target record;
    ops jsonb;
BEGIN
    WITH open AS MATERIALIZED (
        SELECT tx.value FROM jsonb_array_elements(push) tx
         WHERE NOT EXISTS (SELECT FROM sync_result r WHERE r.tx = (tx.value ->> 'tx')::uuid))
    SELECT coalesce(jsonb_agg(op.value), '[]') INTO ops
      FROM open CROSS JOIN jsonb_array_elements(open.value -> 'ops') op;
    IF ops = '[]' THEN
        RETURN;
    END IF;
    FOR target IN
        SELECT s.name, array_agg(DISTINCT (op.value ->> 'id')::bigint) AS ids,
               bool_or(op.value ->> 'k' = 'D') AS deletes
          FROM jsonb_array_elements(ops) op JOIN sync_table s ON s.name = op.value ->> 't'
         WHERE op.value ->> 'k' IN ('U', 'D') AND op.value ->> 'id' ~ '^[0-9]{1,18}$'
           AND s.active AND NOT s.append_only AND who.profile = ANY (s.write_by)
         GROUP BY s.name, s.ord ORDER BY s.ord
    LOOP
        EXECUTE format('SELECT FROM %I r WHERE r.id = ANY ($1) ORDER BY r.id FOR %s', target.name,
                       CASE WHEN target.deletes THEN 'UPDATE' ELSE 'NO KEY UPDATE' END)
          USING target.ids;
    END LOOP;
    IF to_regprocedure('sync_before_push(jsonb)') IS NOT NULL THEN
        EXECUTE 'SELECT sync_before_push($1)' USING ops;
    END IF;
END
{body};

-- Whether a refusal is no last word: what is offered again after the server was put back may build on
-- what another workstation has yet to offer. For ten minutes such a transaction, and what builds on
-- it, is tried again with every exchange.
CREATE OR REPLACE FUNCTION {schema}.sync_defers(
    who {schema}.sync_device, tx jsonb, outcome jsonb, deferred text[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT outcome ->> 'status' = 'rejected'
       AND CASE WHEN outcome ->> 'code' = 'depends' AND outcome ->> 'on' = ANY (deferred) THEN true
                ELSE coalesce((tx ->> 'again')::boolean, false)
                     AND outcome ->> 'code' IN ('conflict', 'gone', 'parent_missing')
                     AND who.recovered_at > now() - interval '10 minutes' END;
{body};

-- The ids of the rows that a local transaction inserts, in its order.
CREATE OR REPLACE FUNCTION {schema}.sync_made(tx jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS {body}
    SELECT jsonb_path_query_array(tx, '$.ops[*] ? (@.k == "I").id');
{body};

-- A result as it is stored. A copy of the cache may push the same transaction, and know its rows by
-- other ids: it is told which they have. (STABLE, as what it calls: so it becomes part of the INSERT.)
CREATE OR REPLACE FUNCTION {schema}.sync_kept(tx jsonb, outcome jsonb) RETURNS jsonb
LANGUAGE sql STABLE
AS {body}
    SELECT CASE WHEN outcome ->> 'status' = 'applied'
                THEN outcome || jsonb_build_object('made', {schema}.sync_made(tx))
                ELSE outcome END;
{body};

CREATE OR REPLACE FUNCTION {schema}.sync_exchange(request jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
DECLARE
    entered record;
    who sync_device;
    caller sync_device;
    push jsonb := CASE WHEN jsonb_typeof(request -> 'push') = 'array' THEN request -> 'push'
                       ELSE '[]' END;
    rules jsonb;
    planning text;
    actor text;
    item jsonb;
    tx_id uuid;
    outcome jsonb;
    results jsonb[] := '{}';
    blocked jsonb := '{}';
    deferred text[] := '{}';
    renamed boolean := false;
    next_nonce uuid;
    snapshot text;
    changes text;
BEGIN
    entered := sync_enter(request);
    IF entered.refusal ? 'lost' AND request ->> 'epoch' = (entered.meta).epoch::text THEN
        RETURN jsonb_build_object('status', 'epoch', 'epoch', sync_new_epoch(entered.meta));
    END IF;
    IF entered.refusal IS NOT NULL THEN
        RETURN entered.refusal;
    END IF;
    who := entered.who;
    IF (request ->> 'epoch')::uuid IS DISTINCT FROM (entered.meta).epoch THEN
        RETURN jsonb_build_object('status', 'epoch', 'epoch', (entered.meta).epoch);
    END IF;
    IF request ->> 'cursor' IS NULL THEN
        RAISE EXCEPTION 'an exchange goes on from a cursor' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Put back without a new epoch, what the server writes from here on would pass for seen.
    IF sync_put_back(who, entered.meta, request) THEN
        RETURN jsonb_build_object('status', 'epoch', 'epoch', sync_new_epoch(entered.meta));
    END IF;
    IF sync_needs_hello(who, entered.meta, request) THEN
        RETURN '{"status": "hello"}';
    END IF;
    LOCK TABLE ONLY sync_log IN ACCESS SHARE MODE;
    IF sync_stale(request ->> 'cursor') THEN
        RETURN '{"status": "stale"}';
    END IF;
    next_nonce := sync_rotate(who, request);
    IF next_nonce IS NULL THEN
        RETURN sync_fork(who, request);
    END IF;

    IF push <> '[]' THEN
        PERFORM set_config('sync.device', who.number::text, true);
        SET CONSTRAINTS ALL IMMEDIATE;
        PERFORM sync_lock(who, push);
        rules := sync_rules(who, push);
        -- A new connection would plan each of a push's statements five times over, for the values at hand,
        -- and then once for any.
        planning := current_setting('plan_cache_mode');
        PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);
        -- Every call below is handed the device; what it reads plays no part in them, and is long.
        caller := who;
        caller.columns := NULL;
        FOR item IN SELECT value FROM jsonb_array_elements(push) LOOP
            tx_id := item ->> 'tx';
            SELECT r.result INTO outcome FROM sync_result r WHERE r.tx = tx_id;
            IF outcome IS NULL THEN
                actor := set_config('sync.actor', coalesce(item ->> 'actor', ''), true);
                outcome := sync_apply(caller, rules, item, blocked);
                IF outcome ->> 'status' = 'rejected'
                   AND (renamed OR sync_defers(caller, item, outcome, deferred)) THEN
                    deferred := deferred || (item ->> 'tx');
                    outcome := jsonb_build_object('tx', item -> 'tx', 'status', 'deferred');
                ELSE
                    INSERT INTO sync_result (tx, device, result)
                    VALUES (tx_id, who.number, sync_kept(item, outcome))
                    ON CONFLICT (tx) DO NOTHING;
                END IF;
                IF outcome ->> 'status' <> 'deferred' AND NOT FOUND THEN
                    -- A copy of the cache pushes the same work at this moment, and was first.
                    RAISE EXCEPTION 'transaction % has just been answered elsewhere', item ->> 'tx'
                          USING ERRCODE = 'serialization_failure';
                END IF;
            ELSIF outcome -> 'made' <> sync_made(item) THEN
                -- Another copy was first. What follows may name its rows as they are called here only:
                -- no refusal of this push is the last word.
                renamed := true;
            END IF;
            IF outcome ->> 'status' <> 'applied' THEN
                blocked := sync_blocks(item) || blocked;
            END IF;
            results := results || outcome;
        END LOOP;
        PERFORM set_config('plan_cache_mode', planning, true);
    END IF;

    -- One statement, one snapshot: the cursor is exactly what the delta has seen.
    SELECT pg_current_snapshot()::text,
           sync_delta(who, request ->> 'cursor', push, (request ->> 'inline')::bigint)
      INTO snapshot, changes;
    RETURN concat('{"status": "ok", "nonce": "', next_nonce,
                  '", "generation": ', who.generation + 1,
                  ', "cursor": "', snapshot, '|', pg_current_xact_id(),
                  '", "epoch": "', (entered.meta).epoch,
                  '", "schema_version": ', (entered.meta).schema_version,
                  ', "server_time": ', to_json(clock_timestamp()),
                  CASE WHEN sync_upkeep_due(entered.meta) THEN ', "upkeep": true' END,
                  ', "results": ', to_json(results), ', "changes": ', changes, '}');
END
{body};

-- Whether there is anything for an exchange: news since the cursor, or something else that the device
-- has to be told. It writes nothing, so that a quiet clinic costs its server next to nothing.
--
-- Planned for any cursor: for a known one, every poll would be planned anew, which takes longer than
-- all the rest of it. The order makes the index's end be looked at, whatever the plan is for.
CREATE OR REPLACE FUNCTION {schema}.sync_poll(
    device integer, nonce uuid, generation bigint, epoch uuid, version integer, since text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp
SET plan_cache_mode = force_generic_plan
AS {body}
DECLARE
    seen pg_snapshot := split_part(since, '|', 1)::pg_snapshot;
    own xid8 := nullif(split_part(since, '|', 2), '')::xid8;
    edge xid8 := pg_snapshot_xmax(seen);
    newest xid8;
BEGIN
    IF pg_snapshot_xmin(seen) <> edge
       OR NOT pg_try_advisory_xact_lock_shared(hashtext('consultorio'), hashtext({schema_literal})) THEN
        RETURN true;
    END IF;
    SELECT (SELECT l.xid FROM sync_log l WHERE l.xid >= edge ORDER BY l.xid DESC LIMIT 1)
      INTO newest
      FROM sync_device d CROSS JOIN sync_meta m
     WHERE d.number = sync_poll.device AND d.role_name = session_user
       AND d.revoked_at IS NULL AND d.nonce = sync_poll.nonce
       AND d.generation = sync_poll.generation
       AND m.epoch = sync_poll.epoch AND d.schema_version = version
       AND d.server_version = m.schema_version AND edge >= m.horizon;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    -- What the exchange that made the cursor wrote was answered; how much it was makes no difference.
    IF newest = own THEN
        RETURN EXISTS (SELECT FROM (SELECT l.xid FROM sync_log l
                                     WHERE l.xid >= edge AND l.xid < own
                                     ORDER BY l.xid DESC LIMIT 1) before_own);
    END IF;
    RETURN newest IS NOT NULL;
END
{body};
