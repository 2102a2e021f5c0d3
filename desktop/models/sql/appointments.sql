-- One active appointment at a time for a practitioner, whoever writes.

-- Locks practitioners for this transaction. Every writer of active appointments comes here, so that
-- two who book the same hour wait for one another instead of deadlocking in the constraint's index.
CREATE OR REPLACE FUNCTION {schema}.clinic_lock_practitioners(practitioners bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    key bigint;
BEGIN
    -- Mostly it is one, and there is nothing to sort.
    IF practitioners[1] = ALL (practitioners) THEN
        PERFORM pg_advisory_xact_lock(hashtextextended({schema_literal} || '/' || practitioners[1], 0));
        RETURN;
    END IF;
    FOR key IN
        SELECT DISTINCT hashtextextended({schema_literal} || '/' || p, 0)
          FROM unnest((SELECT practitioners)) p WHERE p IS NOT NULL ORDER BY 1
    LOOP
        PERFORM pg_advisory_xact_lock(key);
    END LOOP;
END
{body};

-- The statuses in which an appointment takes its practitioner's time. The constraint below names
-- them again, because an index wants them immutable and in place. (In this form the function becomes
-- part of the expression that calls it.)
CREATE OR REPLACE FUNCTION {schema}.clinic_active(estado text) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN estado IN ('reservada', 'confirmada', 'en_espera', 'listo_para_atender', 'en_progreso');

-- Keeps the end, tells the second buyer of a slot, and takes the practitioner's lock.
CREATE OR REPLACE FUNCTION {schema}.clinic_before_appointment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    minutes integer;
    was_active boolean := false;
    other_service boolean := false;
BEGIN
    NEW.sobrecupo_motivo := nullif(btrim(NEW.sobrecupo_motivo), '');
    IF TG_OP = 'UPDATE' THEN
        was_active := clinic_active(OLD.estado);
        -- Programs that know of no end choose another service and mean its time with it, or the
        -- practitioner's next half hour would be sold. A workstation says which end it means.
        other_service := NEW.tipo_servicio_id IS DISTINCT FROM OLD.tipo_servicio_id
                         AND NEW.fin IS NOT DISTINCT FROM OLD.fin AND sync_origin() = 0;
        IF NEW.fecha_hora IS DISTINCT FROM OLD.fecha_hora
           AND NEW.fin IS NOT DISTINCT FROM OLD.fin THEN
            NEW.fin := NEW.fecha_hora + (OLD.fin - OLD.fecha_hora);
        END IF;
        -- The booking site updates by id alone: the row it sold may have been sold meanwhile, to a
        -- client or at the desk to somebody by name alone, or the visit may be over. A workstation
        -- compares with what it last saw and needs no such guess.
        IF (was_active OR OLD.estado IN ('finalizada', 'completada')) AND NEW.estado = 'reservada'
           AND NEW.cliente_id IS NOT NULL
           AND (NEW.cliente_id <> OLD.cliente_id
                OR OLD.cliente_id IS NULL
                   AND btrim(OLD.paciente_nombre) <> ''
                   AND lower(btrim(OLD.paciente_nombre))
                       IS DISTINCT FROM lower(btrim(NEW.paciente_nombre)))
           AND sync_origin() = 0 THEN
            RAISE EXCEPTION 'the appointment % is already booked for another client', OLD.id
                  USING ERRCODE = 'exclusion_violation', TABLE = TG_TABLE_NAME,
                        CONSTRAINT = 'citas_cita_ya_reservada',
                        HINT = 'Choose another time.';
        END IF;
    END IF;
    IF (NEW.fin IS NULL OR other_service) AND isfinite(NEW.fecha_hora) THEN
        SELECT s.duracion_estimada INTO minutes FROM citas_tiposervicio s
         WHERE s.id = NEW.tipo_servicio_id AND s.duracion_estimada > 0;
        -- A service without a duration, or one that was deleted, leaves the length that was sold.
        NEW.fin := coalesce(NEW.fecha_hora + make_interval(mins => minutes), NEW.fin,
                            NEW.fecha_hora + interval '30 minutes');
    END IF;
    IF clinic_active(NEW.estado) THEN
        PERFORM clinic_lock_practitioners(
            CASE WHEN was_active THEN ARRAY[OLD.dentista_id, NEW.dentista_id]
                 ELSE ARRAY[NEW.dentista_id] END);
    END IF;
    RETURN NEW;
END
{body};

CREATE OR REPLACE TRIGGER clinic_before_appointment BEFORE INSERT OR UPDATE ON {schema}.citas_cita
FOR EACH ROW EXECUTE FUNCTION {schema}.clinic_before_appointment();

REVOKE ALL ON FUNCTION {schema}.clinic_lock_practitioners(bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.clinic_active(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.clinic_before_appointment() FROM PUBLIC;

-- A tenth of a page stays free, for the next forms of its rows: one that finds room beside the last, and
-- changes nothing that an index names (a note, a phone; not a state), needs no new entry in five indexes.
-- Pages that are full already keep their rows. Who chose another share keeps it. (This locks nobody out
-- who reads or writes.)
DO {body}
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                    CROSS JOIN pg_catalog.pg_options_to_table(c.reloptions) o
                    WHERE c.oid = pg_catalog.format('%I.citas_cita', {schema_literal})::pg_catalog.regclass
                      AND o.option_name = 'fillfactor') THEN
        ALTER TABLE {schema}.citas_cita SET (fillfactor = 90);
    END IF;
END
{body};

-- The time range first: its index is about twice as fast to build as with the practitioner first.
-- int8range needs no extension. Partial, so that the index holds what is to come and not the history.
DO {body}
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint
                    WHERE conrelid = pg_catalog.format('%I.citas_cita', {schema_literal})::pg_catalog.regclass
                      AND conname = 'citas_cita_sin_solape') THEN
        ALTER TABLE {schema}.citas_cita ADD CONSTRAINT citas_cita_sin_solape EXCLUDE USING gist (
            pg_catalog.tstzrange(fecha_hora, fin) WITH OPERATOR(pg_catalog.&&),
            pg_catalog.int8range(dentista_id, dentista_id, '[]') WITH OPERATOR(pg_catalog.&&)
        ) WHERE (estado IN ('reservada', 'confirmada', 'en_espera', 'listo_para_atender', 'en_progreso')
                 AND sobrecupo_motivo IS NULL AND dentista_id IS NOT NULL AND fin IS NOT NULL);
    END IF;
END
{body};
