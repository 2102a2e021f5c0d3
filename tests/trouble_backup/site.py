"""A clinic, its neighbour, their server and their disks, and what must be true of them afterwards."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import io
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
from psycopg import conninfo

from desktop.backup import catalog, keys, restore
from desktop.backup.archive_reader import verify
from desktop.backup.places import naming
from desktop.backup.places.folder import FolderPlace
from desktop.backup.staging import copied_hash
from desktop.backup.take import Sealing, Who, take_full
from desktop.services import tenants
from desktop.services.accounts import NewAccount
from desktop.services.tenants import NewClinic
from tests.backup.places.servers import webdav_process
from tests.backup.restore.conftest import VISITS
from tests.support.clinic import PASSWORD, WORLD
from tests.support.cluster import Cluster
from tests.support.embedded import HBA
from tests.sync_client.proxy import Proxy

SCHEMA, NEIGHBOUR = "clinica", "vecina"
SERVER_DISK, CLIENT_DISK = 700, 24
"""Megabytes."""
PATIENCE = 60.0

PEOPLE = """
INSERT INTO pacientes_cliente (nombre_completo, email, telefono, fecha_registro, activo, notas)
SELECT 'Persona ' || i, 'p' || i || '@x.example.com', '+56900000000', now(), true, md5(i::text)
FROM generate_series(1, 12000) i;
"""
LATER = """
UPDATE pacientes_cliente SET notas = 'otra' WHERE id % 3 = 0;
DELETE FROM citas_cita WHERE id % 2 = 0;
INSERT INTO agenda_sala (nombre, orden) VALUES ('Box 3', 3);
"""


class Broken(AssertionError):
    """Something that must never happen."""


def hold(rule: str, truth: object) -> None:
    if not truth:
        raise Broken(rule)


@dataclass
class Disk:
    """A file system of its own, where root may mount one; else a folder that is never full."""

    path: Path
    megabytes: int
    real: bool = False

    def mount(self) -> None:
        self.path.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m,mode=755", "tmpfs"]
        done = subprocess.run([*command, str(self.path)], capture_output=True, check=False)
        self.real = done.returncode == 0

    def fill(self) -> None:
        """To the last byte."""
        with (self.path / "lastre").open("ab", buffering=0) as file:
            size = 1 << 20
            while size:
                try:
                    if file.write(b"x" * size) < size:
                        size //= 2
                except OSError:
                    size //= 2

    def free(self) -> None:
        (self.path / "lastre").unlink(missing_ok=True)

    def unmount(self) -> None:
        if self.real:
            subprocess.run(["umount", "--lazy", str(self.path)], check=True)


class Web:
    """A WebDAV server behind a network that can be cut."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._running = self._stack.enter_context(webdav_process(folder))
        self._upstream: dict[str, object] = {"host": "127.0.0.1", "port": self._running.port}
        self.proxy = Proxy(self._upstream)
        self._stack.callback(self.proxy.close)

    def kill(self) -> None:
        self._running.kill()

    def up(self) -> None:
        """The server runs, after it was killed too."""
        if self._running.process.poll() is not None:
            self._running = self._stack.enter_context(webdav_process(self._folder))
            self._upstream["port"] = self._running.port

    def close(self) -> None:
        self._stack.close()


@dataclass
class Site:
    """Everything of one server."""

    cluster: Cluster
    proxy: Proxy
    server_disk: Disk
    client_disk: Disk
    folder: Path
    pair: keys.NewKeys = field(default_factory=keys.new_clinic_keys)
    signer: keys.Signer = field(default_factory=keys.Signer.generate)
    archives: dict[str, Path] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    neighbour: str = ""
    web: Web = field(init=False)

    @property
    def cloud(self) -> Path:
        return self.client_disk.path / "web" / "nube"

    @property
    def place(self) -> Path:
        return self.client_disk.path / "lugar"

    @property
    def dsn(self) -> str:
        """By way of the network."""
        said = {**self.proxy.params, "user": "postgres", "dbname": "postgres"}
        return conninfo.make_conninfo(**{key: str(value) for key, value in said.items()})

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.cluster.dsn, autocommit=True)

    def prepare(self) -> None:
        """Two clinics, and archives of two states of the first one."""
        self.place.mkdir()
        self.cloud.mkdir(parents=True)
        self.web = Web(self.cloud.parent)
        with self.connect() as db:
            for name in (SCHEMA, NEIGHBOUR):
                clinic = NewClinic(name=f"Clínica {name}")
                tenants.create(db, name, clinic, NewAccount("admin", "Ana", "general"), PASSWORD)
                db.execute(f"SET search_path = {name}")
                db.execute(WORLD)
                db.execute(VISITS)
            self.neighbour = state(db, NEIGHBOUR, whole=True)
            db.execute(f"SET search_path = {SCHEMA}")
            for name, work in (("uno", PEOPLE), ("dos", LATER)):
                db.execute(work)
                self.states[name] = state(db, SCHEMA)
                self.archives[name] = self.folder / name
                sealing = Sealing(self.signer, (self.pair.recipient, self.pair.recovery_recipient))
                take_full(db, SCHEMA, self.archives[name], sealing, Who("admin", "0.1.0"))

    def name_of(self, archive: str) -> str:
        """What an archive is called where it is kept."""
        path = self.archives[archive]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        moment = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
        return naming.archive_name(uuid.UUID(int=7), moment, naming.Kind.FULL, 0, digest)

    def kill_server(self) -> None:
        """Every process of it at once, without a word."""
        parent = psutil.Process(int((self.cluster.data / "postmaster.pid").read_text().split()[0]))
        family = [parent, *parent.children(recursive=True)]
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, PATIENCE)

    def up(self) -> None:
        """The server answers, after however long it takes it to recover; it is started where it died."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
            if not self._running():
                (self.cluster.data / "postmaster.pid").unlink(missing_ok=True)
                self.cluster.start()

    def _running(self) -> bool:
        try:
            pid = int((self.cluster.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return False
        return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE

    def alone(self, db: psycopg.Connection) -> None:
        """Nobody else is connected: the server has ended what its client left."""
        deadline = time.monotonic() + PATIENCE
        while db.execute(
            "SELECT FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND pid <> pg_backend_pid()"
        ).fetchall():
            hold("a session of a client that is gone stays for ever", time.monotonic() < deadline)

    def tidy(self, db: psycopg.Connection) -> None:
        """Of what was replaced, the newest stays; archives that were kept go."""
        for one in restore.replaced(db, SCHEMA)[1:]:
            db.execute(f'DROP SCHEMA "{one.schema}" CASCADE')
        kept = (*self.place.iterdir(), *self.cloud.iterdir())
        for path in (*kept, *self.client_disk.path.glob("*.tmp*")):
            if path.is_file():
                path.unlink()

    def check(self, db: psycopg.Connection, *, before: str, meant: str, done: bool) -> None:
        """One of two states, whole; nothing half made; the neighbour untouched."""
        now = state(db, SCHEMA)
        hold("the clinic is neither as before nor as meant", now in {before, meant})
        hold("a success did nothing", not done or now == meant)
        others = {SCHEMA, NEIGHBOUR, "public", "information_schema"}
        others |= {one.schema for one in restore.replaced(db, SCHEMA)}
        there = {
            row[0]
            for row in db.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'"
            ).fetchall()
        }
        hold(f"something is left: {there - others}", there == others)
        hold("the neighbour was touched", state(db, NEIGHBOUR, whole=True) == self.neighbour)
        problems = db.execute(f"SELECT {SCHEMA}.sync_inventory()").fetchall()[0][0]
        hold(f"changes are not logged: {problems}", problems == [])

    def check_sent(self, content: bytes, name: str | None) -> None:
        """What has an archive's name on the web is that archive, whole."""
        there = {
            path.name: path.read_bytes()
            for path in self.cloud.iterdir()
            if naming.parse(path.name) is not None
        }
        hold("what was said to be sent is not there", name is None or name in there)
        for one, found in there.items():
            hold(f"{one} is not whole on the web", found == content)

    def check_kept(self, db: psycopg.Connection, name: str | None) -> None:
        """What is called an archive is one, whole, and of the clinic as it is; what was said to be
        there is."""
        there = {one.name for one in FolderPlace(self.place).list()}
        hold("what was said to be kept is not", name is None or name in there)
        for one in there:
            content = (self.place / one).read_bytes()
            contents = verify(
                io.BytesIO(content), [self.pair.identity], trusted=[self.signer.public]
            )
            with db.transaction():
                catalog.plain_settings(db)
                for table in contents.manifest.tables:
                    if catalog.is_kept(table.name):
                        continue
                    digest = copied_hash(
                        db,
                        restore.sql.Identifier(SCHEMA, table.name),
                        [column.name for column in table.columns],
                    )
                    hold(f"{table.name} is not whole", digest == contents.count(table.name).sha256)


def state(db: psycopg.Connection, schema: str, *, whole: bool = False) -> str:
    """A hash of all the rows of a clinic that a restore replaces; or of all there are."""
    digest = hashlib.sha256()
    with db.transaction():
        catalog.plain_settings(db)
        for name in catalog.tables(db, schema):
            if not whole and catalog.is_kept(name):
                continue
            digest.update(name.encode())
            rows = restore.sql.SQL("COPY (SELECT * FROM {} t ORDER BY t::text) TO STDOUT").format(
                restore.sql.Identifier(schema, name)
            )
            with db.cursor() as cursor, cursor.copy(rows) as copy:
                for chunk in copy:
                    digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def running(version: int, folder: Path) -> Iterator[Site]:
    """A site whose server runs; gone afterwards, disks and all."""
    folder.chmod(0o755)
    server_disk = Disk(folder / "servidor", SERVER_DISK)
    client_disk = Disk(folder / "cliente", CLIENT_DISK)
    cluster = Cluster(version, server_disk.path / "pg")
    proxy, site = None, None
    try:
        for disk in (server_disk, client_disk):
            disk.mount()
        cluster.create(HBA)
        with (cluster.data / "postgresql.conf").open("a") as file:
            file.write("max_wal_size = '96MB'\nmin_wal_size = '32MB'\nrestart_after_crash = on\n")
        cluster.start()
        proxy = Proxy({"host": str(cluster.folder), "port": 5432})
        site = Site(cluster, proxy, server_disk, client_disk, folder)
        site.prepare()
        yield site
    finally:
        if site is not None and hasattr(site, "web"):
            site.web.close()
        if proxy is not None:
            proxy.close()
        if (cluster.data / "postmaster.pid").exists():
            with contextlib.suppress(RuntimeError):
                cluster.stop(crash=True)
        for disk in (server_disk, client_disk):
            disk.unmount()
        shutil.rmtree(folder, ignore_errors=True)


def can_mount() -> bool:
    """Whether disks can be filled here."""
    return os.name == "posix" and os.geteuid() == 0
