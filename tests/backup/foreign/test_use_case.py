"""An administrator takes another program's backup in at a workstation, and restores what it made."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from desktop.domain.messages import _
from desktop.services import backups_steps as words
from tests.backup.services.conftest import OWNER, Office, failing, fresh_clinic, fresh_office
from tests.support.clinic import PASSWORD

__all__ = ["fresh_clinic", "fresh_office"]


def test_from_the_file_to_the_clinic(fresh_office: Office, dump: Path) -> None:
    office = fresh_office
    seen = office.backups.look(office.actor, dump)
    assert seen.schemas == {"clinica_demo": 29}
    before = office.names()
    with failing("foreign.no_schema"):
        office.backups.import_foreign(office.actor, dump, "otra", PASSWORD, OWNER)
    made = office.backups.import_foreign(office.actor, dump, None, PASSWORD, OWNER)
    assert "Se tomaron 5 de 5 clientes." in made.lines
    assert office.names() == before
    assert (made.archive.reason, made.archive.source) == ("import", "foreign")
    planned = office.backups.plan(office.actor, made.archive.id, office.secret, OWNER)
    assert planned.opened.source == "foreign"
    assert office.clinic.value("SELECT origen FROM respaldo_archivo") == "foreign"
    office.clinic.query("DELETE FROM respaldo_archivo")
    (office.station.folder / "backups" / "history.jsonl").unlink()
    (found,) = office.backups.overview().archives
    assert (found.reason, found.source) == ("import", "foreign")
    assert office.backups.overview().alarm == "never"
    made = dataclasses.replace(made, archive=found)
    office.backups.restore(
        office.actor, made.archive.id, office.secret, OWNER, clinic_name=planned.clinic
    )
    assert office.names() == [f"Cliente {n} Ñandú" for n in range(5)]
    office.backups.undo(office.actor, PASSWORD, OWNER)
    assert office.names() == before


@pytest.mark.parametrize("step", [words.LOOKING, words.TAKING_IN, words.SORTING, words.READING])
def test_a_stop_in_any_step_leaves_nothing(fresh_office: Office, dump: Path, step: str) -> None:
    office = fresh_office
    heard: list[tuple[int | None, str]] = []

    class Stop(Exception):
        pass

    def tell(_done: int, total: int | None, text: str) -> None:
        heard.append((total, text))
        if text == _(step):
            raise Stop

    with pytest.raises(Stop):
        office.backups.import_foreign(office.actor, dump, None, PASSWORD, OWNER, tell=tell)
    assert office.backups.overview().archives == ()
    assert (
        office.clinic.value("SELECT count(*) FROM pg_namespace WHERE nspname ~ '^importando_'") == 0
    )
    known = [total for total, text in heard if text == _(words.LOOKING) and total]
    assert set(known) <= {dump.stat().st_size}
    assert bool(known) is (step != words.LOOKING)
