"""What is done to appointments, on a real encrypted cache."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace

import pytest

from desktop.domain.actor import Actor
from desktop.domain.errors import RuleError
from desktop.domain.messages import sentence
from desktop.domain.statuses import Status
from desktop.services.agenda import Agenda, details_of
from desktop.services.agenda_records import Details, Draft, Placement
from tests.agenda.test_intervals import BACK, FORWARD
from tests.agenda.world import MONDAY, SANTIAGO, World, actor, at
from tests.conftest import Clock

HALF = dt.timedelta(minutes=30)


def draft(
    practitioner: int | None, start: dt.datetime, client: int | None, **other: object
) -> Draft:
    details = Details(client_id=client)
    minutes = other.pop("minutes", 30)
    placement = Placement(start, start + dt.timedelta(minutes=minutes), practitioner)  # type: ignore[arg-type]
    return Draft(placement, details, **other)  # type: ignore[arg-type]


def refused(error: pytest.ExceptionInfo[RuleError]) -> str:
    """The code; its sentence must be sayable in the language in use."""
    assert "{" not in sentence(error.value)
    return error.value.code


# Looking


def test_a_day_shows_columns_by_name_with_their_hours_and_visits(
    world: World, agenda: Agenda
) -> None:
    paula, rodrigo = world.staff(2)
    ana = world.client("Ana Pérez", allergies=" Látex ")
    service = world.services()[0]
    visit = world.appointment(paula, at(10), 30, client_id=ana, service_id=service)
    world.appointment(paula, at(10, day=MONDAY + dt.timedelta(days=1)))
    day = agenda.day(MONDAY)
    assert [column.practitioner_id for column in day.columns] == [rodrigo, paula]
    assert [stretch.start for stretch in day.columns[0].working] == [at(9), at(14)]
    (shown,) = day.appointments
    assert (shown.id, shown.client_name, shown.allergies) == (visit, "Ana Pérez", "Látex")
    assert (shown.service_name, shown.status, shown.provisional) == (
        "Control",
        Status.BOOKED,
        False,
    )
    assert agenda.day(MONDAY, [rodrigo]).appointments == ()


def test_a_slot_that_was_cancelled_on_the_web_shows_nobody(world: World, agenda: Agenda) -> None:
    (paula,) = world.staff(1)
    world.appointment(paula, at(10), status=Status.AVAILABLE, client_id=world.client("Ana"))
    (slot,) = agenda.day(MONDAY).appointments
    assert (slot.status, slot.client_name, slot.client_id) == (Status.AVAILABLE, "", None)


def test_an_end_that_nobody_wrote_follows_from_the_service(world: World, agenda: Agenda) -> None:
    (paula,) = world.staff(1)
    cleaning = world.services()[1]
    world.appointment(paula, at(10), None, service_id=cleaning)
    world.appointment(paula, at(12), None)
    first, second = agenda.day(MONDAY).appointments
    assert (first.ends_at, second.ends_at) == (at(10, 45), at(12, 30))


def test_what_has_no_practitioner_and_who_left_keep_a_column(world: World, agenda: Agenda) -> None:
    world.staff(1)
    world.appointment(None, at(10))
    world.appointment(4242, at(11))
    day = agenda.day(MONDAY)
    assert day.columns[-1].practitioner_id is None
    assert len(day.appointments) == 2


def test_a_visit_over_midnight_is_on_both_days(world: World, agenda: Agenda) -> None:
    (paula,) = world.staff(1)
    night = world.appointment(paula, at(23, 30), 60)
    for date in (MONDAY, MONDAY + dt.timedelta(days=1)):
        assert [item.id for item in agenda.day(date).appointments] == [night]
    assert agenda.day(MONDAY + dt.timedelta(days=2)).appointments == ()


@pytest.mark.parametrize(("date", "hours"), [(FORWARD, 23), (BACK, 25)])
def test_hours_of_work_stand_right_on_a_day_when_the_clock_is_changed(
    world: World, agenda: Agenda, date: dt.date, hours: int
) -> None:
    from desktop.models import WorkingHours

    (paula,) = world.staff(1)
    world.add(
        WorkingHours(
            id=999_001, practitioner_id=paula, weekday=date.weekday(), starts=dt.time(9),
            ends=dt.time(13), active=True, created_at=at(0), updated_at=at(0),
        )
    )  # fmt: skip
    day = agenda.day(date)
    (stretch,) = day.columns[0].working
    assert day.day.minutes == hours * 60
    assert stretch.start.astimezone(SANTIAGO).time() == dt.time(9)
    assert stretch.end - stretch.start == dt.timedelta(hours=4)


def test_a_full_day_of_twenty_practitioners_is_read_at_once(
    world: World, agenda: Agenda, clock: Clock
) -> None:
    world.busy_day(world.staff(20), world.services(), each=28, now=clock())
    agenda.day(MONDAY)
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        day = agenda.day(MONDAY)
        taken.append(time.perf_counter() - started)
    assert len(day.appointments) > 500
    assert min(taken) < 0.25, f"{min(taken) * 1000:.1f} ms"


# Booking


def test_a_booking_is_provisional_and_complete(
    world: World, agenda: Agenda, rosa: Actor, clock: Clock
) -> None:
    (paula,) = world.staff(1)
    ana = world.client("Ana Pérez")
    done = agenda.book(rosa, draft(paula, at(10), ana))
    (shown,) = agenda.day(MONDAY).appointments
    assert (shown.id, shown.client_name, shown.provisional) == (
        done.appointment_id,
        "Ana Pérez",
        True,
    )
    assert (shown.status, shown.ends_at) == (Status.BOOKED, at(10, 30))
    assert shown.id >> 39 == 1
    assert world.outbox() == [("citas_cita", "I")]
    assert done.label == "Cita agendada: Ana Pérez"
    assert done.warnings == ()
    with world.cache.reading() as session:
        from desktop.models import Appointment

        row = session.get(Appointment, shown.id)
        assert row is not None
        assert (row.created_at, row.updated_at) == (clock(), clock())
        assert (row.created_by_id, row.client_email) == (rosa.staff_id, f"c{ana}@example.cl")


def test_a_booking_at_the_time_of_a_slot_on_offer_takes_it(
    world: World, agenda: Agenda, rosa: Actor
) -> None:
    paula, diego = world.staff(2)
    slot = world.appointment(paula, at(10), status=Status.AVAILABLE)
    ana = world.client("Ana")
    assert agenda.book(rosa, draft(diego, at(10), ana)).appointment_id != slot
    assert agenda.book(rosa, draft(paula, at(11), ana)).appointment_id != slot
    done = agenda.book(rosa, draft(paula, at(10), ana))
    assert done.appointment_id == slot
    done.undo(rosa)
    assert agenda.appointment(slot).status is Status.AVAILABLE


def test_a_published_slot_is_taken_once(world: World, agenda: Agenda, rosa: Actor) -> None:
    (paula,) = world.staff(1)
    slot = world.appointment(paula, at(10), status=Status.AVAILABLE, client_id=world.client("Old"))
    ana = world.client("Ana")
    done = agenda.book(rosa, draft(paula, at(10), ana, slot_id=slot))
    assert done.appointment_id == slot
    assert agenda.appointment(slot).client_name == "Ana"
    with pytest.raises(RuleError) as error:
        agenda.book(rosa, draft(paula, at(10), ana, slot_id=slot))
    assert refused(error) == "agenda.slot_taken"
    done.undo(rosa)
    assert agenda.appointment(slot).status is Status.AVAILABLE


def test_a_double_booking_is_refused_and_names_who_and_when(
    world: World, agenda: Agenda, rosa: Actor
) -> None:
    (paula,) = world.staff(1)
    ana, luis = world.client("Ana Pérez"), world.client("Luis Soto")
    agenda.book(rosa, draft(paula, at(10), ana))
    with pytest.raises(RuleError) as error:
        agenda.book(rosa, draft(paula, at(10, 15), luis))
    assert refused(error) == "agenda.overlap"
    said = sentence(error.value)
    assert all(word in said for word in ("Dra. Paula Andrade", "Ana Pérez", "10:00", "10:30"))
    assert len(agenda.day(MONDAY).appointments) == 1
    agenda.book(rosa, draft(paula, at(10, 30), luis))
    over = agenda.book(rosa, draft(paula, at(10, 15), luis, overbooking_reason="Urgencia"))
    assert agenda.appointment(over.appointment_id).overbooking_reason == "Urgencia"


@pytest.mark.parametrize(
    "status", [Status.CANCELLED, Status.NO_SHOW, Status.COMPLETED, Status.AVAILABLE]
)
def test_time_that_is_not_held_can_be_booked(
    world: World, agenda: Agenda, rosa: Actor, status: Status
) -> None:
    (paula,) = world.staff(1)
    world.appointment(paula, at(10, 10), status=status)
    agenda.book(rosa, draft(paula, at(10), world.client("Ana")))
    assert len(agenda.day(MONDAY).appointments) == 2


def test_two_practitioners_may_be_busy_at_once_but_a_client_twice_is_told(
    world: World, agenda: Agenda, rosa: Actor
) -> None:
    paula, rodrigo = world.staff(2)
    ana = world.client("Ana")
    agenda.book(rosa, draft(paula, at(10), ana))
    done = agenda.book(rosa, draft(rodrigo, at(10), ana))
    assert [warning.code for warning in done.warnings] == ["agenda.client_busy"]


def test_hours_rooms_offers_and_the_past_are_warnings(
    world: World, agenda: Agenda, rosa: Actor
) -> None:
    paula, rodrigo = world.staff(2)
    room = world.room()
    world.appointment(rodrigo, at(13, 30), room_id=room, client_id=world.client("Luis"))
    world.appointment(paula, at(13, 45), status=Status.AVAILABLE)
    wanted = draft(paula, at(13, 30), world.client("Ana"))
    wanted = replace(wanted, details=replace(wanted.details, room_id=room))
    codes = {warning.code for warning in agenda.book(rosa, wanted).warnings}
    assert codes == {"agenda.outside_hours", "agenda.room_taken", "agenda.covers_published"}
    past = agenda.book(rosa, draft(paula, at(9, day=MONDAY - dt.timedelta(days=3)), world.client()))
    assert [warning.code for warning in past.warnings] == ["agenda.in_the_past"]


def test_impossible_times_are_refused_in_words(world: World, agenda: Agenda, rosa: Actor) -> None:
    (paula,) = world.staff(1)
    ana = world.client("Ana")
    change = dt.datetime(2026, 9, 6, 4, tzinfo=dt.UTC)
    cases = {
        "agenda.ends_before_start": draft(paula, at(10), ana, minutes=-15),
        "agenda.too_long": draft(paula, at(8), ana, minutes=13 * 60),
        "agenda.crosses_clock_change": draft(paula, change - HALF, ana, minutes=60),
        "agenda.client_missing": draft(paula, at(10), None),
    }
    for code, wanted in cases.items():
        with pytest.raises(RuleError) as error:
            agenda.book(rosa, wanted)
        assert refused(error) == code
    agenda.book(rosa, draft(paula, change - HALF, ana))
    assert world.outbox() == [("citas_cita", "I")]


# Moving


def test_a_move_keeps_the_rest_and_is_undone_and_done_again(
    world: World, agenda: Agenda, rosa: Actor
) -> None:
    paula, rodrigo = world.staff(2)
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"), notes="con ayuno")
    before = agenda.appointment(visit).placement
    wanted = Placement(at(15), at(15, 45), rodrigo)
    done = agenda.move(rosa, visit, wanted, expected=before)
    assert agenda.appointment(visit).placement == wanted
    assert agenda.appointment(visit).notes == "con ayuno"
    assert done.label == "Cita movida: Ana"
    done.undo(rosa)
    assert agenda.appointment(visit).placement == before
    done.redo(rosa)
    assert agenda.appointment(visit).placement == wanted


def test_a_stale_drag_is_refused(world: World, agenda: Agenda, rosa: Actor) -> None:
    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    seen = agenda.appointment(visit).placement
    agenda.move(rosa, visit, Placement(at(11), at(11, 30), paula), expected=seen)
    with pytest.raises(RuleError) as error:
        agenda.move(rosa, visit, Placement(at(12), at(12, 30), paula), expected=seen)
    assert refused(error) == "agenda.moved_meanwhile"
    assert "11:00" in sentence(error.value)


def test_a_visit_that_is_over_stays_where_it_is(world: World, agenda: Agenda, rosa: Actor) -> None:
    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), status=Status.COMPLETED, client_id=world.client("Ana"))
    seen = agenda.appointment(visit).placement
    with pytest.raises(RuleError) as error:
        agenda.move(rosa, visit, Placement(at(12), at(12, 30), paula), expected=seen)
    assert refused(error) == "agenda.not_movable"


def test_a_visit_under_way_may_only_take_longer(world: World, agenda: Agenda, rosa: Actor) -> None:
    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), status=Status.IN_PROGRESS, client_id=world.client("A"))
    seen = agenda.appointment(visit).placement
    agenda.resize(rosa, visit, at(11), expected=seen)
    seen = agenda.appointment(visit).placement
    assert seen.ends_at == at(11)
    with pytest.raises(RuleError):
        agenda.move(rosa, visit, Placement(at(12), at(13), paula), expected=seen)


def test_an_overbooked_visit_may_be_moved_beside_and_then_counts_as_any_other(
    world: World, agenda: Agenda, rosa: Actor
) -> None:
    (paula,) = world.staff(1)
    ana, luis = world.client("Ana"), world.client("Luis")
    agenda.book(rosa, draft(paula, at(10), ana))
    over = agenda.book(rosa, draft(paula, at(10), luis, overbooking_reason="Urgencia"))
    seen = agenda.appointment(over.appointment_id).placement
    agenda.move(rosa, over.appointment_id, Placement(at(10, 15), at(10, 45), paula), expected=seen)
    assert agenda.appointment(over.appointment_id).overbooking_reason == "Urgencia"
    seen = agenda.appointment(over.appointment_id).placement
    agenda.move(rosa, over.appointment_id, Placement(at(11), at(11, 30), paula), expected=seen)
    assert agenda.appointment(over.appointment_id).overbooking_reason == ""


# Statuses


def test_checking_in_notes_the_arrival_and_the_wait_is_counted(
    world: World, agenda: Agenda, rosa: Actor, clock: Clock
) -> None:
    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    agenda.set_status(rosa, visit, Status.ARRIVED)
    arrived = clock()
    clock.forward(minutes=12)
    agenda.set_status(rosa, visit, Status.READY)
    shown = agenda.appointment(visit)
    assert (shown.arrived_at, shown.waited(clock())) == (arrived, dt.timedelta(minutes=12))
    agenda.set_status(rosa, visit, Status.IN_PROGRESS)
    assert agenda.appointment(visit).waited(clock()) is None


def test_completing_notes_by_whom_and_when(
    world: World, agenda: Agenda, rosa: Actor, clock: Clock
) -> None:
    from desktop.models import Appointment

    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), status=Status.FINISHED, client_id=world.client())
    done = agenda.set_status(rosa, visit, Status.COMPLETED)
    with world.cache.reading() as session:
        row = session.get(Appointment, visit)
        assert row is not None
        assert (row.completed_at, row.completed_by_id) == (clock(), rosa.staff_id)
    done.undo(rosa)
    with world.cache.reading() as session:
        row = session.get(Appointment, visit)
        assert row is not None
        assert (row.status, row.completed_at) == (Status.FINISHED, None)


def test_a_step_that_makes_no_sense_is_refused(world: World, agenda: Agenda, rosa: Actor) -> None:
    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), status=Status.ARRIVED, client_id=world.client())
    with pytest.raises(RuleError) as error:
        agenda.no_show(rosa, visit)
    assert refused(error) == "agenda.wrong_step"
    strange = world.appointment(paula, at(12), status="reagendada")
    with pytest.raises(RuleError) as error:
        agenda.set_status(rosa, strange, Status.BOOKED)
    assert refused(error) == "agenda.unknown_status"


def test_cancelling_wants_a_reason_and_frees_the_time(
    world: World, agenda: Agenda, rosa: Actor
) -> None:
    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    with pytest.raises(RuleError) as error:
        agenda.cancel(rosa, visit, "  ")
    assert refused(error) == "agenda.reason_missing"
    done = agenda.cancel(rosa, visit, "Enferma")
    assert agenda.appointment(visit).absence_reason == "Enferma"
    agenda.book(rosa, draft(paula, at(10), world.client("Luis")))
    with pytest.raises(RuleError) as error:
        done.undo(rosa)
    assert refused(error) == "agenda.overlap"
    with pytest.raises(RuleError) as error:
        agenda.set_status(rosa, visit, Status.BOOKED)
    assert refused(error) == "agenda.overlap"


# Editing


def test_two_people_may_change_different_fields(world: World, agenda: Agenda, rosa: Actor) -> None:
    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    seen = details_of(agenda.appointment(visit))
    agenda.edit(rosa, visit, replace(seen, notes="ayuno"), seen=seen)
    agenda.edit(rosa, visit, replace(seen, reason="dolor"), seen=seen)
    shown = agenda.appointment(visit)
    assert (shown.notes, shown.reason) == ("ayuno", "dolor")
    with pytest.raises(RuleError) as error:
        agenda.edit(rosa, visit, replace(seen, notes="otra cosa"), seen=seen)
    assert refused(error) == "agenda.edited_meanwhile"


def test_another_client_brings_name_phone_and_email(
    world: World, agenda: Agenda, rosa: Actor
) -> None:
    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"), client_name="Ana")
    luis = world.client("Luis Soto")
    seen = details_of(agenda.appointment(visit))
    done = agenda.edit(rosa, visit, replace(seen, client_id=luis), seen=seen)
    assert agenda.appointment(visit).client_name == "Luis Soto"
    done.undo(rosa)
    assert agenda.appointment(visit).client_name == "Ana"


def test_a_text_that_the_column_cannot_hold_is_refused(
    world: World, agenda: Agenda, rosa: Actor
) -> None:
    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    seen = details_of(agenda.appointment(visit))
    with pytest.raises(RuleError) as error:
        agenda.edit(rosa, visit, replace(seen, reason="x" * 101), seen=seen)
    assert refused(error) == "agenda.text_too_long"


# Undo and permission


def test_undoing_a_booking_takes_it_away_and_redoing_brings_it_back(
    world: World, agenda: Agenda, rosa: Actor
) -> None:
    (paula,) = world.staff(1)
    done = agenda.book(rosa, draft(paula, at(10), world.client("Ana")))
    before = agenda.appointment(done.appointment_id)
    done.undo(rosa)
    assert agenda.day(MONDAY).appointments == ()
    done.redo(rosa)
    assert agenda.appointment(done.appointment_id) == before


def test_what_somebody_changed_meanwhile_is_not_undone(
    world: World, agenda: Agenda, rosa: Actor
) -> None:
    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    seen = agenda.appointment(visit).placement
    done = agenda.move(rosa, visit, Placement(at(11), at(11, 30), paula), expected=seen)
    agenda.set_status(rosa, visit, Status.CONFIRMED)
    done.undo(rosa)
    done.redo(rosa)
    agenda.resize(rosa, visit, at(12), expected=agenda.appointment(visit).placement)
    with pytest.raises(RuleError) as error:
        done.undo(rosa)
    assert refused(error) == "agenda.changed_meanwhile"


def test_who_may_only_look_changes_nothing(world: World, agenda: Agenda, rosa: Actor) -> None:
    (paula,) = world.staff(1)
    visit = world.appointment(paula, at(10), client_id=world.client("Ana"))
    placement = agenda.appointment(visit).placement
    looker = actor("agenda.view")
    done = agenda.move(rosa, visit, replace(placement, ends_at=at(11)), expected=placement)
    sent = world.outbox()
    for work in (
        lambda: agenda.book(looker, draft(paula, at(12), world.client())),
        lambda: agenda.move(looker, visit, placement, expected=placement),
        lambda: agenda.set_status(looker, visit, Status.CONFIRMED),
        lambda: agenda.cancel(looker, visit, "porque sí"),
        lambda: agenda.edit(looker, visit, Details(), seen=Details()),
        lambda: done.undo(looker),
    ):
        with pytest.raises(RuleError) as error:
            work()
        assert refused(error) == "permission.denied"
    assert world.outbox() == sent


def test_overbooking_takes_a_permission_of_its_own(world: World, agenda: Agenda) -> None:
    (paula,) = world.staff(1)
    ana = world.client("Ana")
    desk = actor("agenda.edit")
    agenda.book(desk, draft(paula, at(10), ana))
    with pytest.raises(RuleError) as error:
        agenda.book(desk, draft(paula, at(10), ana, overbooking_reason="Urgencia"))
    assert refused(error) == "permission.denied"


def test_practitioners_lead_their_own_visits_through_the_day(world: World, agenda: Agenda) -> None:
    paula, rodrigo = world.staff(2)
    own = world.appointment(paula, at(10), status=Status.READY, client_id=world.client())
    other = world.appointment(rodrigo, at(10), status=Status.READY, client_id=world.client())
    doctor = actor("agenda.view", "clinical.edit", staff_id=paula)
    agenda.set_status(doctor, own, Status.IN_PROGRESS)
    with pytest.raises(RuleError) as error:
        agenda.set_status(doctor, other, Status.IN_PROGRESS)
    assert refused(error) == "permission.denied"


# Free time


def test_the_first_free_time_lies_within_hours_and_beside_what_is_booked(
    world: World, agenda: Agenda
) -> None:
    paula, rodrigo = world.staff(2)
    world.appointment(paula, at(9), 240)
    world.appointment(rodrigo, at(9), 60)
    world.appointment(rodrigo, at(10, 15), 30)
    slot = agenda.first_free_slot(minutes=30, from_=at(8))
    assert (slot.practitioner_id, slot.starts_at) == (rodrigo, at(10, 45))
    slot = agenda.first_free_slot(minutes=30, from_=at(8), practitioner_ids=[paula])
    assert slot.starts_at == at(14)
    slot = agenda.first_free_slot(minutes=15, from_=at(9, 55))
    assert slot.starts_at == at(10)


def test_a_free_time_on_offer_says_which_slot_it_is(world: World, agenda: Agenda) -> None:
    (paula,) = world.staff(1)
    offer = world.appointment(paula, at(9), status=Status.AVAILABLE)
    slots = agenda.free_slots(minutes=30, from_=at(8), until=at(11))
    assert slots[0].published_id == offer
    assert slots[1].published_id is None
    assert slots[1].starts_at == at(9, 30)  # 9:15 would cut into the offer


def test_no_free_time_is_told(world: World, agenda: Agenda) -> None:
    world.staff(1, hours=False)
    with pytest.raises(RuleError) as error:
        agenda.first_free_slot(minutes=30, from_=at(8))
    assert refused(error) == "agenda.no_free_slot"
