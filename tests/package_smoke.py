"""``make package-test``: the packaged program at work where no Python is in reach.

The bundle is copied elsewhere, and its own console program makes a clinic on an embedded server,
joins a workstation to it and keeps it in step; then its windows are opened and looked at. What the
programs say is checked against the server and against the workstation's cache.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from PyInstaller.archive.readers import CArchiveReader  # type: ignore[import-untyped]
from PySide6.QtGui import QImage

from desktop.domain.actor import Actor
from desktop.domain.permissions import ALL
from desktop.models import sync_schema
from desktop.services import clinic as clinic_settings
from desktop.services.cache import Cache, executor
from desktop.services.clients import Clients
from desktop.services.clients_records import NewClient
from desktop.services.workstation import Workstation
from tests.support import embedded
from tests.support.pictures import colours

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "dist" / "consultorio"
SCHEMA = "clinica_paquete"
PROFILE = "reception"
TIMEOUT = 300.0
ENDS_WITH_SIGNAL = -15
LIMIT_MB = 300
NOT_FOR_CLINICS = {"PyInstaller", "_pytest", "django", "hypothesis", "mypy", "pytest", "tests"}

FROM_THE_WEB = """
INSERT INTO {}.pacientes_cliente (nombre_completo, email, telefono, fecha_registro, activo)
VALUES ('Web Ñandú Pérez', %s, '+56987654321', now(), true) RETURNING id
"""


class Failure(Exception):
    """A check that did not hold; its text is the reason."""


def check(holds: object, reason: str) -> None:
    if not holds:
        raise Failure(reason)


class Bundle:
    """The copied bundle, and how its programs are started: with nothing of Python in reach."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        for name in ("bin", "run"):
            (home / name).mkdir(parents=True, mode=0o700)
        self.environment = {
            "PATH": str(home / "bin"),
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home / "run"),
            "LANG": "C.UTF-8",
            "TMPDIR": str(home),
            "QT_QPA_PLATFORM": "offscreen",
        }

    def start(self, name: str, *arguments: object, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.folder / name), *map(str, arguments)],
            cwd=self.home,
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, name: str, *arguments: object, expect: int = 0, **more: str) -> tuple[str, str]:
        """What a program printed and complained of; its exit code must be ``expect``."""
        process = self.start(name, *arguments, **more)
        try:
            printed, complaints = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failure(f"{name} {arguments[0]} did not end within {TIMEOUT:.0f} s") from None
        said = f"{name} {arguments[0]}: exit code {process.returncode}\n{printed}{complaints}"
        check(process.returncode == expect, f"{said}(expected {expect})")
        check("Traceback" not in complaints + printed, said)
        return printed, complaints

    def json(self, *arguments: object) -> dict[str, Any]:
        """The result of a command that succeeds."""
        printed, complaints = self.run("consultorio", *arguments, "--json")
        check(not complaints, f"consultorio {arguments[0]} complained: {complaints}")
        result: dict[str, Any] = json.loads(printed)
        check(result["ok"] is True, printed)
        return result

    def refused(self, *arguments: object) -> dict[str, str]:
        """The error of a command that is refused with a reason."""
        printed, _ = self.run("consultorio", *arguments, "--json", expect=1)
        error: dict[str, str] = json.loads(printed)["error"]
        check(error["code"] != "unexpected" and error["message"], printed)
        return error


class Smoke:
    """The steps, each of which says in a line what it showed."""

    def __init__(self, bundle: Bundle, server: embedded.Server, dsn: str, work: Path) -> None:
        self.bundle, self.server, self.dsn, self.work = bundle, server, dsn, work
        self.folder = work / "estación"
        self.phrase = self._secret("frase")
        self.password = self._secret("clave")
        self.enrolment = work / "recepcion.inscripcion"
        self.device = 0

    def _secret(self, name: str) -> Path:
        path = self.work / name
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(18), encoding="ascii")
        return path

    @property
    def station(self) -> tuple[object, ...]:
        return "--data-dir", self.folder, "--passphrase-file", self.phrase

    # The steps ----------------------------------------------------------------------------------

    def what_is_in_it(self) -> str:
        """Every module of ours and no tool of the developers'."""
        ours = {
            ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            for package in ("desktop", "sync")
            for path in (ROOT / package).rglob("*.py")
        }
        for name in ("consultorio", "consultorio-gui"):
            archive = CArchiveReader(str(self.bundle.folder / name))
            packed = set(archive.open_embedded_archive("PYZ.pyz").toc)
            check(ours <= packed, f"{name} lacks {sorted(ours - packed)}")
            foreign = NOT_FOR_CLINICS & {module.partition(".")[0] for module in packed}
            check(not foreign, f"{name} carries {sorted(foreign)}")
        files = [path for path in self.bundle.folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files if not path.is_symlink()) / 1e6
        check(size < LIMIT_MB, f"{size:.0f} MB, more than {LIMIT_MB}")
        here = [str(path) for path in files if path.name == "direct_url.json"]
        check(not here, f"says where it was built: {here}")
        return f"{len(ours)} modules of ours in both programs, {len(files)} files, {size:.0f} MB"

    def help(self) -> str:
        printed, complaints = self.bundle.run("consultorio", "--help")
        check("Equipos de una clínica" in printed, f"not in Spanish: {printed}")
        check(not complaints, complaints)
        printed, _ = self.bundle.run("consultorio", "--language", "en", "--help")
        check("Workstations of a clinic" in printed, f"not in English: {printed}")
        return "in Spanish and in English"

    def make_a_clinic(self) -> str:
        admin = ("--admin-password-file", self.password, "--dsn", self.dsn)
        made = self.bundle.json("tenant", "create", SCHEMA, "--clinic", "Los Aromos", *admin)
        check(made["tenant"]["version"] == made["tenant"]["head"], f"not migrated: {made}")
        made = self.bundle.json(
            *("tenant", "generate", SCHEMA, "--size", "small", "--seed", 7, "--dsn", self.dsn),
            *("--accounts-password-file", self.password),
        )
        rows = made["rows"]
        check(rows["pacientes_cliente"] > 1000, f"too few clients: {rows}")
        check(rows["citas_cita"] > 10_000, f"too few appointments: {rows}")
        return f"{rows['pacientes_cliente']} clients, {rows['citas_cita']} appointments"

    def enrol_and_join(self) -> str:
        admitted = self.bundle.json(
            *("device", "enroll", SCHEMA, "--profile", PROFILE, "--label", "Recepción"),
            *("--out", self.enrolment, "--dsn", self.dsn),
        )
        self.device = admitted["device"]
        joined = self.bundle.json("join", self.enrolment, *self.station)
        check(joined["profile"] == PROFILE, str(joined))
        check(joined["secrets"] == "passphrase", f"where did it find a keyring? {joined}")
        return f"device {self.device}, {joined['label']} of {joined['clinic']}"

    def stand(self, *, pending: int) -> str:
        status = self.bundle.json("status", *self.station)
        found = {key: status[key] for key in ("device", "pending", "rejected")}
        check(found == {"device": self.device, "pending": pending, "rejected": 0}, str(status))
        check(status["last_sync"], f"never synced: {status}")
        return ", ".join(f"{key} {value}" for key, value in found.items())

    def same_rows(self) -> str:
        """The cache, read by the checkout's own code, holds what the server holds."""
        counts: dict[str, tuple[int, int]] = {}
        with self.cache() as cache, self.admin() as admin, cache.reading() as session:
            for table in sync_schema().readable_by(PROFILE):
                counting = sql.SQL("SELECT count(*) FROM {}.{}").format(
                    sql.Identifier(SCHEMA), sql.Identifier(table.name)
                )
                there = admin.execute(counting).fetchall()[0][0]
                here = executor(session)(f'SELECT count(*) FROM "{table.name}"', ())[0][0]
                counts[table.name] = (here, there)
        differ = {name: both for name, both in counts.items() if both[0] != both[1]}
        check(not differ, f"cache and server differ (here, there): {differ}")
        return f"{sum(here for here, _ in counts.values())} rows in {len(counts)} tables"

    def both_ways(self) -> str:
        """One row typed here, one written there by another program, and one sync."""
        with self.cache() as cache:
            clients = Clients(cache, clinic_settings.load(cache))
            actor = Actor(None, "Recepción", "recepcion", "general", frozenset(ALL))
            mine = clients.create(
                actor, NewClient("Ana Ñuñoa Paquete", email="ana@example.com", phone="+56961234567")
            )
        with self.admin() as admin:
            ((theirs,),) = self._from_the_web(admin, "web@example.com")
        before = self.stand(pending=1)
        synced = self.bundle.json("sync", "--once", *self.station)
        found = {key: synced[key] for key in ("device", "pending", "rejected")}
        check(found == {"device": self.device, "pending": 0, "rejected": 0}, str(synced))
        with self.cache() as cache, cache.reading() as session:
            name = "SELECT nombre_completo FROM pacientes_cliente WHERE id = ?"
            came = executor(session)(name, (theirs,))
        check(came == [("Web Ñandú Pérez",)], f"the web's client did not come: {came}")
        with self.admin() as admin:
            name = "SELECT nombre_completo FROM {}.pacientes_cliente WHERE id = %s"
            went = admin.execute(sql.SQL(name).format(sql.Identifier(SCHEMA)), (mine,)).fetchall()
        check(went == [("Ana Ñuñoa Paquete",)], f"the client typed here did not go: {went}")
        return f"{before}; then {self.stand(pending=0)}"

    @staticmethod
    def _from_the_web(admin: psycopg.Connection, email: str) -> list[tuple[Any, ...]]:
        return admin.execute(
            sql.SQL(FROM_THE_WEB).format(sql.Identifier(SCHEMA)), (email,)
        ).fetchall()

    def backed_up(self) -> str:
        """Keys and their sheet, an archive that was read back, and what its restore would change."""
        kept, sheet = self.work / "respaldos", self.work / "hoja.pdf"
        kept.mkdir()
        server = ("--tenant", SCHEMA, "--dsn", self.dsn, "--folder", kept)
        server += ("--own-folder", self.work / "propia")
        person = ("--user", "admin", "--user-password-file", self.password)
        words = self.bundle.json("backup", "keys", *server, *person, "--sheet", sheet)["words"]
        check(len(words) == 24 and sheet.read_bytes().startswith(b"%PDF"), "no recovery key")
        file = self._secret("palabras")
        file.write_text(" ".join(words), encoding="utf-8")
        made = self.bundle.json("backup", "create", *server)["backup"]
        check(made["state"] == "verified", str(made))
        with self.admin() as admin:
            self._from_the_web(admin, "otra@example.com")
        plan = self.bundle.json(
            *("backup", "restore", *server, "--words-file", file, "--dry-run", made["id"])
        )
        says = plan["plan"]["sentences"]
        check(any("1 cliente" in line for line in says), str(says))
        return f"{made['size']} bytes in {kept.name}; {says[0]}"

    def refusals(self) -> str:
        """Bad input gets its sentence here, too."""
        other = self.work / "otra"
        wrong = self._secret("otra frase")
        codes = [
            self.bundle.refused(
                "join", self.enrolment, "--data-dir", other, "--passphrase-file", self.phrase
            )["code"],
            self.bundle.refused("status", "--data-dir", self.folder, "--passphrase-file", wrong)[
                "code"
            ],
            self.bundle.refused("status", "--data-dir", other)["code"],
        ]
        expected = ["enrolment.used", "secrets.passphrase_wrong", "workstation.none"]
        check(codes == expected, f"{codes}, expected {expected}")
        return ", ".join(codes)

    def windows(self) -> str:
        """The first windows: of an empty folder, of a workstation, of one that can't be opened."""
        nothing = "--data-dir", self.work / "nada"
        shots = {
            "join": self.picture("join", *nothing),
            "sign-in": self.picture("sign-in", *self.station),
            "closed": self.picture("closed", "--data-dir", self.folder, expect=1),
        }
        said = ", ".join(
            f"{name} {image.width()}×{image.height()}" for name, image in shots.items()
        )
        display = shutil.which("Xvfb")
        if display is None:
            return f"{said} (no Xvfb: the X11 plugin was not tried)"
        with x_server(display) as name:
            image = self.picture("x11", *self.station, QT_QPA_PLATFORM="xcb", DISPLAY=name)
        return f"{said}, on X11 {image.width()}×{image.height()}"

    def picture(self, name: str, *arguments: object, expect: int = 0, **more: str) -> QImage:
        path = self.work / f"{name}.png"
        self.bundle.run("consultorio-gui", *arguments, "--screenshot", path, expect=expect, **more)
        image = QImage(str(path))
        check(image.width() >= 400 and image.height() >= 300, f"{name}: too small a picture")
        found = colours(path)
        check(found >= 20, f"{name}: {found} colours, an empty window")
        kept = ROOT / "build" / "package" / path.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, kept)
        return image

    def on_its_own(self) -> str:
        """The windows open, nothing of any Python but the bundle's own in the process."""
        window = self.bundle.start("consultorio-gui", *self.station)
        try:
            until(
                lambda: self.bundle.json("status", *self.station)["open_elsewhere"],
                lambda: window.poll() is None,
                "the window opens the workstation",
            )
            error = self.bundle.refused("sync", "--once", *self.station)
            check("open" in error["code"], f"two processes in one cache: {error}")
            loaded = self._loaded(window.pid)
        finally:
            window.terminate()
            _, complaints = window.communicate(timeout=TIMEOUT)
        check("Traceback" not in complaints, complaints)
        logs = self.folder / "logs"
        crashes = sorted(path.name for path in logs.glob("crash-*"))
        check(not crashes, f"crash reports: {crashes}")
        return f"{loaded}; a second process is told “{error['code']}”; no crash report"

    def _loaded(self, process: int) -> str:
        maps = Path(f"/proc/{process}/maps")
        if not maps.exists():
            return "what is loaded can't be seen on this system"
        files = {line.split(maxsplit=5)[5] for line in maps.read_text().splitlines() if "/" in line}
        inside = {file for file in files if file.startswith(str(self.bundle.folder))}
        strangers = {
            file
            for file in files - inside
            if file.startswith((str(ROOT), sys.prefix + "/lib", sys.base_prefix + "/lib/python"))
            or "site-packages" in file
            or "libpython" in file
        }
        check(inside, "nothing of the bundle is loaded")
        check(not strangers, f"loaded from elsewhere: {sorted(strangers)}")
        return f"{len(inside)} files of the bundle loaded, none of another Python"

    # What the checks look at --------------------------------------------------------------------

    @contextlib.contextmanager
    def cache(self) -> Iterator[Cache]:
        phrase = self.phrase.read_text(encoding="ascii")
        with (
            Workstation.open(self.folder, passphrase=lambda: phrase) as station,
            contextlib.closing(station.open_cache()) as cache,
        ):
            yield cache

    def admin(self) -> psycopg.Connection:
        return psycopg.connect(self.dsn, autocommit=True)


def until(holds: Callable[[], object], alive: Callable[[], bool], what: str) -> None:
    """Ask again until it holds."""
    end = time.monotonic() + TIMEOUT
    while not holds():
        check(alive(), f"ended before this: {what}")
        check(time.monotonic() < end, f"waited {TIMEOUT:.0f} s for this: {what}")


@contextlib.contextmanager
def x_server(program: str) -> Iterator[str]:
    """The name of a display that nobody sees."""
    read, write = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(write), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read, encoding="ascii") as said:
            number = said.readline().strip()
        check(number, "Xvfb did not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def main() -> int:
    """Every step in turn; 1 with the reason at the first that fails."""
    begun = time.monotonic()
    if not (BUILT / "consultorio").exists():
        print(f"FAILED: there is no {BUILT}; make package builds it")
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="consultorio-paquete-") as temporary,
        embedded.temporary() as server,
        server.database() as dsn,
    ):
        work = Path(temporary)
        elsewhere = work / "otra carpeta ñ" / "consultorio"
        shutil.copytree(BUILT, elsewhere, symlinks=True)
        smoke = Smoke(Bundle(elsewhere, work / "home"), server, dsn, work)
        steps: tuple[tuple[str, Callable[[], str]], ...] = (
            ("what is in the bundle", smoke.what_is_in_it),
            ("help", smoke.help),
            ("a clinic is made", smoke.make_a_clinic),
            ("a workstation joins", smoke.enrol_and_join),
            ("status", lambda: smoke.stand(pending=0)),
            ("cache and server agree", smoke.same_rows),
            ("sync, both ways", smoke.both_ways),
            ("cache and server agree again", smoke.same_rows),
            ("backed up", smoke.backed_up),
            ("refusals", smoke.refusals),
            ("windows", smoke.windows),
            ("on its own", smoke.on_its_own),
        )
        for name, step in steps:
            started = time.monotonic()
            try:
                shown = step()
            except Exception as error:
                print(f"FAILED: {name}: {error}", flush=True)
                if not isinstance(error, Failure):
                    traceback.print_exc()
                return 1
            print(f"ok  {name} ({time.monotonic() - started:.1f} s): {shown}", flush=True)
    print(f"The packaged program works: {len(steps)} steps in {time.monotonic() - begun:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
