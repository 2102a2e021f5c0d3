-- When the schema was put back from a backup.

-- Tells this cluster from every other one, also from one that was made of its dump.
CREATE OR REPLACE FUNCTION {schema}.sync_system() RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS {body}
    SELECT system_identifier FROM pg_control_system();
{body};

-- Whether a request proves that this schema was put back: the device has come further than the
-- server remembers, or the cursor has, or the schema stands in another cluster than it did.
CREATE OR REPLACE FUNCTION {schema}.sync_put_back(
    who {schema}.sync_device, meta {schema}.sync_meta, request jsonb) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT coalesce((request ->> 'generation')::bigint > who.generation, false)
        OR coalesce(pg_snapshot_xmax(split_part(request ->> 'cursor', '|', 1)::pg_snapshot)
                    > pg_snapshot_xmax(pg_current_snapshot()), false)
        OR coalesce(meta.system_id <> sync_system(), false);
{body};

-- A new epoch, which sends every device through sync_recover. Numbers that may have been given
-- after the backup are passed over. Who comes second finds the first one's epoch.
CREATE OR REPLACE FUNCTION {schema}.sync_new_epoch(meta {schema}.sync_meta) RETURNS uuid
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    fresh uuid;
BEGIN
    UPDATE sync_meta SET epoch = gen_random_uuid(), system_id = sync_system()
     WHERE epoch = meta.epoch RETURNING epoch INTO fresh;
    IF fresh IS NOT NULL THEN
        PERFORM setval('sync_device_number', least(16383, 64 + greatest(
            (SELECT last_value FROM sync_device_number), (SELECT max(number) FROM sync_device))));
        PERFORM sync_log_restart();
    END IF;
    RETURN coalesce(fresh, (SELECT epoch FROM sync_meta));
END
{body};

-- Whether a device has gone under another number before.
CREATE OR REPLACE FUNCTION {schema}.sync_was(device integer, other bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    WITH RECURSIVE line AS (
        SELECT d.number, d.forked_from FROM sync_device d WHERE d.number = device
        UNION
        SELECT d.number, d.forked_from FROM sync_device d JOIN line ON d.number = line.forked_from)
    SELECT EXISTS (SELECT FROM line WHERE line.number = other);
{body};

-- Whether a number is or was one of the same login's.
CREATE OR REPLACE FUNCTION {schema}.sync_kin(who {schema}.sync_device, other bigint)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT EXISTS (SELECT FROM sync_device d
                    WHERE d.number = other AND d.role_name = who.role_name);
{body};

-- Takes a number that the schema has lost as one that the login had, so that its rows may come back.
-- Where it was given to somebody else since, the login's latest number stands for it.
CREATE OR REPLACE FUNCTION {schema}.sync_found(lost integer) RETURNS {schema}.sync_device
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    latest sync_device;
    found sync_device;
BEGIN
    SELECT * INTO STRICT latest FROM sync_device
     WHERE role_name = session_user AND revoked_at IS NULL ORDER BY number DESC LIMIT 1;
    INSERT INTO sync_device (number, role_name, profile, practitioner_id, label, columns,
                             schema_version, server_version, forked_from)
    VALUES (lost, latest.role_name, latest.profile, latest.practitioner_id, latest.label,
            latest.columns, latest.schema_version, latest.server_version, latest.number)
    ON CONFLICT (number) DO NOTHING RETURNING * INTO found;
    RETURN CASE WHEN found.number IS NULL THEN latest ELSE found END;
END
{body};

-- Copies of a workstation's disk share its login, which may have connections for one workstation. Who goes
-- on under a number of its own has room made, so that they don't keep each other out: for each of those
-- that were there in the last day, but not for more than leave the clinic's server to the others.
CREATE OR REPLACE FUNCTION {schema}.sync_make_room() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    wanted integer := least(60, 9 + 3 * (
        SELECT count(*) FROM sync_device d
         WHERE d.role_name = session_user AND d.last_seen > now() - interval '1 day'));
BEGIN
    IF EXISTS (SELECT FROM pg_roles r WHERE r.rolname = session_user
                AND r.rolconnlimit BETWEEN 1 AND wanted - 1) THEN
        EXECUTE format('ALTER ROLE %I CONNECTION LIMIT %s', session_user, wanted);
    END IF;
-- The owner may not be the one who made the role any more, or another copy makes room just now.
EXCEPTION WHEN insufficient_privilege OR internal_error THEN
    NULL;
END
{body};

-- A device of another epoch, or one that is a copy, goes on here: under a number that no copy of it
-- has, from a cursor of now, with the list of its acknowledged transactions that the schema still has, and the results of
-- those that wait for an answer and were applied all the same.
--
-- seen: {table: highest id of the server's own that the device ever saw}; none of them is given again.
CREATE OR REPLACE FUNCTION {schema}.sync_recover(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
DECLARE
    entered record;
    who sync_device;
    twin sync_device;
    next_nonce uuid := gen_random_uuid();
    reached bigint;
    known jsonb;
    epoch_now uuid;
    target record;
BEGIN
    entered := sync_enter(request);
    epoch_now := (entered.meta).epoch;
    IF entered.refusal ? 'lost' THEN
        who := sync_found((request ->> 'device')::integer);
    ELSIF entered.refusal IS NOT NULL THEN
        RETURN entered.refusal;
    ELSE
        who := entered.who;
    END IF;
    IF sync_needs_hello(who, entered.meta, request) THEN
        RETURN '{"status": "hello"}';
    END IF;
    IF request ->> 'exchange' IS NULL OR jsonb_typeof(request -> 'acked') IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'a recovery names its exchange and what was acknowledged'
              USING ERRCODE = 'invalid_parameter_value';
    END IF;
    known := (SELECT coalesce(jsonb_agg(r.tx), '[]') FROM sync_result r
               WHERE r.tx = ANY (ARRAY(
                     SELECT value::uuid FROM jsonb_array_elements_text(request -> 'acked')))
                 AND r.result ->> 'status' = 'applied');
    -- What was acknowledged and is not there proves that the schema was put back, though a copy of the
    -- device may have come first and have hidden it.
    IF request ->> 'epoch' = epoch_now::text
       AND jsonb_array_length(known) < jsonb_array_length(request -> 'acked') THEN
        epoch_now := sync_new_epoch(entered.meta);
    END IF;
    reached := greatest(who.generation, coalesce((request ->> 'generation')::bigint, 0)) + 1;
    -- The repeat of a recovery whose answer was lost finds the number and the nonce that it was given.
    SELECT * INTO twin FROM sync_device
     WHERE forked_from = who.number AND last_exchange = (request ->> 'exchange')::uuid;
    IF twin.number IS NOT NULL THEN
        UPDATE sync_device SET generation = greatest(generation + 1, reached)
         WHERE number = twin.number RETURNING * INTO twin;
    END IF;
    WHILE twin.number IS NULL LOOP
        INSERT INTO sync_device (role_name, profile, practitioner_id, label, nonce, last_exchange,
                                 columns, schema_version, server_version, last_seen, forked_from,
                                 generation, recovered_at)
        VALUES (who.role_name, who.profile, who.practitioner_id, who.label, next_nonce,
                (request ->> 'exchange')::uuid, who.columns, who.schema_version,
                who.server_version, now(), who.number, reached, now())
        ON CONFLICT (number) DO NOTHING RETURNING * INTO twin;
    END LOOP;
    PERFORM sync_make_room();
    FOR target IN
        SELECT s.name, pg_get_serial_sequence(quote_ident(s.name), 'id') AS counter,
               (request -> 'seen' ->> s.name)::bigint AS highest
          FROM sync_table s
         WHERE s.active AND (request -> 'seen' ->> s.name) ~ '^[0-9]{1,12}$'
           AND (request -> 'seen' ->> s.name)::bigint < 1::bigint << 39
           AND pg_get_serial_sequence(quote_ident(s.name), 'id') IS NOT NULL
    LOOP
        EXECUTE format('SELECT setval(%L, $1) FROM %s q '
                       'WHERE q.last_value < $1 OR (q.last_value = $1 AND NOT q.is_called)',
                       target.counter, target.counter) USING target.highest;
    END LOOP;
    RETURN jsonb_build_object(
        'status', 'ok', 'device', twin.number, 'nonce', twin.nonce,
        'generation', twin.generation, 'epoch', epoch_now,
        'cursor', pg_current_snapshot()::text, 'mode', (entered.meta).on_restore,
        'results', (SELECT coalesce(jsonb_agg(r.result), '[]') FROM sync_result r
                     WHERE r.tx = ANY (ARRAY(
                           SELECT value::uuid FROM jsonb_array_elements_text(
                               coalesce(request -> 'waiting', '[]'))))),
        'known', known);
END
{body};
