"""Bad input on screen: the field or the dialog says why in Spanish, what was typed stays, nothing is sent.

There is no command that takes a client, an appointment or an amount: these are the screens' alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import QDate, Qt, QTime
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog

from desktop.services.agenda_records import Details as VisitDetails
from desktop.services.agenda_records import Draft, Placement
from desktop.services.bundle import Services
from desktop.services.cache import executor
from desktop.services.finance import ChargeLine
from desktop.views.agenda.booking import BookingDialog
from desktop.views.clients import ClientsScreen
from desktop.views.main_window import MainWindow
from sync import store
from tests.support.clinic import Clinic
from tests.trouble.conftest import Post, Windows, says

SANTIAGO, NEW_YORK = "America/Santiago", "America/New_York"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def zone(clinic: Clinic, request: pytest.FixtureRequest) -> Iterator[str]:
    """The clinic's zone, for the workstations that join after it."""
    name: str = getattr(request, "param", SANTIAGO)
    change = "UPDATE configuracion_ajuste SET valor = %s WHERE clave = 'zona_horaria'"
    clinic.query(change, name)
    yield name
    clinic.query(change, SANTIAGO)


@pytest.fixture
def window(zone: str, post: Post, windows: Windows) -> MainWindow:
    """A window in which somebody works offline: nothing leaves the outbox."""
    made = windows.window(post.folder)
    made._program.settings.set("work_offline", True)
    made.enter(post.actor)
    return made


def services(window: MainWindow) -> Services:
    assert window.workspace is not None
    found: Services = window.workspace.context.services
    return found


def idle(windows: Windows, window: MainWindow) -> None:
    windows.wait(lambda: not window._program.jobs.busy)


@pytest.mark.parametrize(
    ("field", "typed", "code"),
    [
        ("rut", "12.345.678-9", "rut.check_digit"),
        ("rut", "no sé", "rut.invalid"),
        ("phone", "123", "phone.too_short"),
        ("phone", "abc", "phone.not_a_number"),
        ("phone", "9 8765 4321 0000 0000", "phone.too_long"),
        ("email", "juan arroba ejemplo", "email.invalid"),
        ("birth_date", "31-02-1980", "birth_date.invalid"),
        ("birth_date", "01-01-2999", "birth_date.future"),
        ("full_name", "", "name.empty"),
    ],
)
def test_a_field_of_a_client(
    field: str,
    typed: str,
    code: str,
    window: MainWindow,
    windows: Windows,
    post: Post,
    clinic: Clinic,
) -> None:
    assert window.workspace is not None
    window.workspace.show_screen("clients")
    screen = window.workspace.view("clients")
    assert isinstance(screen, ClientsScreen)
    maria = clinic.clients[0]
    screen.show_client(maria)
    windows.wait(lambda: screen.details.details is not None)
    idle(windows, window)
    before = services(window).clients.get(maria).fields
    line = screen.details.form.lines[field]
    line.setFocus()
    line.selectAll()
    QTest.keyClick(line, Qt.Key.Key_Delete)
    line.insert(typed)
    line.textEdited.emit(typed)
    QTest.keyClick(line, Qt.Key.Key_Return)
    idle(windows, window)
    note = screen.details.form.rows[field].note
    assert note.isVisible()
    assert says(note.text(), code), note.text()
    assert line.text() == typed
    assert services(window).clients.get(maria).fields == before
    windows.end()
    assert post.pending == 0


def a_visit(window: MainWindow, clinic: Clinic, start: dt.datetime) -> int:
    """A booked visit of María's."""
    undo = services(window).agenda.book(
        window.workspace.context.actor,  # type: ignore[union-attr]
        Draft(
            Placement(start, start + dt.timedelta(minutes=30), clinic.practitioners[0]),
            VisitDetails(client_id=clinic.clients[0], client_name="María José González Muñoz"),
        ),
    )
    return undo.appointment_id


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("doce mil", "money.not_an_amount"),
        ("12,5", "money.too_fine"),
        ("-5000", "money.not_positive"),
        ("99999999999", "money.too_large"),
        ("50000", "finance.excess"),
    ],
)
def test_an_amount(
    typed: str, code: str, window: MainWindow, windows: Windows, post: Post, clinic: Clinic
) -> None:
    assert window.workspace is not None
    start = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    visit = a_visit(window, clinic, start + dt.timedelta(days=2))
    there, actor = services(window), window.workspace.context.actor
    there.finance.charge(actor, visit, [ChargeLine(clinic.services[0], 1, Decimal(20000))])
    with there.cache.reading() as session:
        waiting = store.pending(executor(session)).count
    window.workspace.context.navigate("visit", {"appointment_id": visit})
    screen = window.workspace.view("visit")
    windows.wait(lambda: screen.visit is not None)
    idle(windows, window)
    panel = screen.panel
    from desktop.domain import ledger

    amount = panel.amounts[ledger.CASH]
    amount.setFocus()
    amount.selectAll()
    QTest.keyClicks(amount, typed)
    QTest.keyClick(amount, Qt.Key.Key_Return)
    idle(windows, window)
    assert says(windows.read(), code), windows.read()
    assert amount.text().replace(".", "") == typed  # grouped, as the money around it
    assert there.finance.visit(visit).receipts == ()
    windows.end()
    assert post.pending == waiting


CHANGES: dict[str, tuple[str, dt.date, dt.time, int, str]] = {
    "Santiago, skipped": (
        *(SANTIAGO, dt.date(2026, 9, 6), dt.time(0, 30), 30, "agenda.nonexistent_time"),
    ),
    "Santiago, twice": (
        *(SANTIAGO, dt.date(2026, 4, 4), dt.time(23, 30), 30, "agenda.ambiguous_time"),
    ),
    "Santiago, across the gap": (
        *(SANTIAGO, dt.date(2026, 9, 5), dt.time(23, 30), 60, "agenda.crosses_clock_change"),
    ),
    "Santiago, across the fold": (
        *(SANTIAGO, dt.date(2026, 4, 4), dt.time(22, 30), 120, "agenda.crosses_clock_change"),
    ),
    "New York, skipped": (
        *(NEW_YORK, dt.date(2026, 3, 8), dt.time(2, 30), 30, "agenda.nonexistent_time"),
    ),
    "New York, twice": (
        *(NEW_YORK, dt.date(2026, 11, 1), dt.time(1, 30), 30, "agenda.ambiguous_time"),
    ),
    "New York, across the gap": (
        *(NEW_YORK, dt.date(2026, 3, 8), dt.time(1, 30), 60, "agenda.crosses_clock_change"),
    ),
    "New York, across the fold": (
        *(NEW_YORK, dt.date(2026, 11, 1), dt.time(0, 30), 120, "agenda.crosses_clock_change"),
    ),
}


def booking(window: MainWindow, windows: Windows) -> BookingDialog:
    """The dialog of a new appointment, with María chosen."""
    assert window.workspace is not None
    window.workspace.show_screen("agenda")
    screen = window.workspace.view("agenda")
    windows.wait(lambda: screen.grid.model is not None)
    idle(windows, window)
    screen.grid.select(None, (0, 600))
    screen.new_appointment()
    (made,) = [one for one in screen.findChildren(BookingDialog) if one.isVisible()]
    QTest.keyClicks(made.client.search, "maria")
    QTest.keyClick(made.client.search, Qt.Key.Key_Return)
    windows.wait(lambda: made.client.chosen is not None)
    return made


@pytest.mark.parametrize(
    ("zone", "change"), [(CHANGES[name][0], name) for name in CHANGES], indirect=["zone"]
)
def test_an_appointment_that_the_clock_does_not_allow(
    zone: str, change: str, window: MainWindow, windows: Windows, post: Post
) -> None:
    _zone, day, time, minutes, code = CHANGES[change]
    assert services(window).clinic.zone == ZoneInfo(zone)
    dialog = booking(window, windows)
    dialog.date.setDate(QDate(day.year, day.month, day.day))
    dialog.time.setTime(QTime(time.hour, time.minute))
    dialog.minutes.setValue(minutes)
    dialog.notes.setPlainText("Trae radiografías")
    QTest.mouseClick(dialog.primary, LEFT)
    windows.wait(lambda: dialog.banner.text)
    assert says(dialog.banner.text, code), dialog.banner.text
    assert says(windows.read(), code)
    # The dialog stands as it was filled in; another time is enough.
    assert dialog.isVisible()
    assert dialog.notes.toPlainText() == "Trae radiografías"
    assert dialog.client.chosen is not None
    assert (dialog.time.time().hour(), dialog.minutes.value()) == (time.hour, minutes)
    dialog.time.setTime(QTime(10, 0))
    dialog.minutes.setValue(30)
    QTest.mouseClick(dialog.primary, LEFT)
    windows.wait(lambda: not _visible(window))
    idle(windows, window)
    windows.end()
    assert post.pending == 1


def _visible(window: MainWindow) -> list[QDialog]:
    return [one for one in window.findChildren(BookingDialog) if one.isVisible()]


def test_an_appointment_that_ends_before_it_starts(
    window: MainWindow, windows: Windows, post: Post, clinic: Clinic
) -> None:
    """The dialog takes no such length; whoever asks for it is refused, in a dialog as on a drag."""
    dialog = booking(window, windows)
    for length in (0, -30):
        dialog.minutes.setValue(length)
        assert dialog.minutes.value() == 5
    dialog.reject()
    start = dt.datetime(2026, 11, 24, 13, tzinfo=dt.UTC)
    visit = a_visit(window, clinic, start)
    assert window.workspace is not None
    context = window.workspace.context
    expected = services(window).agenda.appointment(visit).placement
    wrong = Placement(start, start - dt.timedelta(minutes=30), clinic.practitioners[0])
    context.jobs.write(
        window.workspace.view("agenda"),
        lambda _progress: services(window).agenda.move(
            context.actor, visit, wrong, expected=expected
        ),
        done=lambda _undo: None,
    )
    windows.wait(lambda: says(windows.read(), "agenda.ends_before_start"))
    assert services(window).agenda.appointment(visit).placement == expected
    windows.end()
    assert post.pending == 1


def test_the_two_hours_that_look_alike_can_both_be_booked_by_pointing(
    window: MainWindow, windows: Windows, clinic: Clinic
) -> None:
    """What the sentence advises works: a moment that was pointed at is not ambiguous."""
    first = dt.datetime(2026, 4, 5, 2, 30, tzinfo=dt.UTC)  # 23:30, the first time
    moments = (first, first + dt.timedelta(hours=1))
    visits = [a_visit(window, clinic, moment) for moment in moments]
    agenda = services(window).agenda
    assert [agenda.appointment(visit).starts_at for visit in visits] == list(moments)
    local = {moment.astimezone(ZoneInfo(SANTIAGO)).strftime("%H:%M") for moment in moments}
    assert local == {"23:30"}
