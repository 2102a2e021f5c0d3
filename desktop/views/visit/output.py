"""Receipts to a printer or to a file; what was chosen once is remembered on this workstation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QStandardPaths, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtPrintSupport import QPrintDialog, QPrinter, QPrinterInfo
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.messages import _
from desktop.domain.receipt import ReceiptDetails
from desktop.qt.context import AppContext
from desktop.qt.dialogs import report_failure
from desktop.reports import receipt as layout
from desktop.views.visit.paper import print_pages

PRINTER, LAYOUT, FOLDER = "receipt.printer", "receipt.layout", "receipt.folder"
"""Names of what is remembered."""


class Output(QObject):
    """Prints and saves receipts for a page."""

    def __init__(self, context: AppContext, page: QWidget) -> None:
        super().__init__(page)
        self._context, self._page = context, page
        self._finance: Any = context.services.finance

    @property
    def layout(self) -> str:
        """The paper that this workstation uses."""
        chosen = self._context.settings.get(LAYOUT, layout.HALF_LETTER)
        return chosen if chosen in layout.LAYOUTS else layout.HALF_LETTER

    @layout.setter
    def layout(self, chosen: str) -> None:
        self._context.settings.set(LAYOUT, chosen)

    # Printing ------------------------------------------------------------------------------------
    def print(self, receipt: ReceiptDetails, *, copy: bool) -> None:
        """Print on the remembered printer; ask for one where none is remembered or it is gone."""
        name = self._context.settings.get(PRINTER, "")
        if name and name in QPrinterInfo.availablePrinterNames():
            printer = QPrinter(QPrinter.PrinterMode.HighResolution)
            printer.setPrinterName(name)
            self.send(printer, receipt, copy=copy)
        elif QPrinterInfo.availablePrinterNames():
            self.choose_printer(receipt, copy=copy)
        else:
            self._context.notify(
                _("There is no printer on this computer."),
                "warning",
                _("Save PDF"),
                lambda: self._save(receipt, copy=copy),
            )

    def choose_printer(self, receipt: ReceiptDetails, *, copy: bool) -> QPrintDialog:
        """Ask which printer, remember it, and print."""
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        dialog = QPrintDialog(printer, self._page)

        def chosen(result: int) -> None:
            dialog.deleteLater()
            if result == QDialog.DialogCode.Accepted:
                self._context.settings.set(PRINTER, printer.printerName())
                self.send(printer, receipt, copy=copy)

        dialog.finished.connect(chosen)
        QDialog.open(dialog)
        return dialog

    def send(self, printer: QPrinter, receipt: ReceiptDetails, *, copy: bool) -> None:
        """Print; a printer that refuses is told of, the receipt stands."""
        pages = layout.pages(receipt, self._finance.header(), layout=self.layout, copy=copy)
        try:
            print_pages(printer, pages)
        except EnvironmentTrouble as error:
            report_failure(self._page, error)
            return
        self._context.notify(
            _("Receipt {number} was sent to the printer.").format(number=receipt.label), "success"
        )

    # Files ---------------------------------------------------------------------------------------
    def save(self, receipt: ReceiptDetails, *, copy: bool) -> QFileDialog:
        """Ask where to save the PDF, save it and offer to open it."""
        documents = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.DocumentsLocation
        )
        folder = self._context.settings.get(FOLDER, documents)
        dialog = QFileDialog(self._page, _("Save receipt"), folder, "PDF (*.pdf)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("pdf")
        dialog.selectFile(self.file_name(receipt))

        def chosen(path: str) -> None:
            dialog.deleteLater()
            self.write(receipt, Path(path), copy=copy)

        dialog.fileSelected.connect(chosen)
        dialog.open()
        return dialog

    def _save(self, receipt: ReceiptDetails, *, copy: bool) -> None:
        self.save(receipt, copy=copy)

    @staticmethod
    def file_name(receipt: ReceiptDetails) -> str:
        """A name that sorts by number and names nobody."""
        return f"{layout.title(receipt)} {receipt.label}.pdf".replace(" ", "-")

    def write(self, receipt: ReceiptDetails, path: Path, *, copy: bool) -> None:
        """Write the PDF in the background and remember the folder."""
        header, paper = self._finance.header(), self.layout

        def work(_progress: object) -> Path:
            made = layout.render(receipt, header, layout=paper, copy=copy)
            try:
                path.write_bytes(made)
            except OSError as error:
                raise EnvironmentTrouble(
                    "finance.receipt_not_saved", folder=str(path.parent)
                ) from error
            return path

        self._context.jobs.write(self._page, work, done=self._saved)

    def _saved(self, path: Path) -> None:
        self._context.settings.set(FOLDER, str(path.parent))
        self._context.notify(
            _("Saved as {name}.").format(name=path.name),
            "success",
            _("Open"),
            lambda: _open(path),
        )


def _open(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
