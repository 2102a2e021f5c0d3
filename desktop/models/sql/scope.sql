-- Whose patients clients are, and what follows when that changes.
--
-- A practitioner's own patients are the clients who are assigned to them, and those who have or had
-- a visit with them: an appointment in any state but on offer (nobody's yet) and cancelled (nothing
-- came of it). Who did not come counts: somebody has to ask why. Besides, every note is its writer's.

-- The states of an appointment that make a client the practitioner's patient. (In this form the
-- function becomes part of the query that calls it.)
CREATE OR REPLACE FUNCTION {schema}.clinic_treats(estado text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN estado NOT IN ('disponible', 'cancelada');

-- What the filter was before this file, for its end.
SELECT pg_catalog.set_config('sync.filter_before', coalesce(
           (SELECT pg_catalog.md5(p.prosrc)
              FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
             WHERE n.nspname = {schema_literal} AND p.proname = 'sync_row_filter'), ''), true);

-- A practitioner's device gets the notes of its own patients. Each part alone finds its rows by an
-- index, for one note as for many.
CREATE OR REPLACE FUNCTION {schema}.sync_row_filter(tbl text, profile text, practitioner bigint)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS {body}
    SELECT CASE WHEN tbl = 'clinica_notasesion' AND profile = 'practitioner'
                THEN CASE WHEN practitioner IS NULL THEN 'false' ELSE format(
                    'r.profesional_id = %1$s '
                    'OR EXISTS (SELECT FROM pacientes_cliente p '
                               'WHERE p.id = r.cliente_id AND p.dentista_asignado_id = %1$s) '
                    'OR EXISTS (SELECT FROM citas_cita v WHERE v.cliente_id = r.cliente_id '
                               'AND v.dentista_id = %1$s AND clinic_treats(v.estado))',
                    practitioner) END
           END;
{body};

-- A colleague's note is read, and only its writer changes it.
CREATE OR REPLACE FUNCTION {schema}.sync_write_filter(tbl text, profile text, practitioner bigint)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS {body}
    SELECT CASE WHEN tbl = 'clinica_notasesion' AND profile = 'practitioner'
                THEN format('r.profesional_id = %s', coalesce(practitioner, 0)) END;
{body};

-- Sends the notes of those clients anew who won or lost a practitioner, of the pairs of both given.
--
-- own: the appointments that the statement at hand has written. Where a pair has another one, nothing
-- changed for it; a lock, which waits for nobody, keeps that one as it is until the commit. One that
-- somebody else is changing at this moment proves nothing and is passed over. So two who take away
-- the last two visits at once do not rely on one another: notes may be sent without need, and are
-- never forgotten.
--
-- The oldest such visit will do, and a client's visits are indexed by their dates; left to itself the
-- server would take hold of all visits of a client, who may have hundreds, and sort them.
CREATE OR REPLACE FUNCTION {schema}.clinic_touch_notes(
    clients bigint[], practitioners bigint[], own bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
SET enable_bitmapscan = off SET enable_sort = off
AS {body}
DECLARE
    changed bigint[];
BEGIN
    SELECT array_agg(p.client) INTO changed
      FROM unnest((SELECT clients), (SELECT practitioners)) p (client, practitioner)
      LEFT JOIN LATERAL (
            SELECT true AS found FROM citas_cita c
             WHERE c.cliente_id = p.client AND c.dentista_id = p.practitioner
               AND clinic_treats(c.estado) AND c.id NOT IN (SELECT unnest((SELECT own)))
             ORDER BY c.fecha_hora LIMIT 1
               FOR SHARE SKIP LOCKED) other ON true
     WHERE other.found IS NULL;
    IF changed IS NOT NULL THEN
        PERFORM sync_touch('clinica_notasesion', ARRAY(
            SELECT n.id FROM clinica_notasesion n WHERE n.cliente_id = ANY ((SELECT changed)::bigint[])));
    END IF;
END
{body};

-- Appointments that come, go, or change hands or state. A move in time changes no pair.
CREATE OR REPLACE FUNCTION {schema}.clinic_patients_by_visit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    clients bigint[];
    practitioners bigint[];
    own bigint[] := '{}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(p.cliente_id), array_agg(p.dentista_id) INTO clients, practitioners
          FROM (SELECT DISTINCT n.cliente_id, n.dentista_id FROM new_rows n
                 WHERE n.dentista_id IS NOT NULL AND clinic_treats(n.estado)) p
         WHERE EXISTS (SELECT FROM clinica_notasesion k WHERE k.cliente_id = p.cliente_id);
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(p.cliente_id), array_agg(p.dentista_id) INTO clients, practitioners
          FROM (SELECT DISTINCT o.cliente_id, o.dentista_id FROM old_rows o
                 WHERE o.dentista_id IS NOT NULL AND clinic_treats(o.estado)) p
         WHERE EXISTS (SELECT FROM clinica_notasesion k WHERE k.cliente_id = p.cliente_id);
    ELSE
        SELECT array_agg(p.cliente_id), array_agg(p.dentista_id) INTO clients, practitioners
          FROM (SELECT w.cliente_id, w.dentista_id
                  FROM (SELECT n.cliente_id, n.dentista_id, n.estado, 1 AS more FROM new_rows n
                         UNION ALL
                        SELECT o.cliente_id, o.dentista_id, o.estado, -1 FROM old_rows o) w
                 WHERE w.dentista_id IS NOT NULL AND clinic_treats(w.estado)
                 GROUP BY w.cliente_id, w.dentista_id HAVING sum(w.more) <> 0) p
         WHERE EXISTS (SELECT FROM clinica_notasesion k WHERE k.cliente_id = p.cliente_id);
    END IF;
    IF clients IS NOT NULL THEN
        IF TG_OP <> 'DELETE' THEN
            own := ARRAY(SELECT n.id FROM new_rows n);
        END IF;
        PERFORM clinic_touch_notes(clients, practitioners, own);
    END IF;
    RETURN NULL;
END
{body};

-- A client who is assigned to another practitioner.
CREATE OR REPLACE FUNCTION {schema}.clinic_patients_by_assignment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    clients bigint[];
    practitioners bigint[];
BEGIN
    SELECT array_agg(p.id), array_agg(p.practitioner) INTO clients, practitioners
      FROM (SELECT n.id, unnest(ARRAY[o.dentista_asignado_id, n.dentista_asignado_id]) AS practitioner
              FROM new_rows n JOIN old_rows o ON o.id = n.id
             WHERE n.dentista_asignado_id IS DISTINCT FROM o.dentista_asignado_id) p
     WHERE p.practitioner IS NOT NULL;
    IF clients IS NOT NULL THEN
        PERFORM clinic_touch_notes(clients, practitioners, '{}');
    END IF;
    RETURN NULL;
END
{body};

CREATE OR REPLACE TRIGGER clinic_patients_insert AFTER INSERT ON {schema}.citas_cita
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION {schema}.clinic_patients_by_visit();

CREATE OR REPLACE TRIGGER clinic_patients_update AFTER UPDATE ON {schema}.citas_cita
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION {schema}.clinic_patients_by_visit();

CREATE OR REPLACE TRIGGER clinic_patients_delete AFTER DELETE ON {schema}.citas_cita
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
EXECUTE FUNCTION {schema}.clinic_patients_by_visit();

CREATE OR REPLACE TRIGGER clinic_patients_update AFTER UPDATE ON {schema}.pacientes_cliente
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION {schema}.clinic_patients_by_assignment();

REVOKE ALL ON FUNCTION {schema}.clinic_treats(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.sync_row_filter(text, text, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.sync_write_filter(text, text, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.clinic_touch_notes(bigint[], bigint[], bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.clinic_patients_by_visit() FROM PUBLIC;
REVOKE ALL ON FUNCTION {schema}.clinic_patients_by_assignment() FROM PUBLIC;

-- Another filter than before: who was sent rows by that one is sent them by this.
DO {body}
BEGIN
    IF pg_catalog.current_setting('sync.filter_before') IS DISTINCT FROM
       (SELECT pg_catalog.md5(p.prosrc)
          FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = {schema_literal} AND p.proname = 'sync_row_filter') THEN
        PERFORM {schema}.sync_rescope_all();
    END IF;
END
{body};
