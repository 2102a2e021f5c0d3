-- People's accounts: what a workstation may ask of them. Applied again after every migration.
--
-- The hash never leaves the server: a workstation is told algorithm, salt and iterations, sends the
-- derived key, and the comparison happens here. Whoever guesses is counted and locked out, a name
-- that does not exist like one that does.

CREATE OR REPLACE FUNCTION {schema}.account_device() RETURNS {schema}.sync_device
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT d FROM sync_device d
    WHERE d.role_name = session_user AND d.revoked_at IS NULL
    ORDER BY d.number DESC LIMIT 1
{body};

CREATE OR REPLACE FUNCTION {schema}.account_challenge(usuario text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    encoded text;
    usual integer;
    made_up text;
BEGIN
    IF account_device() IS NULL THEN
        RETURN jsonb_build_object('status', 'revoked');
    END IF;
    SELECT password INTO encoded FROM auth_user WHERE username = usuario;
    SELECT mode() WITHIN GROUP (ORDER BY split_part(password, '$', 2)::integer) INTO usual
    FROM auth_user WHERE password ~ '^pbkdf2_sha256\$[0-9]{1,9}\$';
    SELECT left(translate(encode(sha256(sal || convert_to(usuario, 'UTF8')), 'base64'), '+/=', 'xyz'), 22)
    INTO made_up FROM acceso_secreto;
    IF encoded !~ '^pbkdf2_sha256\$[0-9]{1,9}\$[^$]+\$[^$]+$' AND encoded ~ '^[a-z0-9_]+\$' THEN
        RETURN jsonb_build_object('status', 'ok', 'algorithm', split_part(encoded, '$', 1));
    END IF;
    IF encoded IS NULL OR encoded !~ '^pbkdf2_sha256\$' THEN
        RETURN jsonb_build_object('status', 'ok', 'algorithm', 'pbkdf2_sha256',
            'salt', made_up, 'iterations', coalesce(usual, 1000000));
    END IF;
    RETURN jsonb_build_object('status', 'ok', 'algorithm', 'pbkdf2_sha256',
        'salt', split_part(encoded, '$', 3), 'iterations', split_part(encoded, '$', 2)::integer);
END
{body};

-- Compares, counts, locks: 'ok', 'wrong' or 'locked' (with the seconds that are left).
CREATE OR REPLACE FUNCTION {schema}.account_check(usuario text, derived text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    limit_of_failures CONSTANT integer := 5;
    pause CONSTANT interval := interval '15 minutes';
    moment CONSTANT timestamptz := clock_timestamp();
    who CONSTANT text := left(usuario, 150);
    attempt acceso_intento;
    encoded text;
BEGIN
    INSERT INTO acceso_intento (usuario, fallos, ultimo) VALUES (who, 0, moment)
    ON CONFLICT ON CONSTRAINT pk_acceso_intento DO UPDATE SET usuario = excluded.usuario
    RETURNING * INTO attempt;
    IF attempt.bloqueado_hasta > moment THEN
        RETURN jsonb_build_object('status', 'locked', 'seconds',
            ceil(extract(epoch FROM attempt.bloqueado_hasta - moment))::integer);
    END IF;
    SELECT password INTO encoded FROM auth_user WHERE username = usuario;
    IF encoded ~ '^pbkdf2_sha256\$[0-9]{1,9}\$[^$]+\$[^$]+$'
        AND sha256(convert_to(split_part(encoded, '$', 4), 'UTF8'))
          = sha256(convert_to(derived, 'UTF8'))
    THEN
        DELETE FROM acceso_intento a WHERE a.usuario = who;
        RETURN jsonb_build_object('status', 'ok');
    END IF;
    IF attempt.bloqueado_hasta IS NOT NULL OR attempt.ultimo < moment - pause THEN
        attempt.fallos := 0;
    END IF;
    attempt.fallos := attempt.fallos + 1;
    UPDATE acceso_intento a
    SET fallos = attempt.fallos, ultimo = moment,
        bloqueado_hasta = CASE WHEN attempt.fallos >= limit_of_failures THEN moment + pause END
    WHERE a.usuario = who;
    DELETE FROM acceso_intento a WHERE a.ultimo < moment - interval '1 day';
    RETURN jsonb_build_object('status', 'wrong', 'left', limit_of_failures - attempt.fallos);
END
{body};

CREATE OR REPLACE FUNCTION {schema}.account_verify(usuario text, derived text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp
SET timezone = 'UTC'
AS {body}
DECLARE
    checked jsonb;
    account auth_user;
    staff personal_perfil;
BEGIN
    IF account_device() IS NULL THEN
        RETURN jsonb_build_object('status', 'revoked');
    END IF;
    checked := account_check(usuario, derived);
    IF checked ->> 'status' <> 'ok' THEN
        RETURN checked;
    END IF;
    SELECT * INTO account FROM auth_user WHERE username = usuario;
    SELECT * INTO staff FROM personal_perfil WHERE user_id = account.id;
    IF NOT account.is_active OR NOT coalesce(staff.activo, true) THEN
        RETURN jsonb_build_object('status', 'inactive');
    END IF;
    IF staff.id IS NULL AND NOT account.is_superuser THEN
        RETURN jsonb_build_object('status', 'not_staff');
    END IF;
    UPDATE auth_user SET last_login = clock_timestamp() WHERE id = account.id;
    RETURN jsonb_build_object(
        'status', 'ok',
        'staff_id', staff.id,
        'name', coalesce(staff.nombre_completo, account.username),
        'username', account.username,
        'role', coalesce(staff.rol, 'general'),
        'superuser', account.is_superuser,
        'manages_appointments', coalesce(staff.puede_gestionar_citas, false),
        'manages_clients', coalesce(staff.puede_gestionar_clientes, false),
        'manages_staff', coalesce(staff.puede_gestionar_personal, false),
        'sees_reports', coalesce(staff.puede_ver_reportes, false));
END
{body};

CREATE OR REPLACE FUNCTION {schema}.account_encoding_ok(encoded text) RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS {body}
    SELECT coalesce(
        length(encoded) <= 128
        AND encoded ~ '^pbkdf2_sha256\$[0-9]{4,9}\$[A-Za-z0-9]{8,}\$[A-Za-z0-9+/]{43}=$', false)
{body};

-- One's own password, by whoever knows the old one.
CREATE OR REPLACE FUNCTION {schema}.account_change_password(usuario text, derived text, encoded text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    checked jsonb;
BEGIN
    IF account_device() IS NULL THEN
        RETURN jsonb_build_object('status', 'revoked');
    END IF;
    IF NOT account_encoding_ok(encoded) THEN
        RETURN jsonb_build_object('status', 'invalid');
    END IF;
    checked := account_check(usuario, derived);
    IF checked ->> 'status' = 'ok' THEN
        UPDATE auth_user SET password = encoded WHERE username = usuario;
    END IF;
    RETURN checked;
END
{body};

-- Makes an account and the staff row that goes with it. Only its owner may call this one.
CREATE OR REPLACE FUNCTION {schema}.account_add(asked jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    name CONSTANT text := asked ->> 'username';
    role CONSTANT text := asked ->> 'role';
    everything CONSTANT boolean := role = 'general';
    desk CONSTANT boolean := role IN ('general', 'administrativo');
    account integer;
    staff bigint := (asked ->> 'staff_id')::bigint;
BEGIN
    IF name !~ '^[[:alnum:]_.@+-]{1,150}$' OR NOT account_encoding_ok(asked ->> 'password')
        OR coalesce(role NOT IN ('general', 'administrativo', 'dentista'), true)
        OR coalesce(length(asked ->> 'name') NOT BETWEEN 1 AND 150, true)
    THEN
        RETURN jsonb_build_object('status', 'invalid');
    END IF;
    INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email,
                           is_staff, is_active, date_joined)
    VALUES (asked ->> 'password', coalesce((asked ->> 'superuser')::boolean, false), name, '', '',
            coalesce(asked ->> 'email', ''), everything, true, clock_timestamp())
    ON CONFLICT (username) DO NOTHING RETURNING id INTO account;
    IF account IS NULL THEN
        RETURN jsonb_build_object('status', 'exists');
    END IF;
    IF staff IS NOT NULL THEN
        UPDATE personal_perfil SET user_id = account, requiere_acceso_sistema = true
        WHERE id = staff AND user_id IS NULL;
        IF NOT FOUND THEN
            DELETE FROM auth_user WHERE id = account;
            RETURN jsonb_build_object('status', 'no_staff');
        END IF;
    ELSE
        INSERT INTO personal_perfil (
            user_id, nombre_completo, telefono, email, rol, fecha_registro, activo,
            requiere_acceso_sistema, puede_gestionar_citas, puede_gestionar_clientes,
            puede_gestionar_insumos, puede_gestionar_personal, puede_ver_reportes,
            puede_crear_odontogramas)
        VALUES (
            account, asked ->> 'name', coalesce(asked ->> 'phone', ''), coalesce(asked ->> 'email', ''),
            role, clock_timestamp(), true, true, desk, desk, desk, everything, everything,
            everything OR role = 'dentista')
        RETURNING id INTO staff;
    END IF;
    RETURN jsonb_build_object('status', 'created', 'account_id', account, 'staff_id', staff);
END
{body};

CREATE OR REPLACE FUNCTION {schema}.account_create(asked jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    device sync_device := account_device();
BEGIN
    IF device.number IS NULL THEN
        RETURN jsonb_build_object('status', 'revoked');
    ELSIF device.profile <> 'office' THEN
        RETURN jsonb_build_object('status', 'forbidden');
    END IF;
    PERFORM set_config('sync.device', device.number::text, true);
    RETURN account_add(asked - 'superuser');
END
{body};

-- Somebody else's password, from an office workstation. Opens a lock, too.
CREATE OR REPLACE FUNCTION {schema}.account_set_password(usuario text, encoded text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    device sync_device := account_device();
BEGIN
    IF device.number IS NULL THEN
        RETURN jsonb_build_object('status', 'revoked');
    ELSIF device.profile <> 'office' THEN
        RETURN jsonb_build_object('status', 'forbidden');
    ELSIF NOT account_encoding_ok(encoded) THEN
        RETURN jsonb_build_object('status', 'invalid');
    END IF;
    UPDATE auth_user SET password = encoded WHERE username = usuario;
    IF NOT FOUND THEN
        RETURN jsonb_build_object('status', 'unknown');
    END IF;
    DELETE FROM acceso_intento a WHERE a.usuario = account_set_password.usuario;
    RETURN jsonb_build_object('status', 'ok');
END
{body};

-- The end of joining: a password that only the workstation knows, and no last day any more.
CREATE OR REPLACE FUNCTION {schema}.device_take_over(verifier text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    IF account_device() IS NULL THEN
        RETURN jsonb_build_object('status', 'revoked');
    ELSIF verifier !~ '^SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$' THEN
        RETURN jsonb_build_object('status', 'invalid');
    END IF;
    EXECUTE format('ALTER ROLE %I PASSWORD %L VALID UNTIL ''infinity''', session_user, verifier);
    RETURN jsonb_build_object('status', 'ok');
END
{body};

REVOKE ALL ON FUNCTION
    {schema}.account_device(), {schema}.account_challenge(text),
    {schema}.account_check(text, text), {schema}.account_verify(text, text),
    {schema}.account_encoding_ok(text), {schema}.account_change_password(text, text, text),
    {schema}.account_add(jsonb), {schema}.account_create(jsonb),
    {schema}.account_set_password(text, text), {schema}.device_take_over(text)
FROM PUBLIC;
DO {body}
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {devices_literal}) THEN
        EXECUTE format(
            'GRANT EXECUTE ON FUNCTION
                %1$I.account_challenge(text), %1$I.account_verify(text, text),
                %1$I.account_change_password(text, text, text), %1$I.account_create(jsonb),
                %1$I.account_set_password(text, text), %1$I.device_take_over(text)
            TO %2$I',
            {schema_literal}, {devices_literal});
    END IF;
END
{body};
