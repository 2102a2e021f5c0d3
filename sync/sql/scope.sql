-- Which rows and columns a device gets, and what is done when that changes.

-- Whether a registered column is kept from a profile.
CREATE OR REPLACE FUNCTION {schema}.sync_hidden(registered jsonb, profile text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS {body}
    SELECT coalesce(registered -> 'hidden_from' ? profile, false);
{body};

-- Of the columns asked for, {table: [column, ...]}, those that a profile gets, in the order asked.
CREATE OR REPLACE FUNCTION {schema}.sync_visible(profile text, asked jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
    SELECT coalesce(jsonb_object_agg(s.name, known.names), '{}')
      FROM sync_table s
     CROSS JOIN LATERAL (
            SELECT jsonb_agg(c.value -> 'name' ORDER BY a.place) AS names
              FROM jsonb_array_elements_text(asked -> s.name) WITH ORDINALITY AS a (name, place)
              JOIN jsonb_array_elements(s.columns) c
                ON c.value ->> 'name' = a.name AND (c.value ->> 'live')::boolean
               AND NOT sync_hidden(c.value, profile)) known
     WHERE s.active AND profile = ANY (s.read_by) AND known.names IS NOT NULL;
{body};

-- Refuses an operation that names a column which is kept from the device, in what it saw or in what
-- it wants: neither is a device's to say that never had it.
CREATE OR REPLACE FUNCTION {schema}.sync_check_columns(
    who {schema}.sync_device, entry {schema}.sync_table, named jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    kept text[];
BEGIN
    SELECT array_agg(c.value ->> 'name' ORDER BY c.value ->> 'name') INTO kept
      FROM jsonb_array_elements(entry.columns) c
     WHERE named ? (c.value ->> 'name') AND sync_hidden(c.value, who.profile);
    IF kept IS NOT NULL THEN
        PERFORM sync_reject('forbidden', format('this device does not get those columns of %s', entry.name),
                            jsonb_build_object('scope', 'column', 'columns', to_jsonb(kept)));
    END IF;
END
{body};

-- The SQL condition on the row r under which a device may have it. A product may narrow it:
-- sync_row_filter(table, profile, practitioner) returns a condition, or NULL for no limit.
CREATE OR REPLACE FUNCTION {schema}.sync_filter_sql(who {schema}.sync_device, table_name text)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    condition text;
BEGIN
    IF to_regprocedure('sync_row_filter(text, text, bigint)') IS NOT NULL THEN
        EXECUTE 'SELECT sync_row_filter($1, $2, $3)' INTO condition
          USING table_name, who.profile, who.practitioner_id;
    END IF;
    RETURN coalesce(condition, 'true');
END
{body};

-- The condition on a row r that a device has, under which it may write it too: a product's
-- sync_write_filter(table, profile, practitioner), or NULL for no further limit.
CREATE OR REPLACE FUNCTION {schema}.sync_writing_sql(who {schema}.sync_device, table_name text)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
DECLARE
    condition text;
BEGIN
    IF to_regprocedure('sync_write_filter(text, text, bigint)') IS NOT NULL THEN
        EXECUTE 'SELECT sync_write_filter($1, $2, $3)' INTO condition
          USING table_name, who.profile, who.practitioner_id;
    END IF;
    RETURN coalesce(condition, 'true');
END
{body};

-- Logs rows that did not change themselves, but whose readers may have: whoever may have them now
-- is sent them, and to the others they are gone. S names no columns, so nobody is blamed for it.
CREATE OR REPLACE FUNCTION {schema}.sync_touch(tbl text, ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    INSERT INTO sync_log (xid, tbl, row_id, op, cols, device, actor, at)
    SELECT pg_current_xact_id(), s.id, touched.id, 'S', 0, sync_origin(), NULL, now()
      FROM sync_table s CROSS JOIN (SELECT DISTINCT unnest((SELECT ids))) touched (id)
     WHERE s.name = sync_touch.tbl AND s.active AND touched.id IS NOT NULL;
    IF FOUND THEN
        PERFORM pg_notify({channel_literal}, '');
    END IF;
END
{body};

-- A device that becomes another's: it says hello again where its profile changed, and gets those
-- tables whole of which it has other rows now (W, for the device that the log row names, and for
-- whoever goes on from its cache).
CREATE OR REPLACE FUNCTION {schema}.sync_rescope() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    IF NEW.profile IS DISTINCT FROM OLD.profile THEN
        NEW.columns := NULL;
    END IF;
    INSERT INTO sync_log (xid, tbl, row_id, op, cols, device, actor, at)
    SELECT pg_current_xact_id(), s.id, 0, 'W', 0, NEW.number, NULL, now()
      FROM sync_table s
     WHERE s.active AND NEW.profile = ANY (s.read_by)
       AND sync_filter_sql(OLD, s.name) <> sync_filter_sql(NEW, s.name);
    IF FOUND THEN
        PERFORM pg_notify({channel_literal}, '');
    END IF;
    RETURN NEW;
END
{body};

-- After the product's filter changed: every device gets those tables whole that are filtered for it.
CREATE OR REPLACE FUNCTION {schema}.sync_rescope_all() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    INSERT INTO sync_log (xid, tbl, row_id, op, cols, device, actor, at)
    SELECT pg_current_xact_id(), s.id, 0, 'W', 0, d.number, NULL, now()
      FROM sync_device d JOIN sync_table s ON s.active AND d.profile = ANY (s.read_by)
     WHERE d.revoked_at IS NULL AND sync_filter_sql(d, s.name) <> 'true';
    IF FOUND THEN
        PERFORM pg_notify({channel_literal}, '');
    END IF;
END
{body};

CREATE OR REPLACE TRIGGER sync_rescope BEFORE UPDATE ON {schema}.sync_device FOR EACH ROW
WHEN (OLD.profile IS DISTINCT FROM NEW.profile
      OR OLD.practitioner_id IS DISTINCT FROM NEW.practitioner_id)
EXECUTE FUNCTION {schema}.sync_rescope();
