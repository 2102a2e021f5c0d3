"""What a person can do with backups: each asks what it must, works beside other work, says how it went."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.locale_format import number
from desktop.domain.messages import _
from desktop.qt.context import AppContext
from desktop.qt.dialogs import Dialog, tell
from desktop.qt.jobs import Progress
from desktop.qt.widgets import Banner, label
from desktop.services.backups_records import (
    ArchiveItem,
    Database,
    DrillReport,
    Overview,
    Restored,
    Secret,
)
from desktop.views.backups import words
from desktop.views.backups.asking import Asking
from desktop.views.backups.detail import StateLine
from desktop.views.backups.places import PlacesDialog
from desktop.views.backups.restoring import RestoreWizard
from desktop.views.backups.running import RunningStrip
from desktop.views.backups.setup import SetupWizard
from desktop.views.backups.taking_in import ImportWizard
from desktop.views.backups.words import State

FOLDER = "backups.folder"
"""Where the last file was written."""


class Actions(QObject):
    """The screen's verbs. ``refresh(archive)`` reads the history anew and chooses an archive."""

    def __init__(
        self,
        screen: QWidget,
        context: AppContext,
        running: RunningStrip,
        refresh: Callable[[str], None],
    ) -> None:
        super().__init__(screen)
        self._screen, self._context = screen, context
        self._running, self._refresh = running, refresh
        self._backups = context.services.backups
        self._overview: Overview | None = None

    # Taking -------------------------------------------------------------------------------------

    def create(self) -> None:
        """Take a backup now; everybody goes on working."""
        backups, actor = self._backups, self._context.actor

        def work(progress: Progress) -> ArchiveItem:
            made: ArchiveItem = backups.create(actor, tell=progress.update)
            return made

        self._running.run(_("Backing up"), work, self._created)

    def create_from_here(self, _overview: Overview) -> None:
        """Take what this workstation holds itself: for when the server is gone."""
        backups, actor = self._backups, self._context.actor

        def work(progress: Progress) -> ArchiveItem:
            made: ArchiveItem = backups.take_from_here(actor, tell=progress.update)
            return made

        self._running.run(_("Backing up this workstation's own copy"), work, self._created)

    def _created(self, made: ArchiveItem) -> None:
        self._refresh(made.id)
        self._context.notify(
            _("Backed up and verified: {size} in {places}.").format(
                size=words.size(made.size), places=words.where(made)
            ),
            "success",
        )

    def set_up(self, overview: Overview) -> None:
        """Walk through the first backup."""
        SetupWizard(self._screen, self._context, overview, self._set_up).start()

    def _set_up(self, made: ArchiveItem | None) -> None:
        self._refresh("" if made is None else made.id)

    def verify(self, item: ArchiveItem) -> None:
        """Read every copy back and compare."""
        backups, actor = self._backups, self._context.actor

        def work(progress: Progress) -> ArchiveItem:
            seen: ArchiveItem = backups.verify(actor, item.id, tell=progress.update)
            return seen

        def done(seen: ArchiveItem) -> None:
            self._refresh(seen.id)
            if seen.state == "verified":
                self._context.notify(_("Read back and found whole."), "success")
            else:
                tell(
                    self._screen,
                    _("This backup can't be relied on"),
                    seen.error or _("A copy was not what was stored. Make a new backup."),
                )

        self._running.run(_("Reading the backup back"), work, done)

    def drill(self, item: ArchiveItem) -> None:
        """Restore it beside the clinic, and look whether it is right."""
        backups, actor = self._backups, self._context.actor

        def work(secret: Secret, database: Database, progress: Progress) -> DrillReport:
            report: DrillReport = backups.drill(
                actor, item.id, secret, database, tell=progress.update
            )
            return report

        Asking(
            self._screen,
            self._context,
            _("Try the backup out"),
            _(
                "It is fetched, opened and restored beside the clinic, and its figures are checked. "
                "The clinic itself is not touched, and nothing of the trial stays."
            ),
            action=_("Try it out"),
            work=work,
            done=self._drilled,
            words=True,
            database=True,
        ).start()

    def _drilled(self, report: DrillReport) -> None:
        self._refresh("")
        DrillDialog(self._screen, report).open()

    # Files --------------------------------------------------------------------------------------

    def download(self, item: ArchiveItem) -> None:
        """Write a copy of it to a file."""
        self._ask_path(
            _("Download the backup"),
            item.name or "consultorio.consultorio",
            _("Backups (*.consultorio)"),
            partial(self.download_to, item),
        )

    def download_to(self, item: ArchiveItem, name: str) -> None:
        """Ask for the password, then fetch it to ``name``."""
        backups, actor, path = self._backups, self._context.actor, Path(name)

        def work(secret: Secret, _database: Database, progress: Progress) -> Path:
            written: Path = backups.download(
                actor, item.id, path, secret.password, tell=progress.update
            )
            return written

        Asking(
            self._screen,
            self._context,
            _("Download the backup"),
            _("It stays encrypted: without your password or the recovery words nobody reads it."),
            action=_("Download"),
            work=work,
            done=self._written,
        ).start()

    def export_sql(self, _overview: Overview) -> None:
        """Write the clinic as plain SQL."""
        self._ask_path(
            _("Export as SQL"), "consultorio.sql", _("Plain SQL (*.sql)"), self.export_to
        )

    def export_to(self, name: str) -> None:
        """Ask for the passwords, then write everything readable to ``name``."""
        backups, actor, path = self._backups, self._context.actor, Path(name)

        def work(secret: Secret, database: Database, progress: Progress) -> Path:
            written: Path = backups.export_sql(
                actor, path, secret.password, database, tell=progress.update
            )
            return written

        Asking(
            self._screen,
            self._context,
            _("Export as SQL"),
            _(
                "The file is not encrypted: whoever gets it can read all of the clinic's data. For "
                "safekeeping take a backup instead."
            ),
            action=_("Write it readable"),
            work=work,
            done=self._written,
            kind="danger",
            database=True,
        ).start()

    def export_list(self, lines: list[list[str]]) -> None:
        """Write the history as it is shown; spreadsheets open it."""
        self._ask_path(
            _("Export this list"),
            _("Backups").lower() + ".csv",
            "CSV (*.csv)",
            partial(self.write_list, lines),
        )

    def write_list(self, lines: list[list[str]], name: str) -> None:
        """Write ``lines`` to ``name``."""

        def work(_progress: Progress) -> Path:
            content = io.StringIO()
            csv.writer(content, delimiter=";").writerows(lines)
            path = Path(name)
            try:
                path.write_text(content.getvalue(), "utf-8-sig", newline="")
            except OSError as error:
                raise EnvironmentTrouble(
                    "backups.list_not_saved", folder=str(path.parent)
                ) from error
            return path

        self._context.jobs.read(self._screen, work, done=self._written)

    def _ask_path(
        self, title: str, name: str, kind: str, then: Callable[[str], None]
    ) -> QFileDialog:
        documents = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.DocumentsLocation
        )
        folder = self._context.settings.get(FOLDER, documents)
        dialog = QFileDialog(self._screen, title, folder, kind)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(Path(name).suffix.removeprefix("."))
        dialog.selectFile(name)
        dialog.fileSelected.connect(then)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def _written(self, path: Path) -> None:
        self._context.settings.set(FOLDER, str(path.parent))
        self._context.notify(_("Saved as {name}.").format(name=path.name), "success")

    # Deleting -----------------------------------------------------------------------------------

    def delete(self, item: ArchiveItem) -> None:
        """Delete every copy, where the person gives the password."""
        backups, actor = self._backups, self._context.actor
        taken = words.when(item.taken_at, self._context.services.clinic.zone)

        def work(secret: Secret, _database: Database, _progress: Progress) -> None:
            backups.delete(actor, item.id, secret.password)

        def done(_nothing: None) -> None:
            self._refresh("")
            self._context.notify(_("The backup is deleted."), "success")

        Asking(
            self._screen,
            self._context,
            _("Delete the backup?"),
            _(
                "The backup of {when} is removed from every place within reach: {places}. This can't "
                "be undone."
            ).format(when=taken, places=words.where(item)),
            action=_("Delete the backup"),
            work=work,
            done=done,
            kind="danger",
        ).start()

    # Restoring ----------------------------------------------------------------------------------

    def restore(self, item: ArchiveItem) -> None:
        """Walk through the restore, beginning with this one."""
        self._restore(item.id)

    def restore_any(self, overview: Overview) -> None:
        """Walk through the restore."""
        self._restore("", overview)

    def _restore(self, chosen: str, overview: Overview | None = None) -> None:
        self._context.jobs.read(
            self._screen,
            lambda _progress: overview or self._backups.overview(refresh=False),
            done=lambda found: self._open_restore(found, chosen),
        )

    def _open_restore(self, overview: Overview, chosen: str) -> None:
        RestoreWizard(
            self._screen,
            self._context,
            overview.archives,
            chosen=chosen,
            done=lambda: self._refresh(""),
            undo=self.undo,
        ).start()

    @Slot()
    def undo(self) -> None:
        """Put back what stood here before the last restore."""
        backups, actor = self._backups, self._context.actor

        def work(secret: Secret, database: Database, progress: Progress) -> Restored:
            undone: Restored = backups.undo(actor, secret.password, database, tell=progress.update)
            return undone

        def done(undone: Restored) -> None:
            self._refresh("")
            tell(
                self._screen,
                _("The restore is undone"),
                _("The clinic is as it was before it: {n} records.").format(n=number(undone.rows)),
            )

        Asking(
            self._screen,
            self._context,
            _("Undo the restore?"),
            _(
                "The clinic goes back to what stood here before the restore. What was recorded since "
                "then is offered to you for review."
            ),
            action=_("Undo the restore"),
            work=work,
            done=done,
            kind="danger",
            database=True,
        ).start()

    # Others -------------------------------------------------------------------------------------

    def take_in(self, _overview: Overview) -> None:
        """Walk through the import of another program's backup."""

        def done(archive: str, restore: bool) -> None:
            self._refresh(archive)
            if restore:
                self._restore(archive)

        ImportWizard(self._screen, self._context, done).start()

    def settings(self, overview: Overview) -> None:
        """Places, times, retention and keys."""
        backups = self._backups

        def show(settings: object) -> None:
            PlacesDialog(
                self._screen,
                self._context,
                settings,  # type: ignore[arg-type]
                saved=lambda: self._refresh(""),
                new_keys=partial(self._rotate, overview),
                my_key=self._adopt,
                drills=self._allow_drills,
            ).start()

        self._context.jobs.read(self._screen, lambda _progress: backups.settings(), done=show)

    def _rotate(self, overview: Overview) -> None:
        SetupWizard(self._screen, self._context, overview, self._set_up, rotate=True).start()

    def _allow_drills(self, allowed: bool) -> None:
        backups, actor = self._backups, self._context.actor

        def done(_nothing: None) -> None:
            self._refresh("")
            self._context.notify(
                _("Trial restores happen by themselves from now on.")
                if allowed
                else _("The key for trial restores was removed from this computer."),
                "success",
            )

        if not allowed:
            self._context.jobs.read(
                self._screen, lambda _progress: backups.forbid_drills(actor), done=done
            )
            return

        def work(secret: Secret, database: Database, _progress: Progress) -> None:
            backups.allow_drills(actor, secret, database)

        Asking(
            self._screen,
            self._context,
            _("Trial restores by themselves"),
            _(
                "Every week this workstation restores the newest backup beside the clinic and checks "
                "it. For that the clinic's key and the database's password are kept in this "
                "computer's keyring: allow it only where the computer is well looked after."
            ),
            action=_("Allow it here"),
            work=work,
            done=done,
            words=True,
            database=True,
        ).start()

    def _adopt(self) -> None:
        backups, actor = self._backups, self._context.actor

        def work(secret: Secret, database: Database, _progress: Progress) -> None:
            backups.adopt_key(actor, database, secret)

        Asking(
            self._screen,
            self._context,
            _("Open backups with my password"),
            _(
                "For an administrator who is new, or whose password changed. The recovery words open "
                "the clinic's key once; from then on your own password does."
            ),
            action=_("Open the key"),
            work=work,
            done=lambda _nothing: self._context.notify(
                _("From now on your password opens the backups."), "success"
            ),
            words=True,
            database=True,
        ).start()


class DrillDialog(Dialog):
    """What a trial restore proved, line by line."""

    def __init__(self, parent: QWidget, report: DrillReport) -> None:
        super().__init__(
            parent,
            _("The backup can be restored") if report.ok else _("The backup failed its trial"),
            _("{n} records were restored beside the clinic in {seconds} s and compared.").format(
                n=number(report.rows), seconds=number(round(report.seconds))
            ),
            action=_("Close"),
            cancel="",
            width=560,
        )
        if not report.ok:
            self.body.addWidget(
                Banner(_("Take another backup now, and try that one out."), "danger")
            )
        for check in report.checks:
            self.body.addWidget(
                StateLine(
                    State(
                        check.words,
                        "success" if check.ok else "danger",
                        "success" if check.ok else "danger",
                    )
                )
            )
        if report.signed:
            self.body.addWidget(
                label(_("Signed: {signature}").format(signature=report.signed[:32]), "small")
            )
        self.primary.clicked.connect(self.accept)
