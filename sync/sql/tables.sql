-- The engine's own tables. Created once, by a migration.

CREATE TABLE {schema}.sync_meta (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    tenant_uuid uuid NOT NULL DEFAULT gen_random_uuid(),
    epoch uuid NOT NULL DEFAULT gen_random_uuid(),
    schema_version integer NOT NULL DEFAULT 0,
    min_client_version integer NOT NULL DEFAULT 1
);
INSERT INTO {schema}.sync_meta DEFAULT VALUES;

-- id and the columns' bits are given once and never again: the log names tables and columns by them.
CREATE TABLE {schema}.sync_table (
    id smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    ord smallint NOT NULL,
    active boolean NOT NULL DEFAULT true,
    columns jsonb NOT NULL,
    read_by text[] NOT NULL,
    write_by text[] NOT NULL,
    refs jsonb NOT NULL,
    born_on_server boolean NOT NULL,
    append_only boolean NOT NULL
);

-- A sequence is not rolled back: a device's number is never given twice.
CREATE SEQUENCE {schema}.sync_device_number AS integer MINVALUE 1 MAXVALUE 16383 NO CYCLE;

CREATE TABLE {schema}.sync_device (
    number integer PRIMARY KEY DEFAULT nextval('{schema}.sync_device_number')
        CHECK (number BETWEEN 1 AND 16383),
    role_name text NOT NULL,
    profile text NOT NULL,
    practitioner_id bigint,
    label text NOT NULL DEFAULT '',
    nonce uuid,
    last_exchange uuid,
    columns jsonb,
    schema_version integer,
    server_version integer,
    enrolled_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    last_seen timestamptz,
    forked_from integer REFERENCES {schema}.sync_device (number)
);
ALTER SEQUENCE {schema}.sync_device_number OWNED BY {schema}.sync_device.number;

CREATE TABLE {schema}.sync_log (
    xid xid8 NOT NULL,
    tbl smallint NOT NULL,
    row_id bigint NOT NULL,
    op "char" NOT NULL,
    cols bigint NOT NULL,
    device integer NOT NULL,
    actor bigint,
    at timestamptz NOT NULL
);
CREATE INDEX sync_log_xid ON {schema}.sync_log (xid);

CREATE TABLE {schema}.sync_result (
    tx uuid PRIMARY KEY,
    device integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    result jsonb NOT NULL
);
