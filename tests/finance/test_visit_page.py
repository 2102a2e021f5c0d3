"""The page of a visit, worked with the keyboard alone, on a real cache."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from pypdf import PdfReader
from PySide6.QtCore import Qt
from PySide6.QtGui import QShortcut
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from desktop.domain import ledger
from desktop.reports import receipt as paper
from desktop.services.agenda import Agenda
from desktop.services.finance import ChargeLine, PaymentPart
from desktop.views.main_window import SMALLEST
from tests.finance.conftest import (
    CLEANING,
    CLINIC,
    CONTROL,
    MARIA,
    NEXT_VISIT,
    SLOT,
    VISIT,
    WALK_IN,
    World,
)
from tests.finance.screens import Page, visit_page

CASH, CARD, TRANSFER = ledger.CASH, ledger.CARD, ledger.TRANSFER


@pytest.fixture
def page(world: World, qtbot: QtBot, tmp_path: Path) -> Iterator[Page]:
    def wait(condition: Callable[[], bool]) -> None:
        qtbot.waitUntil(condition, timeout=15000)

    agenda = Agenda(world.cache, CLINIC)
    with visit_page(world.cache, world.finance, world.actor, tmp_path, wait, agenda=agenda) as made:
        yield made


def focused() -> object:
    return QApplication.focusWidget()


def keys(qtbot: QtBot, page: Page, *pressed: Qt.Key | str) -> None:
    """Type into whatever has the focus, as a person does."""
    for key in pressed:
        target = focused() or page.screen
        if isinstance(key, str):
            qtbot.keyClicks(target, key)
        else:
            qtbot.keyClick(target, key)


def paid(page: Page) -> bool:
    return page.screen.money.currentWidget() is page.screen.paid


def test_a_visit_is_charged_and_paid_in_two_methods_without_a_mouse(
    page: Page, world: World, qtbot: QtBot
) -> None:
    page.open(VISIT)
    screen = page.screen
    assert focused() is screen.adding.picker
    assert screen.adding.picker.text() == "Control"

    keys(qtbot, page, Qt.Key.Key_Return)
    page.wait(lambda: len(screen.visit.charges) == 1 and screen.adding.picker.text() == "")
    keys(qtbot, page, "den limp", Qt.Key.Key_Return, Qt.Key.Key_Return)
    page.wait(lambda: len(screen.visit.charges) == 2)
    page.idle()
    assert screen.panel.due.text() == "$63.500"
    assert screen.panel.amounts[CASH].text() == "63.500"

    keys(qtbot, page, Qt.Key.Key_F4)
    assert focused() is screen.panel.amounts[CASH]
    keys(qtbot, page, "20000", Qt.Key.Key_F8)
    assert focused() is screen.panel.amounts[CARD]
    assert screen.panel.amounts[CARD].text() == "43.500"
    keys(qtbot, page, Qt.Key.Key_Tab, "991", Qt.Key.Key_Tab, "25000")
    assert screen.panel.change.text() == "$5.000"
    assert screen.panel.take.text() == "Cobrar $63.500"
    keys(qtbot, page, Qt.Key.Key_Return)
    page.wait(lambda: paid(page))
    page.idle()

    (row,) = world.finance.visit(VISIT).receipts
    receipt = world.finance.receipt(row.id)
    assert [(part.method, part.amount, part.reference) for part in receipt.payments] == [
        (CASH, 20000, None),
        (CARD, 43500, "991"),
    ]
    assert receipt.change == 5000
    assert screen.paid.change.text() == "$5.000"
    assert "001-000001" in screen.paid.preview.accessibleName()
    assert focused() is screen.paid.print
    keys(qtbot, page, Qt.Key.Key_Escape)
    page.wait(lambda: screen.money.currentWidget() is screen.nothing_due)


def test_what_must_not_be_overlooked_is_on_the_page(page: Page) -> None:
    page.open(VISIT)
    header = page.screen.header
    assert header.name.text() == "María José González Pérez"
    assert header.allergies.isVisible()
    assert "Dra. Josefa Muñoz" in header.when.text()
    assert "09:00" in header.when.text()
    page.open(WALK_IN)
    assert header.name.text() == "Visita sin ficha"
    assert not header.allergies.isVisible()


def test_no_visit_and_a_visit_that_is_gone_say_what_to_do(page: Page) -> None:
    assert page.screen.pages.currentWidget() is page.screen.gone
    page.open(VISIT)
    assert page.screen.pages.currentWidget() is page.screen.content
    page.screen.open({"appointment_id": 999})
    page.wait(lambda: page.screen.pages.currentWidget() is page.screen.gone)


def test_the_visit_is_completed_by_a_key(page: Page, world: World, qtbot: QtBot) -> None:
    page.open(VISIT)
    keys(qtbot, page, Qt.Key.Key_F9)
    page.wait(lambda: page.screen.visit.appointment.status == "completada")
    assert page.screen.header.status.text() == "Completada"
    assert not page.screen.header.complete.isVisible()


def test_a_discount_asks_for_its_reason_before_it_is_charged(
    page: Page, world: World, qtbot: QtBot
) -> None:
    page.open(VISIT)
    adding = page.screen.adding
    adding.discount.setFocus()
    keys(qtbot, page, "10%")
    assert adding.reason.isVisible()
    keys(qtbot, page, Qt.Key.Key_Return)
    assert focused() is adding.reason
    assert adding.note.text() == "Escriba el motivo: queda guardado con el registro."
    keys(qtbot, page, "Convenio", Qt.Key.Key_Return)
    page.wait(lambda: len(page.screen.visit.charges) == 1)
    (charge,) = page.screen.visit.charges
    assert (charge.amount, charge.reason) == (22500, "Convenio")


def test_a_service_nobody_knows_is_not_charged(page: Page, world: World, qtbot: QtBot) -> None:
    page.open(VISIT)
    picker = page.screen.adding.picker
    picker.reset()
    keys(qtbot, page, "xyz")
    assert picker.list.item(0).text() == "Ningún servicio se llama así"
    keys(qtbot, page, Qt.Key.Key_Return, Qt.Key.Key_Escape)
    assert not picker.list.isVisible()
    page.screen.adding.add.click()
    assert page.screen.adding.note.isVisible()
    assert world.finance.visit(VISIT).charges == ()


def test_too_little_cash_and_too_much_money_are_said_in_words(
    page: Page, world: World, qtbot: QtBot
) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    page.open(VISIT)
    panel = page.screen.panel
    assert focused() is panel.amounts[CASH]
    panel.tendered.setFocus()
    keys(qtbot, page, "20000")
    assert panel.note.text() == "Al efectivo recibido le faltan $5.000."
    assert not panel.take.isEnabled()
    keys(qtbot, page, Qt.Key.Key_Return)
    page.idle()
    assert world.finance.visit(VISIT).receipts == ()
    panel.tendered.setFocus()
    panel.tendered.selectAll()
    keys(qtbot, page, Qt.Key.Key_Delete, Qt.Key.Key_F6, "30000")
    assert panel.note.text().startswith("Son $5.000 más")
    panel.keep_excess.click()
    assert panel.take.isEnabled()
    panel.confirm()
    page.wait(lambda: paid(page))
    assert world.finance.client_balance(MARIA) == -5000


def test_part_of_it_can_be_paid_and_the_rest_stays_due(
    page: Page, world: World, qtbot: QtBot
) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    page.open(VISIT)
    keys(qtbot, page, "10000")
    assert page.screen.panel.summary.text() == "Quedarán $15.000 por pagar."
    keys(qtbot, page, Qt.Key.Key_Return)
    page.wait(lambda: paid(page))
    page.idle()
    page.screen.paid.close_page.click()
    assert page.screen.panel.amounts[CASH].text() == "15.000"


def test_older_debt_is_paid_only_when_asked(page: Page, world: World, clock: object) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    world.finance.charge(world.actor, NEXT_VISIT, [ChargeLine(CLEANING)])
    page.open(NEXT_VISIT)
    panel = page.screen.panel
    assert panel.due.text() == "$38.500"
    assert panel.older.text() == "Sumar $25.000 de visitas anteriores"
    panel.confirm()
    page.wait(lambda: paid(page))
    page.idle()
    assert [row.open for row in world.finance.open_charges(MARIA)] == [25000]
    page.screen.paid.close_page.click()
    panel.older.click()
    assert panel.due.text() == "$25.000"
    panel.confirm()
    page.wait(lambda: world.finance.client_balance(MARIA) == 0)


def test_an_advance_is_taken_and_used_at_the_next_visit(
    page: Page, world: World, qtbot: QtBot
) -> None:
    page.open(VISIT)
    page.screen.advance.click()
    keys(qtbot, page, "40000", Qt.Key.Key_Return)
    page.wait(lambda: paid(page))
    page.idle()
    assert page.screen.balance.text() == "El cliente tiene $40.000 a favor."
    world.finance.charge(world.actor, NEXT_VISIT, [ChargeLine(CLEANING)])
    page.open(NEXT_VISIT)
    assert page.screen.credit.text() == "Usar $38.500 del anticipo"
    page.screen.credit.click()
    page.wait(lambda: page.screen.visit.due == 0)
    page.idle()
    assert world.finance.client_balance(MARIA) == -1500


def dialog() -> QDialog:
    (found,) = [
        widget
        for widget in QApplication.topLevelWidgets()
        if isinstance(widget, QDialog) and widget.isVisible()
    ]
    return found


def test_a_receipt_is_reversed_with_a_reason(page: Page, world: World, qtbot: QtBot) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    world.finance.take_payment(world.actor, MARIA, VISIT, [PaymentPart(CASH, Decimal(25000))])
    page.open(VISIT)
    page.screen.receipts.reverse.click()
    asked = dialog()
    reason = asked.findChild(QLineEdit, "reason")
    qtbot.keyClick(reason, Qt.Key.Key_Return)
    page.wait(asked.banner.isVisible)
    assert world.finance.visit(VISIT).due == 0
    qtbot.keyClicks(reason, "Error de tipeo")
    qtbot.keyClick(reason, Qt.Key.Key_Return)
    page.wait(lambda: page.screen.visit.due == 25000)
    page.idle()
    assert page.screen.receipts.table.item(0, 0).text() == "001-000001 (reversado)"
    assert page.screen.receipts.table.item(1, 0).text() == "001-000002 (reversa 001-000001)"
    assert not page.screen.receipts.reverse.isEnabled()


def test_a_charge_is_reversed_by_the_delete_key(page: Page, world: World, qtbot: QtBot) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    page.open(VISIT)
    table = page.screen.charges
    table.selectRow(0)
    qtbot.keyClick(table, Qt.Key.Key_Delete)
    asked = dialog()
    reason = asked.findChild(QLineEdit, "reason")
    qtbot.keyClicks(reason, "No se hizo")
    qtbot.keyClick(reason, Qt.Key.Key_Return)
    page.wait(lambda: page.screen.visit.due == 0)
    page.idle()
    assert table.item(0, 5).text() == "Reversado"
    assert table.item(0, 0).font().strikeOut()


def test_what_is_typed_survives_a_change_from_elsewhere(
    page: Page, world: World, qtbot: QtBot
) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    page.open(VISIT)
    keys(qtbot, page, "10000", Qt.Key.Key_F8)
    world.finance.charge(world.actor, VISIT, [ChargeLine(CLEANING)])
    page.wait(lambda: page.screen.panel.due.text() == "$63.500")
    assert page.screen.panel.amounts[CASH].text() == "10.000"
    assert page.screen.panel.amounts[CARD].text() == "53.500"


def test_who_may_not_pay_or_reverse_sees_it(world: World, qtbot: QtBot, tmp_path: Path) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    actor = dataclasses.replace(
        world.actor, permissions=frozenset({"finance.view", "finance.charge"})
    )

    def wait(condition: Callable[[], bool]) -> None:
        qtbot.waitUntil(condition, timeout=15000)

    with visit_page(world.cache, world.finance, actor, tmp_path, wait) as page:
        page.open(VISIT)
        assert not page.screen.panel.isEnabled()
        assert not page.screen.reverse_charge.isVisible()
        assert not page.screen.header.complete.isVisible()
        assert page.screen.adding.isVisible()


def test_a_slot_on_offer_can_be_looked_at_but_not_charged(page: Page, qtbot: QtBot) -> None:
    page.open(SLOT)
    keys(qtbot, page, Qt.Key.Key_Return)
    page.wait(page.screen.adding.note.isVisible)
    assert page.screen.adding.note.text().startswith("Nadie ha reservado esta hora")


def test_the_receipt_is_saved_as_a_pdf_and_the_folder_remembered(
    page: Page, world: World, tmp_path: Path
) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    receipt = world.finance.take_payment(
        world.actor, MARIA, VISIT, [PaymentPart(CASH, Decimal(25000))]
    )
    page.open(VISIT)
    told: list[str] = []
    page.context.notified.connect(lambda text, *_rest: told.append(text))
    folder = tmp_path / "recibos"
    folder.mkdir()
    name = page.screen.output.file_name(receipt)
    assert name == "Recibo-001-000001.pdf"
    page.screen.output.write(receipt, folder / name, copy=True)
    page.wait(lambda: bool(told))
    assert told == ["Se guardó como Recibo-001-000001.pdf."]
    assert "COPIA" in PdfReader(folder / name).pages[0].extract_text()
    assert page.context.settings.get("receipt.folder") == str(folder)


def test_a_folder_that_cannot_be_written_is_said_and_the_receipt_stands(
    page: Page, world: World, tmp_path: Path, qtbot: QtBot
) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    receipt = world.finance.take_payment(
        world.actor, MARIA, VISIT, [PaymentPart(CASH, Decimal(25000))]
    )
    failures: list[Exception] = []
    page.context.jobs.failedUnhandled.connect(lambda _owner, error: failures.append(error))
    page.screen.output.write(receipt, tmp_path / "no" / "hay.pdf", copy=False)
    page.wait(lambda: bool(failures))
    assert getattr(failures[0], "code", "") == "finance.receipt_not_saved"
    assert world.finance.visit(VISIT).receipts[0].label == "001-000001"


@pytest.mark.parametrize("layout", paper.LAYOUTS)
def test_the_printer_gets_the_same_words_as_the_pdf(
    page: Page, world: World, tmp_path: Path, layout: str
) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    receipt = world.finance.take_payment(
        world.actor, MARIA, VISIT, [PaymentPart(CASH, Decimal(25000))]
    )
    page.open(VISIT)
    page.screen.paper.setCurrentIndex(page.screen.paper.findData(layout))
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "printed.pdf"))
    page.screen.output.send(printer, receipt, copy=False)
    (printed,) = PdfReader(tmp_path / "printed.pdf").pages
    (drawn,) = paper.pages(receipt, world.finance.header(), layout=layout)
    assert float(printed.mediabox.width) == pytest.approx(drawn.width, abs=1.5)
    assert float(printed.mediabox.height) == pytest.approx(drawn.height, abs=1.5)
    text = "".join(printed.extract_text().split())
    for item in drawn.items:
        if isinstance(item, paper.Text):
            assert "".join(item.words.split()) in text


def test_every_shortcut_is_told(page: Page) -> None:
    told = {keys for keys, _words in page.screen.shortcuts()}
    own = {made.key().toString() for made in page.screen.findChildren(QShortcut)} - {"Ctrl+Return"}
    buttons = {
        made.shortcut().toString()
        for made in page.screen.findChildren(QPushButton)
        if not made.shortcut().isEmpty()
    } - {"Esc"}
    assert own | buttons <= told


def test_a_narrow_page_keeps_names_readable(page: Page, world: World) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    page.open(VISIT)
    assert not page.screen.charges.isColumnHidden(2)
    page.screen.resize(900, 700)
    page.wait(lambda: page.screen.charges.isColumnHidden(2))
    page.wait(lambda: page.screen.adding.picker.width() > 300)
    assert page.screen.adding.picker.y() < page.screen.adding.price.y()


def test_the_key_of_cash_leads_on_to_what_was_handed_over(
    page: Page, world: World, qtbot: QtBot
) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    page.open(VISIT)
    panel = page.screen.panel
    keys(qtbot, page, Qt.Key.Key_F8, "15000", Qt.Key.Key_F6)
    assert focused() is panel.amounts[CASH]
    assert panel.amounts[CASH].text() == "10.000"
    keys(qtbot, page, Qt.Key.Key_F6, "20000")
    assert focused() is panel.tendered
    assert panel.change.text() == "$10.000"
    keys(qtbot, page, Qt.Key.Key_F6)
    assert focused() is panel.amounts[CASH]
    keys(qtbot, page, Qt.Key.Key_Tab)
    assert focused() is panel.amounts[TRANSFER]


def test_in_the_smallest_window_a_charge_says_what_and_how_much(page: Page, world: World) -> None:
    line = ChargeLine(CLEANING, quantity=2, discount=Decimal(7000), reason="Convenio")
    world.finance.charge(world.actor, VISIT, [line])
    page.open(VISIT)
    table = page.screen.charges
    assert table.item(0, 0).text() == "Limpieza dental"
    page.screen.resize(SMALLEST.width() - 104, 700)
    page.wait(lambda: table.item(0, 0).text() == "2 × Limpieza dental")
    metrics = table.fontMetrics()
    assert metrics.horizontalAdvance("2 × Limpieza dental") < table.columnWidth(0)
    assert "Descuento: $7.000" in table.item(0, 0).toolTip()
    page.screen.resize(1240, 700)
    page.wait(lambda: not table.isColumnHidden(1))
    assert table.item(0, 0).text() == "Limpieza dental"


def test_without_a_printer_a_pdf_is_offered(page: Page, world: World) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    receipt = world.finance.take_payment(
        world.actor, MARIA, VISIT, [PaymentPart(CASH, Decimal(25000))]
    )
    told: list[tuple[str, str]] = []
    page.context.notified.connect(lambda text, _kind, action, _act: told.append((text, action)))
    page.screen.output.print(receipt, copy=False)
    assert told == [("No hay impresora en este computador.", "Guardar PDF")]


def test_the_smallest_window_has_room_for_the_whole_page(
    page: Page, world: World, qtbot: QtBot
) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    world.finance.take_payment(world.actor, MARIA, VISIT, [PaymentPart(CASH, Decimal(5000))])
    page.open(VISIT)
    page.screen.resize(SMALLEST.width() - 104, 700)
    inside = page.screen.left.widget()
    qtbot.waitUntil(lambda: inside.width() <= page.screen.left.viewport().width(), timeout=2000)


def test_an_amount_is_grouped_when_its_field_is_left(
    page: Page, world: World, qtbot: QtBot
) -> None:
    world.finance.charge(world.actor, VISIT, [ChargeLine(CONTROL)])
    page.open(VISIT)
    amount = page.screen.panel.amounts[CARD]
    amount.setFocus()
    qtbot.keyClicks(amount, "12500")
    assert amount.text() == "12500"
    qtbot.keyClick(amount, Qt.Key.Key_Tab)
    assert amount.text() == page.screen.panel.tender.text(CARD) == "12.500"
    discount = page.screen.adding.discount
    for typed, left in (("1500", "1.500"), ("10%", "10%"), ("nada", "nada")):
        discount.setFocus()
        discount.clear()
        qtbot.keyClicks(discount, typed)
        qtbot.keyClick(discount, Qt.Key.Key_Tab)
        assert discount.text() == left
