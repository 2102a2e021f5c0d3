"""The rows of appointments, session notes and the other programs' audit trail."""

from __future__ import annotations

import datetime as dt
import random
from enum import StrEnum

from desktop.services.generate import words
from desktop.services.generate.calendar import Slot, offset
from desktop.services.generate.clinic import Clinic, clock
from desktop.services.generate.loading import NULL, Loader
from desktop.services.generate.people import ClientRow
from desktop.services.generate.sizes import AUDIT_PER_APPOINTMENT, FROM_THE_WEB

MINUTE = [clock(minute) for minute in range(1440)]
LEAD_DAYS = 24
WEB_NOTE = "Reserva web"


class Fate(StrEnum):
    """What became of a slot, in the shared tables' words."""

    AVAILABLE = "disponible"
    BOOKED = "reservada"
    CONFIRMED = "confirmada"
    ARRIVED = "en_espera"
    READY = "listo_para_atender"
    IN_PROGRESS = "en_progreso"
    FINISHED = "finalizada"
    COMPLETED = "completada"
    CANCELLED = "cancelada"
    NO_SHOW = "no_show"


CAME = frozenset({Fate.ARRIVED, Fate.READY, Fate.IN_PROGRESS, Fate.FINISHED, Fate.COMPLETED})

Event = tuple[str, str, str]
_VISIT: tuple[Event, ...] = (
    ("crear", "citas", "Cita creada"),
    ("ver", "clientes", "Ficha de cliente consultada"),
    ("notificar", "citas", "Recordatorio enviado"),
    ("editar", "citas", "Cita confirmada"),
    ("editar", "citas", "Llegada registrada"),
    ("editar", "citas", "Atención iniciada"),
    ("ver", "clientes", "Historial consultado"),
    ("crear", "historial", "Nota de sesión creada"),
    ("editar", "citas", "Atención terminada"),
    ("crear", "finanzas", "Cobro registrado"),
)
_MISSED: tuple[Event, ...] = (
    *_VISIT[:4],
    ("notificar", "citas", "Llamada sin respuesta"),
    ("ver", "citas", "Cita consultada"),
    ("editar", "citas", "Cita cerrada sin atención"),
    ("ver", "citas", "Agenda consultada"),
    ("notificar", "citas", "Mensaje enviado"),
    ("ver", "clientes", "Ficha de cliente consultada"),
)
_PENDING: tuple[Event, ...] = (
    ("crear", "citas", "Cita creada"),
    ("ver", "citas", "Agenda consultada"),
    ("ver", "citas", "Disponibilidad consultada"),
    ("ver", "clientes", "Ficha de cliente consultada"),
    ("editar", "citas", "Sala asignada"),
    ("editar", "citas", "Servicio asignado"),
    ("notificar", "citas", "Confirmación enviada"),
    ("ver", "citas", "Cita consultada"),
    ("exportar", "citas", "Agenda exportada"),
    ("ver", "citas", "Agenda impresa"),
)
_BEFOREHAND = 3
"""How many of a past visit's events belong to the day on which it was booked."""


class Records:
    """Writes the rows of one day after another."""

    def __init__(
        self,
        loader: Loader,
        rng: random.Random,
        clinic: Clinic,
        clients: list[ClientRow],
        today: dt.date,
        now: int,
    ) -> None:
        self._loader = loader
        self._rng = rng
        self._clinic = clinic
        self._clients = clients
        self._today = today.toordinal()
        self._now = now
        self._days: dict[int, str] = {}
        self._ordinal = 0
        self._iso = ""
        self._zone = ""

    def begin(self, day: dt.date) -> None:
        """The rows that follow are of ``day``."""
        self._ordinal = day.toordinal()
        self._iso = day.isoformat()
        self._zone = offset(day)

    def next_appointment(self) -> int:
        """The id that the next appointment will have."""
        return self._loader.next_id("citas_cita")

    def appointment(self, slot: Slot, fate: Fate, bill: tuple[int, str | None] | None) -> None:
        """An appointment and what the other programs' audit trail says of it.

        :param bill: what it cost and how it was paid, where it was charged.
        """
        rng, day, zone = self._rng, self._iso, self._zone
        who = self._clinic.practitioners[slot.practitioner]
        start, end = MINUTE[slot.start], MINUTE[slot.end]
        web = rng.random() < FROM_THE_WEB
        booked, minute = self._booked(slot)
        created = f"{booked} {MINUTE[minute]}:00{zone}"
        desk = self._clinic.desk[slot.client % len(self._clinic.desk)]
        maker = NULL if web and fate is not Fate.AVAILABLE else desk
        appointment = self.next_appointment()
        head = (
            f"{appointment}\t{day} {start}:00{zone}\t{day} {end}:00{zone}\t{who.staff_id}"
            f"\t{who.room_id}\t{fate.value}\t{slot.service.id}\t{maker}\t{created}"
        )
        if fate is Fate.AVAILABLE:
            tail = "\t\\N" * 13
            self._loader.add("citas_cita", f"{head}\t{created}{tail}\n")
        else:
            updated, rest = self._outcome(slot, fate, created, bill)
            client = self._clients[slot.client]
            notes = NULL
            if slot.session:
                notes = f"Sesión {slot.session[0]} de {slot.session[1]}"
            if web:
                notes = WEB_NOTE if notes == NULL else f"{WEB_NOTE}. {notes}"
            self._loader.add(
                "citas_cita",
                f"{head}\t{updated}\t{client.id}\t{client.copied}\t{slot.service.name}\t{notes}"
                f"\t{rest}\n",
            )
        self._audit(slot, fate, appointment, f"{booked} ", minute, maker)

    def _booked(self, slot: Slot) -> tuple[str, int]:
        """The day and minute on which the appointment was made, before now and not before its client."""
        rng = self._rng
        last = min(self._ordinal, self._today) - 1
        ordinal = max(last - int(rng.random() ** 2 * LEAD_DAYS), self._clients[slot.client].since)
        minute = 520 + int(rng.random() * 560) if ordinal <= last else 485
        iso = self._days.get(ordinal)
        if iso is None:
            iso = self._days[ordinal] = dt.date.fromordinal(ordinal).isoformat()
        return iso, minute

    def _outcome(
        self, slot: Slot, fate: Fate, created: str, bill: tuple[int, str | None] | None
    ) -> tuple[str, str]:
        """When the row was last changed, and its columns from the arrival on."""
        rng, day, zone = self._rng, self._iso, self._zone
        if fate in CAME:
            arrived = slot.start - int(rng.random() * 16)
            if self._ordinal == self._today:
                arrived = min(arrived, self._now - 3 - int(rng.random() * 20))
            came = f"{day} {MINUTE[arrived]}:00{zone}"
            if fate not in {Fate.FINISHED, Fate.COMPLETED}:
                return came, f"{came}" + "\t\\N" * 6
            done = f"{day} {MINUTE[slot.end]}:00{zone}"
            who = self._clinic.practitioners[slot.practitioner].staff_id
            price, method = bill or (NULL, None)
            return done, f"{came}\t\\N\t{who}\t{done}\t{price}\t{method or NULL}\t\\N"
        if fate in {Fate.NO_SHOW, Fate.CANCELLED}:
            missed = fate is Fate.NO_SHOW
            reasons = words.NO_SHOW_REASONS if missed else words.CANCEL_REASONS
            reason = reasons[int(rng.random() * len(reasons))]
            over = f"{day} {MINUTE[slot.end]}:00{zone}" if missed else created
            return over, f"\\N\t{reason}" + "\t\\N" * 5
        return created, "\\N" + "\t\\N" * 6

    def note(self, slot: Slot, appointment: int) -> None:
        """The session note of an attended visit; today's are not signed yet."""
        rng = self._rng
        who = self._clinic.practitioners[slot.practitioner]
        specialty = who.specialty
        text = " ".join(
            choices[int(rng.random() * len(choices))]
            for choices in (specialty.findings, specialty.actions, specialty.plans)
        )
        if slot.session:
            text = f"Sesión {slot.session[0]} de {slot.session[1]}. {text}"
        written = f"{self._iso} {MINUTE[slot.end]}:00{self._zone}"
        open_ = self._ordinal == self._today or rng.random() < 0.02
        loader = self._loader
        loader.add(
            "clinica_notasesion",
            f"{loader.next_id('clinica_notasesion')}\t{self._clients[slot.client].id}\t{appointment}"
            f"\t{who.staff_id}\t{text}\t{NULL if open_ else written}\t{written}\t{written}\n",
        )

    def _audit(
        self, slot: Slot, fate: Fate, appointment: int, booked: str, minute: int, maker: object
    ) -> None:
        passed = self._ordinal < self._today
        if fate in {Fate.COMPLETED, Fate.FINISHED}:
            events = _VISIT
        elif passed and fate in {Fate.NO_SHOW, Fate.CANCELLED}:
            events = _MISSED
        else:
            events = _PENDING
        beforehand = _BEFOREHAND if events is not _PENDING else AUDIT_PER_APPOINTMENT
        who = self._clinic.practitioners[slot.practitioner].staff_id
        host = 10 + appointment % 40
        near = f"192.168.1.{host}"
        address = near if maker != NULL else f"200.83.{appointment % 250}.{host}"
        zone, loader = self._zone, self._loader
        row = loader.next_id("citas_auditorialog")
        lines = []
        for place, (action, module, text) in enumerate(events):
            if place < beforehand:
                lines.append(
                    f"{row + place}\t{maker}\t{action}\t{module}\t{text}: cita {appointment}\t{address}"
                    f"\t{booked}{MINUTE[minute]}:{place:02d}{zone}\t{appointment}\tcita\n"
                )
            else:
                at = MINUTE[slot.start + (place - beforehand) * 2]
                lines.append(
                    f"{row + place}\t{who}\t{action}\t{module}\t{text}: cita {appointment}\t{near}"
                    f"\t{self._iso} {at}:00{zone}\t{appointment}\tcita\n"
                )
        loader.add("citas_auditorialog", "".join(lines), AUDIT_PER_APPOINTMENT)
