"""The clinic itself: accounts, staff, services, rooms, weekly hours, settings, other money."""

from __future__ import annotations

import datetime as dt
import random
import unicodedata
from dataclasses import dataclass

from desktop.domain import passwords
from desktop.services.clinic import DEFAULTS
from desktop.services.generate import words
from desktop.services.generate.loading import Loader, line
from desktop.services.generate.sizes import Size

ADMIN = "admin"
RECEPTION = "recepcion"
SATURDAY = 5
_SALT = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Existing:
    """What a new tenant holds already.

    :ivar staff: staff ids by username; :ivar settings: keys; :ivar described: the clinic has a name.
    """

    staff: dict[str, int]
    settings: frozenset[str]
    described: bool


@dataclass(frozen=True, slots=True)
class PricedService:
    """A service with the id of its row."""

    id: int
    name: str
    price: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Practitioner:
    """Who sees clients: the staff row's id, the room, and the week.

    :ivar windows: minutes of the day from and to, by weekday (0 is Monday): the usual week.
    :ivar open_windows: the same with the days on which the demo needs an open clinic.
    """

    staff_id: int
    user_id: int
    username: str
    room_id: int
    specialty: words.Specialty
    services: tuple[PricedService, ...]
    weights: tuple[int, ...]
    windows: dict[int, tuple[tuple[int, int], ...]]
    open_windows: dict[int, tuple[tuple[int, int], ...]]

    def minutes(self, weekday: int) -> int:
        """How long the usual day of that weekday is."""
        return sum(end - start for start, end in self.windows.get(weekday, ()))


@dataclass(frozen=True, slots=True)
class Clinic:
    """What the history is made with.

    :ivar admin: staff id of the administrator; :ivar desk: staff ids of reception.
    :ivar usernames: the accounts that were made.
    """

    practitioners: tuple[Practitioner, ...]
    admin: int
    desk: tuple[int, ...]
    extras: tuple[PricedService, ...]
    usernames: tuple[str, ...]


def write_clinic(
    loader: Loader,
    rng: random.Random,
    size: Size,
    today: dt.date,
    opened: dt.date,
    password: str | None,
    existing: Existing,
) -> Clinic:
    """Writes everything but clients and what happens to them; keeps what is there.

    :param opened: the first day of the history.
    :param password: of every account that is made; ``None`` makes accounts that nobody can use
        until they get one.
    """
    founded = f"{opened - dt.timedelta(days=200)} 09:00:00-04"
    encoded = _encoded(rng, password)
    usernames: list[str] = []

    def account(username: str, name: str, *, superuser: bool = False) -> int:
        user_id = loader.next_id("auth_user")
        first, _, last = name.partition(" ")
        usernames.append(username)
        loader.add(
            "auth_user",
            line(
                user_id, encoded, superuser, username, first, last,
                f"{username}@clinica.example.com", True, True, founded,
            ),
        )  # fmt: skip
        return user_id

    def staff(
        user_id: int, username: str, name: str, role: str, specialty: str | None = None
    ) -> int:
        staff_id = loader.next_id("personal_perfil")
        general, treats = role == "general", role == "dentista"
        loader.add(
            "personal_perfil",
            line(
                staff_id, user_id, name, mobile(rng), f"{username}@clinica.example.com", role,
                founded, True, True, specialty,
                f"{rng.randrange(10_000, 99_999)}" if treats else None,
                True, True, general, general, general or role == "administrativo",
                general or treats,
            ),
        )  # fmt: skip
        return staff_id

    _settings(loader, rng, founded, existing)
    taken = dict(existing.staff)
    if not taken:
        user_id = account(ADMIN, "Ana Riquelme", superuser=True)
        taken[ADMIN] = staff(user_id, ADMIN, "Ana Riquelme Soto", "general")
    admin = taken.get(ADMIN) or min(taken.values())
    for number in range(1, size.desks + 1):
        username, name = _desk_name(number), person(rng)
        if username not in taken:
            taken[username] = staff(account(username, name), username, name, "administrativo")
    desk = tuple(taken[_desk_name(number)] for number in range(1, size.desks + 1))
    catalogue = _services(loader, founded, admin)
    practitioners = []
    for number in range(size.practitioners):
        specialty = words.SPECIALTIES[number % len(words.SPECIALTIES)]
        name = person(rng)
        username = _username(name, taken)
        user_id = account(username, name)
        staff_id = staff(user_id, username, name, "dentista", specialty.name)
        taken[username] = staff_id
        room_id = loader.next_id("agenda_sala")
        loader.add("agenda_sala", line(room_id, f"Box {number + 1}", number + 1, True, founded))
        windows, open_windows = _week(number, today)
        _hours(loader, staff_id, open_windows, founded)
        practitioners.append(
            Practitioner(
                staff_id=staff_id,
                user_id=user_id,
                username=username,
                room_id=room_id,
                specialty=specialty,
                services=tuple(catalogue[text.name] for text in specialty.services),
                weights=tuple(text.weight for text in specialty.services),
                windows=windows,
                open_windows=open_windows,
            )
        )
    extras = tuple(catalogue[text.name] for text in words.EXTRAS)
    return Clinic(tuple(practitioners), admin, desk, extras, tuple(usernames))


def _encoded(rng: random.Random, password: str | None) -> str:
    """Derived once for all accounts: a million iterations each would be most of the time."""
    salt = "".join(rng.choice(_SALT) for _ in range(22))
    if password is None:
        return f"!{salt}"
    digest = passwords.derive(password, salt, passwords.ITERATIONS)
    return str(passwords.Encoded(passwords.ITERATIONS, salt, digest))


def _desk_name(number: int) -> str:
    return RECEPTION if number == 1 else f"{RECEPTION}{number}"


def _settings(loader: Loader, rng: random.Random, founded: str, existing: Existing) -> None:
    street = f"{rng.choice(words.STREETS)} {rng.randrange(100, 4000)}, Santiago"
    if not existing.described:
        loader.add(
            "configuracion_informacionclinica",
            line(
                loader.next_id("configuracion_informacionclinica"), "Clínica Los Aromos", street, "+56222345678", "contacto@clinica.example.com",
            "Lunes a viernes de 8:30 a 19:00, sábados de 9:00 a 13:00",
            "https://clinica.example.com", "+56972345678", founded, None,
        ),
    )  # fmt: skip
    for key, value in DEFAULTS.items():
        if key not in existing.settings:
            setting_id = loader.next_id("configuracion_ajuste")
            loader.add("configuracion_ajuste", line(setting_id, key, value, founded))


def _services(loader: Loader, founded: str, created_by: int) -> dict[str, PricedService]:
    catalogue = {}
    texts = [text for specialty in words.SPECIALTIES for text in specialty.services]
    for text in (*texts, *words.EXTRAS):
        service_id = loader.next_id("citas_tiposervicio")
        loader.add(
            "citas_tiposervicio",
            line(
                service_id, text.name, text.category, text.price, True, text.minutes is not None,
                text.minutes, founded, founded, created_by,
            ),
        )  # fmt: skip
        catalogue[text.name] = PricedService(service_id, text.name, text.price, text.minutes or 0)
    return catalogue


Week = dict[int, tuple[tuple[int, int], ...]]


def _week(number: int, today: dt.date) -> tuple[Week, Week]:
    start = 510 + 30 * (number % 3)
    lunch = 780 + 30 * (number % 2)
    full = ((start, lunch), (lunch + 60, start + 600))
    usual: Week = dict.fromkeys(range(SATURDAY), full)
    if number % 2 == 0:
        usual[SATURDAY] = ((start, lunch),)
    tomorrow = today + dt.timedelta(days=1)
    return usual, usual | {today.weekday(): full, tomorrow.weekday(): full}


def _hours(loader: Loader, staff_id: int, week: Week, founded: str) -> None:
    for weekday, windows in sorted(week.items()):
        for start, end in windows:
            loader.add(
                "citas_horariodentista",
                line(
                    loader.next_id("citas_horariodentista"), staff_id, weekday, clock(start),
                    clock(end), True, founded, founded,
                ),
            )  # fmt: skip


def write_other_money(
    loader: Loader, rng: random.Random, clinic: Clinic, opened: dt.date, today: dt.date
) -> None:
    """Rent, supplies and the like, month by month, and a little income that is no visit's."""
    month = opened.replace(day=1)
    scale = max(1, len(clinic.practitioners) // 2)
    entries = [
        ("finanzas_egresomanual", text, amount)
        for text, amount, times in words.EXPENSES
        for _ in range(times)
    ]
    entries += [("finanzas_ingresomanual", text, amount) for text, amount in words.INCOMES]
    while month <= today:
        for table, text, amount in entries:
            day = month + dt.timedelta(days=rng.randrange(27))
            exact = int(amount * scale * (0.85 + 0.3 * rng.random())) // 10 * 10
            if opened <= day < today:
                at = f"{day} 18:00:00-04"
                loader.add(table, line(loader.next_id(table), exact, text, day, clinic.admin, at))
        month = (month + dt.timedelta(days=32)).replace(day=1)


def clock(minute: int) -> str:
    """Minutes of the day as ``HH:MM``."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def person(rng: random.Random, surname: str | None = None) -> str:
    """One or two first names and two surnames."""
    firsts = words.WOMEN if rng.random() < 0.57 else words.MEN
    first = rng.choice(firsts)
    if rng.random() < 0.25:
        second = rng.choice(firsts)
        first = f"{first} {second}" if second != first else first
    return f"{first} {surname or rng.choice(words.SURNAMES)} {rng.choice(words.SURNAMES)}"


def mobile(rng: random.Random) -> str:
    """A Chilean mobile number in E.164."""
    return f"+569{rng.choice('4578')}{rng.randrange(1_000_000, 9_000_000)}"


def plain(text: str) -> str:
    """``text`` without accents."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def _username(name: str, taken: dict[str, int]) -> str:
    parts = plain(name).lower().split()
    base = f"{parts[0]}.{parts[-2]}"
    username = base
    number = 2
    while username in taken:
        username = f"{base}{number}"
        number += 1
    return username
