-- What the sync engine asks the clinic.

-- Before a push is applied: the practitioners whose time it touches, all at once and in order.
-- The rows that it changes are locked already, as for every other writer when its trigger runs.
CREATE OR REPLACE FUNCTION {schema}.sync_before_push(ops jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    PERFORM clinic_lock_practitioners(ARRAY(
        SELECT (op.value -> 'new' ->> 'dentista_id')::bigint FROM jsonb_array_elements(ops) op
         WHERE op.value ->> 't' = 'citas_cita'
           AND op.value -> 'new' ->> 'dentista_id' ~ '^[0-9]{1,18}$'
        UNION
        SELECT c.dentista_id FROM citas_cita c
         WHERE c.id IN (SELECT (op.value ->> 'id')::bigint FROM jsonb_array_elements(ops) op
                         WHERE op.value ->> 't' = 'citas_cita' AND op.value ->> 'k' = 'U'
                           AND op.value ->> 'id' ~ '^[0-9]{1,18}$')));
END
{body};

-- The moments at which the clinic's day begins and ends.
CREATE OR REPLACE FUNCTION {schema}.clinic_today(OUT begins timestamptz, OUT ends timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    zone text;
BEGIN
    SELECT a.valor INTO zone FROM configuracion_ajuste a WHERE a.clave = 'zona_horaria';
    BEGIN
        PERFORM now() AT TIME ZONE zone;
    EXCEPTION WHEN invalid_parameter_value THEN
        zone := NULL;
    END;
    zone := coalesce(zone, 'America/Santiago');
    begins := date_trunc('day', now() AT TIME ZONE zone) AT TIME ZONE zone;
    ends := (date_trunc('day', now() AT TIME ZONE zone) + interval '1 day') AT TIME ZONE zone;
END
{body};

-- What a new workstation reads first: the day's appointments and their clients.
CREATE OR REPLACE FUNCTION {schema}.sync_priority(device integer)
RETURNS TABLE (tbl text, ids bigint[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    RETURN QUERY
    WITH day AS (
        SELECT c.id, c.cliente_id FROM citas_cita c, clinic_today() t
         WHERE c.fecha_hora >= t.begins AND c.fecha_hora < t.ends
    )
    SELECT 'pacientes_cliente',
           coalesce((SELECT array_agg(DISTINCT d.cliente_id) FROM day d
                      WHERE d.cliente_id IS NOT NULL), '{}')
    UNION ALL
    SELECT 'citas_cita', coalesce((SELECT array_agg(d.id ORDER BY d.id) FROM day d), '{}');
END
{body};

REVOKE ALL ON FUNCTION {schema}.sync_before_push(jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.clinic_today() FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.sync_priority(integer) FROM PUBLIC;
