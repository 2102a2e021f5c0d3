"""``consultorio status`` says when the data was proved, and what the proof found."""

from __future__ import annotations

import contextlib

from desktop.services.cache import connect
from desktop.services.workstation import Workstation
from sync import store
from tests.trouble.conftest import PASSPHRASE, Post


def test_status_tells_of_the_proof_as_json_and_in_words(post: Post) -> None:
    fresh = post.run("status", "--json").json
    assert (fresh["verified"], fresh["mended"], fresh["unwatched"]) == (None, 0, [])
    with (
        Workstation.open(post.folder, passphrase=lambda: PASSPHRASE) as station,
        contextlib.closing(connect(station.cache_path, station.cache_key)) as cache,
    ):
        execute = store.executor(cache)
        store.set_state(execute, "verified_at", "2026-11-23T12:00:00+00:00")
        store.set_state(execute, "checking_mended", '{"citas_cita": 2, "pacientes_cliente": 1}')
        store.set_state(
            execute, "problems", '[{"table": "citas_cita", "problem": "trigger_disabled"}]'
        )
    told = post.run("status", "--json").json
    assert told["verified"] == "2026-11-23T12:00:00+00:00"
    assert (told["mended"], told["unwatched"]) == (3, ["citas_cita"])
    lines = post.run("status").out.splitlines()
    assert "Comprobado con el servidor: 2026-11-23 12:00 UTC" in lines
    assert "Registros que no eran iguales: 3" in lines
    assert "Tablas que el servidor no vigila: citas_cita" in lines
    # What the server says at the next greeting counts again.
    assert post.run("sync", "--once", "--json").json["mended"] == 3
