"""Work that is cut at a moment of chance, again and again."""

from __future__ import annotations

import json
import random
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from desktop.backup import restore
from tests.trouble_backup.site import PATIENCE, SCHEMA, Broken, Site, hold, running, state
from tests.trouble_backup.worker import BEGAN, DONE, REFUSED

WORKS = ("restore", "undo", "backup", "upload")
FAULTS = ("kill client", "kill server", "cut network", "server disk full", "client disk full")
COMMAND = (sys.executable, "-m", "tests.trouble_backup.worker")


@dataclass
class Report:
    """What came of many runs."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)


class Runs:
    """Runs on one site; what they do is the seed's, when they are cut is the day's, too."""

    def __init__(self, site: Site, seed: int) -> None:
        self._site = site
        self._rng = random.Random(seed)
        self._seed = seed
        self._took = 0.0
        self.report = Report()

    def measure(self) -> None:
        """Each kind of work once, in peace: it works, and takes so long."""
        for work in WORKS:
            self._one(work, None, 0.0)
            self.report.seconds[work] = self._took

    def one(self, number: int) -> None:
        """Run ``number``: some work, some fault, some moment. Raises :class:`Broken`."""
        work, fault = self._rng.choice(WORKS), self._rng.choice(FAULTS)
        # Half of them near the end, where the tables change places and names are given.
        earliest = self._rng.choice((0.0, 0.8))
        moment = self._rng.uniform(earliest, 1.05) * self.report.seconds[work]
        try:
            self._one(work, fault, moment)
        except Broken as error:
            raise Broken(
                f"seed {self._seed}, run {number}: {work}, {fault} after {moment:.3f} s: {error}"
            ) from error

    def _one(self, work: str, fault: str | None, moment: float) -> None:
        site = self._site
        with site.connect() as db:
            site.tidy(db)
            before = state(db, SCHEMA)
            replaced = restore.replaced(db, SCHEMA)
            meant, job = before, {"work": work}
            if work == "restore":
                name = next(name for name, known in site.states.items() if known != before)
                meant = site.states[name]
                job |= {"archive": str(site.archives[name])}
            elif work == "upload":
                job |= {"archive": str(site.archives["uno"]), "name": site.name_of("uno")}
            elif work == "undo":
                if not replaced:
                    return
                meant = state(db, replaced[0].schema)
        said = self._work(job, fault, moment)
        site.server_disk.free()
        site.client_disk.free()
        site.up()
        site.web.up()
        done = said[0] == DONE
        with site.connect() as db:
            site.alone(db)
            site.check(db, before=before, meant=meant, done=done)
            if work == "backup":
                site.check_kept(db, said[1] if done else None)
            elif work == "upload":
                content = site.archives["uno"].read_bytes()
                site.check_sent(content, said[1] if done else None)
        hold(f"undisturbed work was {said}", fault is not None or done)
        self.report.counts[f"{work}: {said[0]} after {fault}"] += 1

    def _work(self, job: dict[str, str], fault: str | None, moment: float) -> list[str]:
        """The worker's last words; ``killed`` where it had none."""
        site = self._site
        whole = {
            **job,
            "dsn": site.dsn,
            "web_port": site.web.proxy.port,
            "schema": SCHEMA,
            "identity": site.pair.identity,
            "signer": site.signer.public,
            "signer_private": site.signer.private,
            "recipients": [site.pair.recipient, site.pair.recovery_recipient],
            "folder": str(site.client_disk.path),
            "place": str(site.place),
            "run": str(self._rng.getrandbits(64)),
        }
        with (
            tempfile.TemporaryFile() as errors,
            subprocess.Popen(
                [*COMMAND, json.dumps(whole)], stdout=subprocess.PIPE, stderr=errors
            ) as process,
        ):
            assert process.stdout is not None
            first = _line(process.stdout, PATIENCE)
            if first != BEGAN:
                process.wait(PATIENCE)
                errors.seek(0)
                raise Broken(f"the worker never began: {errors.read().decode()}")
            began = time.monotonic()
            last = _line(process.stdout, moment if fault else PATIENCE)
            if fault is not None and last is None:
                self._break(fault, process, job["work"] == "upload")
                last = _line(process.stdout, PATIENCE)
            hold("the worker hangs", last is not None)
            self._took = time.monotonic() - began
            code = process.wait(PATIENCE)
            errors.seek(0)
            words = (last or "").split()
            trouble = errors.read().decode()
            hold(
                f"the worker ended with {code}: {trouble}",
                words or code == -9 or "kill" in f"{fault}",
            )
            hold(f"the worker broke: {trouble}", code in {0, 3, -9})
            return words if words and words[0] in {DONE, REFUSED} else ["killed"]

    def _break(self, fault: str, process: subprocess.Popen[bytes], web: bool) -> None:
        site = self._site
        if fault == "kill client":
            process.kill()
        elif fault == "kill server":
            (site.web.kill if web else site.kill_server)()
        elif fault == "cut network":
            (site.web.proxy if web else site.proxy).cut()
        elif fault == "server disk full" and site.server_disk.real:
            site.server_disk.fill()
        elif fault == "client disk full" and site.client_disk.real:
            site.client_disk.fill()


def _line(stream: IO[bytes], seconds: float) -> str | None:
    """The next line, ``""`` at the end, ``None`` where nothing comes for so long."""
    ready, _, _ = select.select([stream], [], [], seconds)
    return stream.readline().decode().strip() if ready else None


def many(count: int, seed: int, version: int) -> Report:
    """So many runs on a fresh site. Raises :class:`Broken`."""
    with running(version, Path(tempfile.mkdtemp(prefix="consultorio-trouble-"))) as site:
        runs = Runs(site, seed)
        runs.measure()
        for number in range(count):
            runs.one(number)
        return runs.report
