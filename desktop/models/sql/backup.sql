-- Backups: who may read the clinic whole, and the history of what was taken. Applied again after every
-- migration.

-- The profile of the device that calls; owner, where whoever calls owns the schema and is no device's
-- login; NULL where the device was shut out.
CREATE OR REPLACE FUNCTION {schema}.backup_profile() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT CASE WHEN EXISTS (SELECT FROM sync_device d WHERE d.role_name = session_user)
                THEN (SELECT d.profile FROM sync_device d
                       WHERE d.role_name = session_user AND d.revoked_at IS NULL
                       ORDER BY d.number DESC LIMIT 1)
                WHEN pg_has_role(session_user, current_user, 'MEMBER') THEN 'owner' END;
{body};

-- What is kept from the readers' role: {table: columns}, all of it where there are none. Passwords'
-- hashes and private keys never leave the server to a workstation, and who failed to sign in is
-- nothing that is put back.
CREATE OR REPLACE FUNCTION {schema}.backup_kept() RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS {body}
    SELECT '{"auth_user": ["password"], "sync_meta": ["office_identity"], "acceso_secreto": [],
             "acceso_intento": [], "respaldo_llave_copia": []}'::jsonb;
{body};

-- Lets the readers' role select from what it cannot yet: tables come that no migration of ours made.
-- What belongs to somebody else stays as it is, and whoever reads says so.
CREATE OR REPLACE FUNCTION {schema}.backup_grant() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    target record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {readers_literal}) THEN
        RETURN;
    END IF;
    FOR target IN
        SELECT c.relname, c.relkind = 'S' AS counter,
               CASE WHEN backup_kept() ? c.relname THEN (
                   SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND (a.attnum > 0 OR a.attname = 'xmin')
                      AND NOT a.attisdropped AND NOT backup_kept() -> c.relname ? a.attname
                      AND NOT has_column_privilege({readers_literal}, c.oid, a.attnum, 'SELECT')) END
                   AS columns,
               backup_kept() ? c.relname AS partly
          FROM pg_class c
         WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = {schema_literal})
           AND c.relkind IN ('r', 'p', 'S') AND NOT c.relispartition
           AND coalesce(backup_kept() -> c.relname, '[0]') <> '[]'
           AND NOT CASE WHEN c.relkind = 'S' THEN has_sequence_privilege({readers_literal}, c.oid, 'SELECT')
                        ELSE has_table_privilege({readers_literal}, c.oid, 'SELECT') END
    LOOP
        CONTINUE WHEN target.partly AND target.columns IS NULL;
        BEGIN
            EXECUTE format('GRANT SELECT %s ON %s %I.%I TO %I',
                           CASE WHEN target.partly THEN '(' || target.columns || ')' END,
                           CASE WHEN target.counter THEN 'SEQUENCE' ELSE 'TABLE' END,
                           {schema_literal}, target.relname, {readers_literal});
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;
        END;
    END LOOP;
END
{body};

-- Two of the tables that are kept in part have to be locked like all others before a snapshot is
-- taken, and a lock asks for the whole table: not where it is asked for through a view.
CREATE OR REPLACE VIEW {schema}.respaldo_candado AS
SELECT 1 AS uno FROM {schema}.auth_user, {schema}.sync_meta;

-- Before a backup: whether the caller may take one, who the clinic is, and whom the archive is for.
-- {status: ok | revoked | forbidden, tenant, clinic, epoch, schema_version, moved, device, label,
--  role, recipient, recovery}; without a key, the last two are null.
CREATE OR REPLACE FUNCTION {schema}.backup_begin() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET lock_timeout = '5s'
AS {body}
DECLARE
    profile CONSTANT text := backup_profile();
    device sync_device;
    meta sync_meta;
    sealing respaldo_llave;
BEGIN
    IF profile IS NULL THEN
        RETURN '{"status": "revoked"}';
    ELSIF profile NOT IN ('office', 'owner') THEN
        RETURN '{"status": "forbidden"}';
    END IF;
    PERFORM backup_grant();
    SELECT * INTO STRICT meta FROM sync_meta;
    SELECT * INTO sealing FROM respaldo_llave k WHERE k.retirada_en IS NULL;
    SELECT * INTO device FROM sync_device d WHERE d.role_name = session_user AND d.revoked_at IS NULL
     ORDER BY d.number DESC LIMIT 1;
    RETURN jsonb_build_object(
        'status', 'ok', 'tenant', meta.tenant_uuid, 'epoch', meta.epoch,
        'schema_version', meta.schema_version,
        'clinic', coalesce((SELECT i.nombre_clinica FROM configuracion_informacionclinica i
                             ORDER BY i.id LIMIT 1), ''),
        -- In another cluster, cursors that were taken in the former one mean something else.
        'moved', meta.system_id IS DISTINCT FROM sync_system(),
        'device', coalesce(device.number, 0), 'label', coalesce(device.label, ''),
        'role', CASE WHEN profile = 'office' THEN {readers_literal} END,
        'recipient', sealing.recipiente, 'recovery', sealing.recuperacion);
END
{body};

-- Keeps what is known of an archive, given as {column: value}. What several know of one archive adds
-- up: places are joined, the later time of a proof stands, and no state goes back, but that of a
-- damaged archive which was found whole later. informe is the last drill's report and, of a safety
-- copy, undone_at: when its restore was undone.
-- {status: ok | revoked | forbidden}
CREATE OR REPLACE FUNCTION {schema}.backup_record(entry jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
DECLARE
    profile CONSTANT text := backup_profile();
    ranks CONSTANT text[] := '{failed,taken,kept,verified,damaged,deleted}';
BEGIN
    IF profile IS NULL THEN
        RETURN '{"status": "revoked"}';
    ELSIF profile NOT IN ('office', 'owner') THEN
        RETURN '{"status": "forbidden"}';
    END IF;
    INSERT INTO respaldo_archivo AS a
    SELECT * FROM jsonb_populate_record(NULL::respaldo_archivo,
        '{"bytes": 0, "filas": 0, "alcance": "clinic", "dispositivo": 0, "actor": "", "lugares": {}}'
        || entry || jsonb_build_object('actualizado_el', clock_timestamp()))
    ON CONFLICT (id) DO UPDATE SET
        bytes = greatest(a.bytes, excluded.bytes), filas = greatest(a.filas, excluded.filas),
        nombre = excluded.nombre,
        lugares = coalesce((
            SELECT jsonb_object_agg(place, told) FROM (
                SELECT place, jsonb_object_agg(fact, said) AS told FROM (
                    SELECT p.key AS place, f.key AS fact, max(f.value COLLATE "C") AS said
                      FROM (SELECT * FROM jsonb_each(a.lugares)
                            UNION ALL SELECT * FROM jsonb_each(excluded.lugares)) p,
                           jsonb_each_text(p.value) f
                     GROUP BY p.key, f.key) facts
                 GROUP BY place) places), '{}'),
        verificado_el = greatest(a.verificado_el, excluded.verificado_el),
        informe = nullif(CASE
            WHEN a.probado_el > coalesce(excluded.probado_el, '-infinity')
            THEN coalesce(excluded.informe, '{}') || coalesce(a.informe, '{}')
            ELSE coalesce(a.informe, '{}') || coalesce(excluded.informe, '{}') END, '{}'),
        probado_el = greatest(a.probado_el, excluded.probado_el),
        manifiesto = coalesce(a.manifiesto, excluded.manifiesto),
        base = coalesce(a.base, excluded.base), sha256 = coalesce(a.sha256, excluded.sha256),
        cursor = coalesce(a.cursor, excluded.cursor), epoca = coalesce(a.epoca, excluded.epoca),
        revision = coalesce(a.revision, excluded.revision),
        version_esquema = coalesce(a.version_esquema, excluded.version_esquema),
        estado = CASE
            WHEN 'damaged' = ranks[greatest(array_position(ranks, excluded.estado),
                                            array_position(ranks, a.estado))]
             AND greatest(a.verificado_el, excluded.verificado_el) > (
                 SELECT max((place.value ->> 'altered_at')::timestamptz) FROM (
                     SELECT * FROM jsonb_each(a.lugares)
                     UNION ALL SELECT * FROM jsonb_each(excluded.lugares)) place)
            THEN 'verified'
            ELSE ranks[greatest(array_position(ranks, excluded.estado),
                                array_position(ranks, a.estado))] END,
        error = coalesce(excluded.error, a.error), actualizado_el = excluded.actualizado_el;
    RETURN '{"status": "ok"}';
END
{body};

-- The newest entries, newest first; NULL where the device was shut out.
CREATE OR REPLACE FUNCTION {schema}.backup_history(lim integer) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
    SELECT coalesce((SELECT jsonb_agg(to_jsonb(a) ORDER BY a.tomado_el DESC, a.id)
                       FROM (SELECT * FROM respaldo_archivo
                              ORDER BY tomado_el DESC, id LIMIT lim) a), '[]')
     WHERE backup_profile() IS NOT NULL;
{body};

-- Makes known with which key the calling device signs. {status: ok | revoked | forbidden}
CREATE OR REPLACE FUNCTION {schema}.backup_signer(public_key text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    profile CONSTANT text := backup_profile();
BEGIN
    IF profile IS NULL THEN
        RETURN '{"status": "revoked"}';
    ELSIF profile NOT IN ('office', 'owner') THEN
        RETURN '{"status": "forbidden"}';
    END IF;
    INSERT INTO respaldo_firmante (publica, dispositivo, etiqueta)
    SELECT public_key, coalesce(d.number, 0), coalesce(d.label, '')
      FROM (SELECT) one LEFT JOIN (
            SELECT s.number, s.label FROM sync_device s WHERE s.role_name = session_user
             ORDER BY s.number DESC LIMIT 1) d ON true
    ON CONFLICT (publica) DO NOTHING;
    RETURN '{"status": "ok"}';
END
{body};

-- Whose signatures count: [{public, device, label, since, until}]; until: when its device was shut
-- out, or the key was withdrawn. NULL where the calling device was shut out.
CREATE OR REPLACE FUNCTION {schema}.backup_signers() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
    SELECT coalesce((SELECT jsonb_agg(jsonb_build_object(
               'public', f.publica, 'device', f.dispositivo, 'label', f.etiqueta,
               'since', f.creada_en, 'until', least(f.revocada_en, d.revoked_at)) ORDER BY f.creada_en)
               FROM respaldo_firmante f LEFT JOIN sync_device d ON d.number = f.dispositivo), '[]')
     WHERE backup_profile() IS NOT NULL;
{body};

-- Drops what restores of this clinic replaced, when it is kept no longer, by the server's clock: schemas
-- that a restore made, marked as this clinic's and with their day; whose owner is the clinic's; and on
-- which nothing stands that is not inside. What somebody is looking at stays for the next time.
-- {status: ok | revoked | forbidden, gone: [schema, …]}
CREATE OR REPLACE FUNCTION {schema}.backup_purge() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET lock_timeout = '200ms' SET timezone = 'UTC'
AS {body}
DECLARE
    profile CONSTANT text := backup_profile();
    mark CONSTANT text := 'consultorio: replaced ';
    gone text[] := '{}';
    old record;
    said jsonb;
    inside text;
BEGIN
    IF profile IS NULL THEN
        RETURN '{"status": "revoked"}';
    ELSIF profile NOT IN ('office', 'owner') THEN
        RETURN '{"status": "forbidden"}';
    END IF;
    IF pg_try_advisory_xact_lock(hashtext('consultorio restore'), hashtext({schema_literal})) THEN
        FOR old IN
            SELECT n.oid, n.nspname, obj_description(n.oid, 'pg_namespace') AS text
              FROM pg_namespace live JOIN pg_namespace n ON n.nspowner = live.nspowner
             WHERE live.nspname = {schema_literal} AND n.oid <> live.oid
               AND n.nspname ~ '_antes_[0-9]{8}_[0-9]{6}(_[0-9]+)?$'
               AND starts_with(obj_description(n.oid, 'pg_namespace'), mark)
        LOOP
            BEGIN
                said := substr(old.text, length(mark) + 1)::jsonb;
                IF said ->> 'live' = {schema_literal}
                   AND (said ->> 'until')::timestamptz <= clock_timestamp() THEN
                    SELECT string_agg(format('%I.%I', old.nspname, c.relname), ', ') INTO inside
                      FROM pg_class c WHERE c.relnamespace = old.oid AND c.relkind IN ('r', 'p');
                    IF inside IS NOT NULL THEN
                        EXECUTE 'DROP TABLE ' || inside || ' RESTRICT';
                    END IF;
                    EXECUTE format('DROP SCHEMA %I RESTRICT', old.nspname);
                    gone := gone || old.nspname::text;
                END IF;
            EXCEPTION WHEN lock_not_available OR dependent_objects_still_exist
                        OR insufficient_privilege OR data_exception THEN
                NULL;
            END;
        END LOOP;
    END IF;
    RETURN jsonb_build_object('status', 'ok', 'gone', to_jsonb(gone));
END
{body};

REVOKE ALL ON FUNCTION
    {schema}.backup_profile(), {schema}.backup_kept(), {schema}.backup_grant(),
    {schema}.backup_begin(), {schema}.backup_record(jsonb), {schema}.backup_history(integer),
    {schema}.backup_signer(text), {schema}.backup_signers(), {schema}.backup_purge()
FROM PUBLIC;
DO {body}
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {devices_literal}) THEN
        EXECUTE pg_catalog.format(
            'GRANT EXECUTE ON FUNCTION
                %1$I.backup_begin(), %1$I.backup_record(jsonb), %1$I.backup_history(integer),
                %1$I.backup_signer(text), %1$I.backup_signers(), %1$I.backup_purge()
            TO %2$I',
            {schema_literal}, {devices_literal});
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {readers_literal}) THEN
        EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I',
                                  {schema_literal}, {readers_literal});
        EXECUTE pg_catalog.format('GRANT SELECT ON %I.respaldo_candado TO %I',
                                  {schema_literal}, {readers_literal});
        EXECUTE pg_catalog.format(
            'GRANT EXECUTE ON FUNCTION %1$I.sync_stale(text), %1$I.sync_inventory() TO %2$I',
            {schema_literal}, {readers_literal});
        PERFORM {schema}.backup_grant();
    END IF;
END
{body};
