"""What stands on the paper, read back from the PDF."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from decimal import Decimal

import pytest
from pypdf import PdfReader

from desktop.domain.messages import set_language
from desktop.domain.receipt import ClinicHeader, PaymentDetails, ReceiptDetails, ReceiptLine
from desktop.reports import receipt as paper
from tests.finance.conftest import CLINIC

HEADER = ClinicHeader(
    CLINIC.name, CLINIC.address, CLINIC.phone, CLINIC.email, CLINIC.zone, CLINIC.currency
)
DAY = dt.date(2026, 11, 23)


def line(number: int, name: str, amount: int, paid: int | None = None) -> ReceiptLine:
    return ReceiptLine(
        number,
        name,
        1,
        Decimal(amount),
        Decimal(0),
        Decimal(amount),
        Decimal(amount if paid is None else paid),
        DAY,
    )


RECEIPT = ReceiptDetails(
    id=1,
    series=7,
    number=123,
    client_id=1,
    client_name="Małgorzata Ñancupil Šimić",
    client_identity="12345678-5",
    practitioner="Dra. Josefa Muñoz",
    issued_at=dt.datetime(2026, 11, 23, 13, 5, tzinfo=dt.UTC),
    issued_by="Ana Admin",
    device=7,
    total=Decimal(114500),
    payments=(
        PaymentDetails(1, "efectivo", Decimal(60000), None, Decimal(70000)),
        PaymentDetails(2, "tarjeta", Decimal(54500), "99182", None),
    ),
    lines=(
        line(1, "Control", 25000),
        ReceiptLine(
            2,
            "Limpieza dental",
            2,
            Decimal(38500),
            Decimal(2000),
            Decimal(75000),
            Decimal(75000),
            DAY,
        ),
        line(3, "Corona de porcelana", 289990, 9500),
    ),
    balance=Decimal(280490),
)


def words(pdf: bytes) -> str:
    reader = PdfReader(io.BytesIO(pdf))
    return "\n".join(page.extract_text() for page in reader.pages)


@pytest.mark.parametrize("layout", paper.LAYOUTS)
def test_everything_is_on_every_paper(layout: str) -> None:
    text = words(paper.render(RECEIPT, HEADER, layout=layout))
    for expected in (
        "Clínica Dental Ñuñoa",
        "Av. Irarrázaval 3456",
        "007-000123",
        "23-11-2026 10:05",
        "Małgorzata Ñancupil Šimić",
        "12.345.678-5",
        "Dra. Josefa Muñoz",
        "Control",
        "$25.000",
        "2 × $38.500 · descuento $2.000",
        "de $289.990",
        "Anticipo",
        "$5.000",
        "Total",
        "$114.500",
        "Efectivo",
        "Recibido",
        "$70.000",
        "Vuelto",
        "$10.000",
        "Tarjeta · 99182",
        "Saldo por pagar",
        "$280.490",
        "Emitido por Ana Admin",
        "estación 7",
    ):
        assert expected in text
    assert "COPIA" not in text
    assert "ANULADO" not in text


@pytest.mark.parametrize("layout", paper.LAYOUTS)
def test_a_copy_says_so_and_differs_in_nothing_else(layout: str) -> None:
    first = words(paper.render(RECEIPT, HEADER, layout=layout)).splitlines()
    copy = words(paper.render(RECEIPT, HEADER, layout=layout, copy=True)).splitlines()
    extra = [part for part in copy if part not in first]
    assert extra
    assert all("COPIA" in part for part in extra)
    assert [part for part in copy if part not in extra] == first


@pytest.mark.parametrize("layout", [paper.HALF_LETTER, paper.A5])
def test_the_mark_stands_across_the_sheet(layout: str) -> None:
    void = replace(RECEIPT, reversed_by="007-000124")
    for receipt, copy, mark in (
        (RECEIPT, False, ""),
        (RECEIPT, True, "COPIA"),
        (void, True, "ANULADO"),
    ):
        pages = paper.pages(receipt, HEADER, layout=layout, copy=copy)
        assert {page.mark for page in pages} == {mark}


def test_the_same_receipt_is_the_same_file() -> None:
    assert paper.render(RECEIPT, HEADER) == paper.render(RECEIPT, HEADER)


def test_a_reversal_names_what_it_reverses_and_why() -> None:
    reversal = replace(
        RECEIPT,
        number=124,
        total=Decimal(-25000),
        payments=(PaymentDetails(3, "efectivo", Decimal(-25000), None, None),),
        lines=(line(1, "Control", 25000, -25000),),
        reverses="007-000123",
        reversal_reason="Cobrado a otra persona",
    )
    text = words(paper.render(reversal, HEADER))
    assert "REVERSA DE RECIBO" in text
    assert "Reversa el recibo 007-000123" in text
    assert "Motivo: Cobrado a otra persona" in text
    assert "Vuelto" not in text


def test_a_reversed_receipt_prints_void() -> None:
    text = words(paper.render(replace(RECEIPT, reversed_by="007-000124"), HEADER, copy=True))
    assert "ANULADO" in text
    assert "Anulado: reversado por 007-000124" in text


def test_money_in_favour_is_said_as_such_and_no_client_has_no_balance() -> None:
    assert "Saldo a favor" in words(paper.render(replace(RECEIPT, balance=Decimal(-5000)), HEADER))
    assert "Saldo" not in words(paper.render(replace(RECEIPT, balance=None), HEADER))


def test_in_english() -> None:
    set_language("en")
    text = words(paper.render(RECEIPT, HEADER))
    for expected in ("RECEIPT", "Change due", "Balance left to pay", "Issued by Ana Admin"):
        assert expected in text


@pytest.mark.parametrize("layout", [paper.HALF_LETTER, paper.A5])
def test_many_lines_go_on_to_further_pages_and_none_is_lost(layout: str) -> None:
    lines = tuple(line(number, f"Servicio número {number}", 1000) for number in range(1, 81))
    long = replace(RECEIPT, lines=lines, total=Decimal(80000))
    pages = paper.pages(long, HEADER, layout=layout)
    assert len(pages) > 1
    for page in pages:
        for item in page.items:
            assert 20 < item.y < page.height
    text = words(paper.render(long, HEADER, layout=layout))
    assert all(f"Servicio número {number}\n" in text for number in range(1, 81))


@pytest.mark.parametrize("layout", paper.LAYOUTS)
def test_nothing_leaves_the_paper(layout: str) -> None:
    wide = replace(
        RECEIPT,
        client_name="Nombre " * 20,
        lines=(line(1, "Tratamiento de larguísima descripción " * 5, 99999999),),
    )
    paper.render(wide, HEADER, layout=layout)
    for page in paper.pages(wide, HEADER, layout=layout):
        for item in page.items:
            if isinstance(item, paper.Rule):
                continue
            width = paper._width(item.words, paper.BOLD if item.bold else paper.REGULAR, item.size)
            left = item.x - {"left": 0, "center": width / 2, "right": width}[item.align]
            assert left >= 0
            assert left + width <= page.width
            assert 0 < item.y < page.height


def test_the_ticket_is_80_mm_wide_and_as_long_as_it_needs() -> None:
    (short,) = paper.pages(RECEIPT, HEADER, layout=paper.TICKET)
    more = replace(RECEIPT, lines=RECEIPT.lines * 5)
    (long,) = paper.pages(more, HEADER, layout=paper.TICKET)
    assert short.width == pytest.approx(226.77, abs=0.1)
    assert long.height > short.height + 100
