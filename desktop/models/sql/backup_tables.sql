-- What is known of a clinic's backups. Made once, by a migration. No workstation's cache has it.

-- The keys that archives are encrypted to: public halves only. One is in use; of the others, archives
-- may still be about.
CREATE TABLE {schema}.respaldo_llave (
    id uuid PRIMARY KEY,
    recipiente text NOT NULL,
    recuperacion text NOT NULL,
    creada_en timestamptz NOT NULL DEFAULT now(),
    creada_por text NOT NULL DEFAULT '',
    retirada_en timestamptz
);
CREATE UNIQUE INDEX respaldo_llave_en_uso ON {schema}.respaldo_llave ((true)) WHERE retirada_en IS NULL;

-- A key's private half, sealed by an administrator's own password. For the schema's owner alone.
CREATE TABLE {schema}.respaldo_llave_copia (
    llave uuid NOT NULL REFERENCES {schema}.respaldo_llave (id) ON DELETE CASCADE,
    titular text NOT NULL,
    sellada text NOT NULL,
    creada_en timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (llave, titular)
);

-- Who signs archives.
CREATE TABLE {schema}.respaldo_firmante (
    publica text PRIMARY KEY,
    dispositivo integer NOT NULL,
    etiqueta text NOT NULL DEFAULT '',
    creada_en timestamptz NOT NULL DEFAULT now(),
    revocada_en timestamptz
);

-- Every archive that was taken, and every attempt that failed. lugares: {place: {path, at,
-- verified_at}}; times are the server's or the workstation's, whoever saw it.
CREATE TABLE {schema}.respaldo_archivo (
    id uuid PRIMARY KEY,
    nombre text NOT NULL,
    bytes bigint NOT NULL DEFAULT 0,
    motivo text NOT NULL CHECK (motivo IN ('manual', 'automatico', 'seguridad', 'importacion')),
    tipo text NOT NULL CHECK (tipo IN ('full', 'incremental')),
    origen text NOT NULL CHECK (origen IN ('server', 'cache', 'foreign')),
    alcance text NOT NULL DEFAULT 'clinic',
    dispositivo integer NOT NULL DEFAULT 0,
    actor text NOT NULL DEFAULT '',
    tomado_el timestamptz NOT NULL,
    lugares jsonb NOT NULL DEFAULT '{}',
    verificado_el timestamptz,
    probado_el timestamptz,
    informe jsonb,
    manifiesto text,
    base text,
    sha256 text,
    cursor text,
    epoca uuid,
    revision text,
    version_esquema integer,
    filas bigint NOT NULL DEFAULT 0,
    estado text NOT NULL
        CHECK (estado IN ('failed', 'taken', 'kept', 'verified', 'damaged', 'deleted')),
    error text,
    actualizado_el timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX respaldo_archivo_tomado_el ON {schema}.respaldo_archivo (tomado_el);
