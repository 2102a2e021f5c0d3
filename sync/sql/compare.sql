-- Comparing what a device holds with what it should hold, without sending the rows.

-- A row's hash: the first seven bytes of the SHA-256 of its text, so that it is a positive bigint.
-- The text is the one in which the row is sent, and the same bytes on both sides.
CREATE OR REPLACE FUNCTION {schema}.sync_hash(row_text text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('x' || encode(substr(sha256(convert_to(row_text, 'UTF8')), 1, 7), 'hex'))::bit(56)::bigint;

-- Whether what a transaction wrote is news to who holds a cursor.
CREATE OR REPLACE FUNCTION {schema}.sync_unseen(writer xid8, since text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS {body}
    SELECT writer::text IS DISTINCT FROM nullif(split_part(since, '|', 2), '')
       AND NOT pg_visible_in_snapshot(writer, split_part(since, '|', 1)::pg_snapshot);
{body};

-- To compare is work for a processor. Where a clinic's workstations all have to at once, one of them does
-- at a time, so that the server has others for who works. Nobody waits in the server: who waits there
-- has a connection, and runs out of time.
CREATE OR REPLACE FUNCTION {schema}.sync_turn() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, {schema}, pg_temp
AS {body}
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('consultorio compare'), hashtext({schema_literal})) THEN
        RAISE EXCEPTION 'another workstation is compared just now' USING ERRCODE = 'SY003';
    END IF;
END
{body};

-- Of up to lim rows after an id: [bucket, rows, hashes xor-ed, last id] for each bucket of 4096 ids.
CREATE OR REPLACE FUNCTION {schema}.sync_sums(device integer, tbl text, after bigint, lim integer)
RETURNS SETOF text LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
DECLARE
    reading record;
BEGIN
    reading := sync_reading(sync_reader(device), tbl);
    PERFORM sync_turn();
    RETURN QUERY EXECUTE format(
        'SELECT json_build_array(h.id >> 12, count(*), bit_xor(sync_hash(h.line)), max(h.id))::text '
        'FROM (SELECT r.id::bigint AS id, %s::text AS line FROM %I r '
        'WHERE r.id > $1 AND (%s) ORDER BY r.id LIMIT $2) h GROUP BY h.id >> 12 ORDER BY h.id >> 12',
        reading.expression, tbl, reading.condition) USING after, lim;
END
{body};

-- [id, hash, recent] of every row in (after, upto], and [id, null, true] of rows that went after a cursor.
-- What is recent may differ from what the device holds, and the next exchange would bring it.
CREATE OR REPLACE FUNCTION {schema}.sync_hashes(
    device integer, tbl text, after bigint, upto bigint, since text)
RETURNS SETOF text LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, {schema}, pg_temp SET timezone = 'UTC'
AS {body}
DECLARE
    reading record;
BEGIN
    reading := sync_reading(sync_reader(device), tbl);
    RETURN QUERY EXECUTE format(
        'WITH recent AS (SELECT DISTINCT l.row_id AS id FROM sync_log l '
        'WHERE l.tbl = (SELECT s.id FROM sync_table s WHERE s.name = $2) '
        'AND l.row_id > $1 AND l.row_id <= $4 AND sync_unseen(l.xid, $3)) '
        'SELECT json_build_array(coalesce(h.id, c.id), h.hash, c.id IS NOT NULL)::text '
        'FROM (SELECT r.id::bigint AS id, sync_hash(%s::text) AS hash FROM %I r '
        'WHERE r.id > $1 AND r.id <= $4 AND (%s)) h '
        'FULL JOIN recent c ON c.id = h.id ORDER BY 1',
        reading.expression, tbl, reading.condition) USING after, tbl, since, upto;
END
{body};
