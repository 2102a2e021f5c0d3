"""The first backup: where it is kept, the recovery words on paper, the keys, and the backup itself."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtPrintSupport import QPrintDialog, QPrinter, QPrinterInfo
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLineEdit, QWidget

from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.locale_format import date_long
from desktop.domain.messages import _
from desktop.domain.names import fold
from desktop.qt.context import AppContext
from desktop.qt.flow import flow
from desktop.qt.jobs import Progress
from desktop.qt.theme import current_theme
from desktop.qt.widgets import Banner, Field, button
from desktop.services.backups_records import ArchiveItem, Overview, Setup
from desktop.views.backups import words
from desktop.views.backups.asking import Credentials
from desktop.views.backups.key_sheet import Code, WordGrid, print_sheet
from desktop.views.backups.place_form import PlaceForm
from desktop.views.backups.steps import Page, Steps

ASKED_BACK = 3
ENOUGH = 4
"""So many letters of a recovery word tell it from every other."""


class SetupWizard(Steps):
    """Walks through what the first backup needs; what the clinic has already is left out.

    :param rotate: new keys for a clinic that has some; nothing is backed up then.
    :param done: called when it is over, with the archive that was made, or ``None``.
    """

    def __init__(
        self,
        parent: QWidget,
        context: AppContext,
        overview: Overview,
        done: Callable[[ArchiveItem | None], None],
        *,
        rotate: bool = False,
    ) -> None:
        super().__init__(
            parent,
            context,
            _("New keys for backups") if rotate else _("The first backup"),
            width=680,
        )
        self._backups = context.services.backups
        self._rotate = rotate
        self.finished.connect(lambda _result: done(self.archive))
        self._needs_place = not overview.places and not rotate
        self._needs_keys = not overview.set_up or rotate
        self.setup: Setup | None = None
        self.archive: ArchiveItem | None = None
        self.form = PlaceForm()
        self.place = Page(
            _("Where shall backups be kept?"),
            _(
                "Best where neither fire nor theft takes it together with the server. A second place "
                "can be added later, under “Places and times”."
            ),
        )
        self.place.add(self.form)
        self.sheet = Page(
            _("Print the recovery words"),
            _(
                "They open every backup, also when the server and all workstations are gone. They are "
                "shown this once: the program does not keep them."
            ),
        )
        self.back_check = Page(
            _("Are they on paper?"),
            _("Take the sheet and write these three words from it."),
        )
        self.asked: dict[int, QLineEdit] = {}
        self.fields: dict[int, Field] = {}
        self.credentials = Credentials(context, database=True)
        self.seal = Page(
            _("Seal the clinic's key"),
            _(
                "Your own password will open backups from now on. The database's administrator puts "
                "the key on the server."
            ),
        )
        self.seal.add(self.credentials)
        self.end = Page("")
        keys = (self.sheet, self.back_check, self.seal) if self._needs_keys else ()
        self.set_steps(*((self.place,) if self._needs_place else ()), *keys)

    def start(self) -> None:
        """Open at the first step that is needed."""
        self.open()
        if self._needs_place:
            self._show_place()
        elif self._needs_keys:
            self.show_page(self.sheet, _("Go on"), self._make_keys)
            self._make_keys()
        else:
            self._back_up()

    # Where --------------------------------------------------------------------------------------

    def _show_place(self) -> None:
        self.show_page(self.place, _("Go on"), self._try_place, focus=self.form.first)

    @Slot()
    def _try_place(self) -> None:
        if not self.form.complete():
            return
        backups, actor = self._backups, self.context.actor
        draft, secret = self.form.draft, self.form.secret
        present = self.setup

        def work(_progress: Progress) -> Setup | None:
            backups.test_place(actor, draft, secret)
            if secret is not None:
                backups.keep_place_secret(actor, draft, secret)
            settings = backups.settings()
            others = tuple(place for place in settings.places if place.id != draft.id)
            backups.save_settings(
                actor, dataclasses.replace(settings, places=(*others, draft), automatic=True)
            )
            return present or (backups.begin_setup(actor) if self._needs_keys else None)

        self.run(work, self._placed, title=_("Trying the place out"), background=False)

    def _placed(self, setup: Setup | None) -> None:
        if setup is None:
            self._back_up()
        else:
            self._show_words(setup)

    @Slot()
    def _make_keys(self) -> None:
        backups, actor = self._backups, self.context.actor
        self.run(
            lambda _progress: backups.begin_setup(actor),
            self._show_words,
            title=_("Making keys"),
            background=False,
        )

    # The words ----------------------------------------------------------------------------------

    def _show_words(self, setup: Setup) -> None:
        if self.setup is None:
            self.setup = setup
            self._fill_sheet(setup)
        self._again_sheet()

    def _again_sheet(self) -> None:
        self.show_page(
            self.sheet,
            _("I have them on paper"),
            self._ask_back,
            back=self._show_place if self._needs_place else None,
            focus=self.print_button,
        )

    def _fill_sheet(self, setup: Setup) -> None:
        space = current_theme().spacing
        beside = QHBoxLayout()
        beside.setSpacing(space.xl)
        grid = WordGrid(setup.words)
        beside.addWidget(grid, 1)
        beside.addWidget(Code(setup.qr, _("The same as a code, to be scanned")))
        self.sheet.add(beside)
        self.print_button = button(_("&Print the sheet…"), icon="print")
        self.print_button.clicked.connect(self._print)
        self.save_button = button(_("&Save as PDF…"), "quiet", icon="file")
        self.save_button.clicked.connect(self._save)
        self.sheet.add(flow(self.print_button, self.save_button))
        self.sheet.add(
            Banner(
                _(
                    "Who has these words can read all of the clinic's data. Keep the sheet as you keep "
                    "money, outside the clinic, and not as a photograph."
                ),
                "warning",
            )
        )

    @Slot()
    def _print(self) -> None:
        if not QPrinterInfo.availablePrinterNames():
            self.banner.show_text(
                _(
                    "There is no printer on this computer. Write the words down, or save the sheet on a drive that you take away."
                ),
                "warning",
            )
            return
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        dialog = QPrintDialog(printer, self)

        def chosen(result: int) -> None:
            dialog.deleteLater()
            if result == QDialog.DialogCode.Accepted:
                self.print_to(printer)

        dialog.finished.connect(chosen)
        QDialog.open(dialog)

    def print_to(self, printer: QPrinter) -> None:
        """Send the sheet there; a printer that refuses is told of."""
        if self.setup is None:
            return
        zone = self.context.services.clinic.zone
        try:
            print_sheet(printer, self.setup, date_long(self.setup.made_at.astimezone(zone).date()))
        except EnvironmentTrouble as error:
            self.show_error(error)
        else:
            self.banner.show_text(_("The sheet was sent to the printer."), "success")

    @Slot()
    def _save(self) -> None:
        dialog = QFileDialog(self, _("Save the recovery words"), "", "PDF (*.pdf)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("pdf")
        dialog.selectFile(_("Recovery words") + ".pdf")
        dialog.fileSelected.connect(self.save_to)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot(str)
    def save_to(self, path: str) -> None:
        """Write the sheet as a PDF."""
        backups, setup = self._backups, self.setup
        if setup is None:
            return

        def work(_progress: Progress) -> None:
            try:
                Path(path).write_bytes(backups.recovery_sheet(setup))
            except OSError as error:
                raise EnvironmentTrouble(
                    "sheet.not_saved", folder=str(Path(path).parent)
                ) from error

        self.context.jobs.read(self, work, done=self._saved, failed=self.show_error)

    def _saved(self, _nothing: None) -> None:
        self.banner.show_text(
            _("Saved. Take the file away from this computer: who finds it can read everything."),
            "warning",
        )

    # Asked back ---------------------------------------------------------------------------------

    @Slot()
    def _ask_back(self) -> None:
        if self.setup is None:
            return
        if not self.asked:
            chosen = sorted(random.sample(range(len(self.setup.words)), ASKED_BACK))
            for at in chosen:
                editor = QLineEdit()
                self.asked[at] = editor
                self.fields[at] = Field(_("Word {n}").format(n=at + 1), editor)
                self.back_check.add(self.fields[at])
        self.show_page(
            self.back_check,
            _("Go on"),
            self._check_back,
            back=self._again_sheet,
            focus=next(iter(self.asked.values())),
        )

    @Slot()
    def _check_back(self) -> None:
        if self.setup is None:
            return
        wrong = None
        for at, editor in self.asked.items():
            fits = _same(editor.text(), self.setup.words[at])
            self.fields[at].set_error(
                "" if fits else _("That is not word {n} of the sheet.").format(n=at + 1)
            )
            if not fits and wrong is None:
                wrong = editor
        if wrong is not None:
            wrong.setFocus()
            wrong.selectAll()
            return
        self._ask_seal()

    def _ask_seal(self) -> None:
        self.show_page(
            self.seal,
            _("Make new keys") if self._rotate else _("Make the first backup"),
            self._finish_keys,
            back=self._ask_back,
            focus=self.credentials.own,
        )

    @Slot()
    def _finish_keys(self) -> None:
        if self.setup is None or not self.credentials.complete():
            return
        backups, actor, setup, rotate = self._backups, self.context.actor, self.setup, self._rotate
        database, password = self.credentials.database, self.credentials.own.text()
        self.run(
            lambda _progress: backups.finish_setup(actor, setup, database, password, rotate=rotate),
            lambda _nothing: self._keys_made(),
            title=_("Sealing the clinic's key"),
            background=False,
        )

    def _keys_made(self) -> None:
        self._needs_keys = False
        self.credentials.clear()
        if self._rotate:
            self._over(
                _("The new keys are in use"),
                _(
                    "Backups from now on open with the new recovery words. Keep the old sheet too: "
                    "backups made before open with it."
                ),
            )
        else:
            self._back_up()

    # The backup ---------------------------------------------------------------------------------

    def _back_up(self) -> None:
        backups, actor = self._backups, self.context.actor
        self.end.heading.setText(_("The keys are made; the backup is not"))
        self.end.say(_("Nothing is lost by it: it can be tried again now or later."))
        self.show_page(self.end, _("Try again"), self._back_up, cancel=_("Close"))
        self.run(
            lambda progress: backups.create(actor, full=True, tell=progress.update),
            self._backed_up,
            title=_("Backing up"),
            text=_("Everybody can go on working meanwhile."),
        )

    def _backed_up(self, archive: ArchiveItem) -> None:
        self.archive = archive
        self._over(
            _("The first backup is made and verified"),
            _(
                "{size} are kept in {places}, were read back and found whole. From now on it happens by itself."
            ).format(size=words.size(archive.size), places=words.where(archive)),
        )

    def _over(self, title: str, text: str) -> None:
        self.end.heading.setText(title)
        self.end.say(text)
        self.show_page(self.end, _("Close"), self.accept, cancel="")


def _same(typed: str, word: str) -> bool:
    """Whether somebody wrote that word; its first four letters are enough."""
    given = fold(typed.strip())
    return given == fold(word) or (len(given) >= ENOUGH and fold(word).startswith(given))
