-- Money is inserted and never changed, whoever writes.

-- Refuses every change of a ledger row. Arguments: pairs of a reference column and its parent table.
--
-- One change passes: a back office deleted the parent, and the foreign key empties the reference.
-- It comes from inside another trigger, empties references whose parent is gone, and does no more.
CREATE OR REPLACE FUNCTION {schema}.clinic_append_only() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    before jsonb;
    after jsonb;
    place integer := 0;
    parent_there boolean;
BEGIN
    IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN
        before := to_jsonb(OLD);
        after := to_jsonb(NEW);
        WHILE place < TG_NARGS LOOP
            IF after -> TG_ARGV[place] = 'null' AND before -> TG_ARGV[place] <> 'null' THEN
                EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE id = $1)', TG_ARGV[place + 1])
                   INTO parent_there USING (before ->> TG_ARGV[place])::bigint;
                IF NOT parent_there THEN
                    before := before || jsonb_build_object(TG_ARGV[place], NULL);
                END IF;
            END IF;
            place := place + 2;
        END LOOP;
        IF before = after THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed or deleted; a mistake is reversed by a counter-entry',
                    TG_TABLE_NAME
          USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME,
                CONSTRAINT = TG_TABLE_NAME || '_solo_agregar';
END
{body};

REVOKE ALL ON FUNCTION {schema}.clinic_append_only() FROM PUBLIC;

DO {body}
DECLARE
    ledger text;
    emptied text;
BEGIN
    -- What waits for the commit stands in the way of altering a table.
    SET CONSTRAINTS ALL IMMEDIATE;
    FOREACH ledger IN ARRAY ARRAY['finanzas_cargo', 'finanzas_recibo', 'finanzas_pago',
                                  'finanzas_asignacion', 'caja_movimiento'] LOOP
        -- confdeltype n: ON DELETE SET NULL.
        SELECT pg_catalog.string_agg(pg_catalog.format('%L, %L', a.attname, parent.relname), ', ')
          INTO emptied
          FROM pg_catalog.pg_constraint c
          JOIN pg_catalog.pg_class parent ON parent.oid = c.confrelid
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
         WHERE c.conrelid = pg_catalog.format('%I.%I', {schema_literal}, ledger)::pg_catalog.regclass
           AND c.contype = 'f' AND c.confdeltype = 'n';
        EXECUTE pg_catalog.format(
            'CREATE OR REPLACE TRIGGER clinic_append_only BEFORE UPDATE OR DELETE ON %1$I.%2$I '
            'FOR EACH ROW EXECUTE FUNCTION %1$I.clinic_append_only(%3$s)',
            {schema_literal}, ledger, coalesce(emptied, ''));
        EXECUTE pg_catalog.format(
            'CREATE OR REPLACE TRIGGER clinic_append_only_truncate BEFORE TRUNCATE ON %1$I.%2$I '
            'FOR EACH STATEMENT EXECUTE FUNCTION %1$I.clinic_append_only()',
            {schema_literal}, ledger);
        -- Also for who loads rows as a replica, where triggers rest.
        EXECUTE pg_catalog.format(
            'ALTER TABLE %1$I.%2$I ENABLE ALWAYS TRIGGER clinic_append_only, '
            'ENABLE ALWAYS TRIGGER clinic_append_only_truncate', {schema_literal}, ledger);
    END LOOP;
END
{body};

-- What is allocated of a payment lies between nothing and the payment (of a refund likewise, below
-- zero). Checked for the payments of the new rows, one writer of a payment's allocations at a time.
CREATE OR REPLACE FUNCTION {schema}.clinic_check_allocations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    payments bigint[];
    wrong bigint;
BEGIN
    IF TG_TABLE_NAME = 'finanzas_pago' THEN
        -- Foreign keys wait for the commit: an allocation may have come before its payment.
        SELECT array_agg(n.id) INTO payments FROM new_rows n
         WHERE EXISTS (SELECT FROM finanzas_asignacion a WHERE a.pago_id = n.id);
    ELSE
        SELECT array_agg(DISTINCT n.pago_id) INTO payments FROM new_rows n;
    END IF;
    IF payments IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM FROM finanzas_pago p WHERE p.id = ANY ((SELECT payments)::bigint[]) ORDER BY p.id FOR NO KEY UPDATE;
    SELECT p.id INTO wrong
      FROM finanzas_pago p
      JOIN finanzas_asignacion a ON a.pago_id = p.id
     WHERE p.id = ANY ((SELECT payments)::bigint[])
     GROUP BY p.id, p.monto
    HAVING sum(a.monto) NOT BETWEEN least(p.monto, 0) AND greatest(p.monto, 0)
     LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'more is allocated of payment % than was paid', wrong
              USING ERRCODE = 'check_violation', TABLE = 'finanzas_asignacion',
                    CONSTRAINT = 'finanzas_asignacion_no_excede_pago';
    END IF;
    RETURN NULL;
END
{body};

REVOKE ALL ON FUNCTION {schema}.clinic_check_allocations() FROM PUBLIC;

CREATE OR REPLACE TRIGGER clinic_check_allocations AFTER INSERT ON {schema}.finanzas_asignacion
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION {schema}.clinic_check_allocations();

CREATE OR REPLACE TRIGGER clinic_check_allocations AFTER INSERT ON {schema}.finanzas_pago
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
EXECUTE FUNCTION {schema}.clinic_check_allocations();
