"""Archives of a tenant, as a restore takes them, and what a clinic holds."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import psycopg
import pyrage
from psycopg import sql
from psycopg.pq import ExecStatus

from desktop.backup import archive_format as form
from desktop.backup import catalog, keys
from desktop.backup.archive import ArchiveWriter
from desktop.backup.archive_check import Texts
from desktop.backup.archive_reader import ArchiveReader, Contents, verify
from desktop.backup.manifest import FULL, INCREMENTAL, SERVER, Column, Manifest, Table
from desktop.backup.restore import tenant_uuid
from desktop.backup.trailer import Trailer
from desktop.services import migrations
from tests.backup.format.making import members_of, read, tar

KEYS = keys.new_clinic_keys()
SIGNER = keys.Signer("11" * 32)
NOW = dt.datetime(2026, 11, 21, 14, 30, tzinfo=dt.UTC)
UNSAVED = ("alembic_version",)
KEYED_OTHERWISE = {
    "sync_meta": "one",
    "sync_device": "number",
    "sync_result": "tx",
    "acceso_intento": "usuario",
    "respaldo_firmante": "publica",
    "respaldo_llave_copia": "llave",
}


@dataclass
class Archive:
    """A written and verified archive, in memory."""

    content: bytes
    contents: Contents

    @property
    def hash(self) -> str:
        return self.contents.manifest_hash


@contextmanager
def opened(*archives: Archive, identity: str = KEYS.identity) -> Iterator[list[ArchiveReader]]:
    """Their readers, as restore takes them."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(ArchiveReader(io.BytesIO(one.content), [identity], one.contents))
            for one in archives
        ]


def described(
    connection: psycopg.Connection, schema: str, hidden: Mapping[str, Iterable[str]]
) -> list[Table]:
    """The tables that an archive has, with their columns."""
    return [
        Table(
            name,
            tuple(
                Column(column.name, column.type)
                for column in catalog.columns(connection, schema, name)
                if column.name not in hidden.get(name, ())
            ),
            (KEYED_OTHERWISE.get(name, "id"),),
        )
        for name in catalog.tables(connection, schema)
        if name not in UNSAVED and not name.startswith("sync_log")
    ]


def sequences(connection: psycopg.Connection, schema: str) -> dict[str, int]:
    rows = connection.execute(
        "SELECT sequencename, last_value FROM pg_sequences"
        " WHERE schemaname = %s AND last_value IS NOT NULL",
        (schema,),
    ).fetchall()
    return dict(rows)


def take(
    connection: psycopg.Connection,
    schema: str,
    *,
    hidden: Mapping[str, Iterable[str]] | None = None,
    only: Sequence[str] | None = None,
    recipients: keys.NewKeys = KEYS,
    **said: object,
) -> Archive:
    """A full archive of a quiet tenant."""
    sink = io.BytesIO()
    with connection.transaction():
        catalog.plain_settings(connection)
        tables = [
            one
            for one in described(connection, schema, hidden or {})
            if only is None or one.name in only
        ]
        manifest = manifest_of(connection, schema, tables, **said)
        with ArchiveWriter(
            sink, (recipients.recipient, recipients.recovery_recipient), SIGNER, manifest
        ) as writer:
            for table in tables:
                names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
                statement = sql.SQL("COPY {} ({}) TO STDOUT").format(
                    sql.Identifier(schema, table.name), names
                )
                with writer.table(table.name) as into:
                    for row in copied(connection, statement):
                        into.write(row)
            writer.finish()
    return written(sink.getvalue(), recipients.identity)


def written(content: bytes, identity: str = KEYS.identity) -> Archive:
    """An archive's bytes, verified."""
    contents = verify(io.BytesIO(content), [identity], trusted=[SIGNER.public])
    return Archive(content, contents)


def rewritten(archive: Archive, manifest: Manifest | None = None, **texts: bytes) -> Archive:
    """The same full archive with other texts of some tables, or another manifest, honestly signed."""
    told = read(archive.content, archive.contents, KEYS.identity)
    sink = io.BytesIO()
    manifest = manifest or archive.contents.manifest
    with ArchiveWriter(sink, (KEYS.recipient, KEYS.recovery_recipient), SIGNER, manifest) as writer:
        for table in manifest.tables:
            with writer.table(table.name) as into:
                into.write(texts.get(table.name, told.get(f"{table.name}/rows", b"")))
        writer.finish()
    return written(sink.getvalue())


def signed_as(archive: Archive, table: str, **said: object) -> Archive:
    """The same rows from a signer who says something else of one table's text, left to its reader."""
    content = lied(archive.content, table, KEYS.identity, [KEYS.recipient], SIGNER, **said)
    contents = verify(
        io.BytesIO(content), [KEYS.identity], trusted=[SIGNER.public], texts=Texts.LEFT
    )
    return Archive(content, contents)


def lied(
    content: bytes,
    table: str,
    identity: str,
    recipients: Sequence[str],
    signer: keys.Signer,
    **said: object,
) -> bytes:
    """An archive's bytes once its signer has said that of a table.

    :param identity: opens the archive. :param recipients: for whom it is then.
    """
    members = members_of(content, identity)
    trailer = Trailer.from_json(members[-2][1])
    tables = [
        replace(one, **said) if one.name == table else one  # type: ignore[arg-type]
        for one in trailer.tables
    ]
    assert tuple(tables) != trailer.tables
    text = replace(trailer, tables=tuple(tables)).to_json()
    members[-2:] = [(form.TRAILER, text), (form.SIGNATURE, signer.sign(form.SIGNED + text))]
    for_whom = [pyrage.x25519.Recipient.from_str(recipient) for recipient in recipients]
    encrypted: bytes = pyrage.encrypt(tar(members), for_whom)
    return encrypted


def manifest_of(
    connection: psycopg.Connection, schema: str, tables: Sequence[Table], **said: object
) -> Manifest:
    values: dict[str, object] = {
        "tenant": tenant_uuid(connection, schema),
        "clinic": "Clínica Los Aromos",
        "created_at": NOW,
        "kind": FULL,
        "source": SERVER,
        "schema_version": 2,
        "revision": migrations.tenant_version(connection, schema),
        "tables": tuple(tables),
        "sequences": sequences(connection, schema),
        "device": 1,
        "device_label": "Oficina",
        "actor": "admin",
        "program": "0.1.0",
    }
    return Manifest(**(values | said))  # type: ignore[arg-type]


def changed(
    before: Archive,
    rows: Mapping[str, bytes],
    gone: Mapping[str, bytes] | None = None,
    *,
    full: Archive | None = None,
    **said: object,
) -> Archive:
    """An incremental archive on top of another one; its tables are the full one's."""
    base = (full or before).contents.manifest
    names = [*rows, *(name for name in gone or {} if name not in rows)]
    values: dict[str, object] = {
        "tables": tuple(base.table(name) for name in names),
        "kind": INCREMENTAL,
        "base": before.hash,
    }
    sink = io.BytesIO()
    fields = {name: getattr(base, name) for name in Manifest.__dataclass_fields__}
    manifest = Manifest(**(fields | values | said))  # type: ignore[arg-type]
    with ArchiveWriter(sink, (KEYS.recipient, KEYS.recovery_recipient), SIGNER, manifest) as writer:
        for name, text in rows.items():
            with writer.table(name) as into:
                into.write(text)
        for name, text in (gone or {}).items():
            with writer.gone(name) as into:
                into.write(text)
        writer.finish()
    return written(sink.getvalue())


def copied(connection: psycopg.Connection, statement: sql.Composed) -> Iterator[memoryview]:
    """The rows of a ``COPY … TO STDOUT``, without psycopg's machinery for each of them."""
    server = connection.pgconn
    assert server.exec_(statement.as_bytes(connection)).status == ExecStatus.COPY_OUT
    while (answer := server.get_copy_data(0))[0] > 0:
        yield answer[1]
    while (end := server.get_result()) is not None:
        assert end.status == ExecStatus.COMMAND_OK, end.error_message


def hashes(connection: psycopg.Connection, schema: str, *, kept: bool = False) -> dict[str, str]:
    """Table → hash of its rows by key; of what a restore replaces, or of everything there is."""
    found = {}
    with connection.transaction():
        catalog.plain_settings(connection)
        for name in catalog.tables(connection, schema):
            if not kept and catalog.is_kept(name):
                continue
            digest = hashlib.sha256()
            statement = sql.SQL("COPY (SELECT * FROM {} t ORDER BY t::text) TO STDOUT").format(
                sql.Identifier(schema, name)
            )
            for row in copied(connection, statement):
                digest.update(row)
            found[name] = digest.hexdigest()
    return found


def shape(connection: psycopg.Connection, schema: str) -> dict[str, str]:
    """Table → all that is not its rows: columns, constraints, indexes, triggers, rights, owner."""
    with connection.transaction():
        catalog.plain_settings(connection)
        return {
            name: catalog.fingerprint(connection, schema, [name])
            for name in catalog.tables(connection, schema)
        }


def schemas(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1"
    ).fetchall()
    return [row[0] for row in rows]
