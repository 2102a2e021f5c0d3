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

-- What a new workstation reads first, in this order: who works when, where and at what, and the
-- clinic's settings; then the visits that touch its day, after their clients. With these alone the
-- agenda of the day can be shown.
CREATE OR REPLACE FUNCTION {schema}.sync_priority(device integer)
RETURNS TABLE (tbl text, ids bigint[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    RETURN QUERY
    WITH day AS MATERIALIZED (
        -- No visit is longer than twelve hours.
        SELECT c.id, c.cliente_id FROM citas_cita c, clinic_today() t
         WHERE c.fecha_hora > t.begins - interval '12 hours' AND c.fecha_hora < t.ends
           AND (c.fecha_hora >= t.begins OR c.fin > t.begins)
    )
    SELECT first.tbl, first.ids FROM (VALUES
        (1, 'configuracion_informacionclinica', ARRAY(SELECT r.id FROM configuracion_informacionclinica r)),
        (2, 'configuracion_ajuste', ARRAY(SELECT r.id FROM configuracion_ajuste r)),
        (3, 'personal_perfil', ARRAY(SELECT r.id FROM personal_perfil r)),
        (4, 'agenda_sala', ARRAY(SELECT r.id FROM agenda_sala r)),
        (5, 'citas_tiposervicio', ARRAY(SELECT r.id FROM citas_tiposervicio r)),
        (6, 'citas_horariodentista', ARRAY(SELECT r.id FROM citas_horariodentista r)),
        (7, 'pacientes_cliente', ARRAY(SELECT DISTINCT d.cliente_id FROM day d
                                        WHERE d.cliente_id IS NOT NULL ORDER BY 1)),
        (8, 'citas_cita', ARRAY(SELECT d.id FROM day d ORDER BY d.id))
    ) AS first (place, tbl, ids) WHERE cardinality(first.ids) > 0 ORDER BY first.place;
END
{body};

REVOKE ALL ON FUNCTION {schema}.sync_before_push(jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.clinic_today() FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.sync_priority(integer) FROM PUBLIC;
