"""The first backup: from an empty screen to an archive that is verified."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from desktop.views.backups.setup import SetupWizard
from tests.backup.screens.conftest import Desk, fill
from tests.support.clinic import Station


def test_nothing_yet_leads_to_the_first_backup_that_is_verified(
    desks: Callable[..., Desk], office: Station, kept: Path
) -> None:
    desk = desks(office)
    screen = desk.screen
    assert screen.stack.currentWidget() is screen._nothing
    assert "backup.alarm_never" in screen.banners
    assert screen.first.text() == "Hacer el primer respaldo…"
    screen.first.click()
    wizard = desk.dialog(SetupWizard)
    wizard.primary.click()
    assert wizard.form.fields["address"].note.text() == "Esto hace falta."
    words = fill(wizard, kept, desk)
    assert len(words) == 24
    assert wizard.end.heading.text() == "El primer respaldo está hecho y verificado"
    wizard.primary.click()
    desk.until(lambda: len(desk.archives) == 1)
    (made,) = desk.archives
    assert made.state == "verified"
    assert made.reason == "manual"
    assert [path.name for path in kept.glob("*.consultorio")] == [made.name]
    desk.until(lambda: "backup.alarm_never" not in screen.banners)
    assert screen.card is not None
    assert screen.card.item.id == made.id
