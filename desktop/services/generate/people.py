"""Clients: names, RUTs, phones, who shares one, who stands twice in the list, who has a web account."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from desktop.domain.identifiers import placeholder_email
from desktop.services.generate import words
from desktop.services.generate.clinic import mobile, person, plain
from desktop.services.generate.loading import Loader, line
from desktop.services.generate.sizes import DUPLICATES, SHARED_PHONES, Size

AT_THE_START = 0.4
"""The part of the clients who were there before the history begins."""

WITH_WEB_ACCOUNT = 0.2
_RUT_WEIGHTS = (2, 3, 4, 5, 6, 7)


@dataclass(slots=True)
class ClientRow:
    """What the history needs of a client.

    :ivar since: ordinal of the day of registration.
    :ivar copied: name, email and phone as COPY fields, for the appointment's own columns.
    """

    id: int
    name: str
    since: int
    copied: str


def rut(body: int) -> str:
    """A RUT with its check digit, ``12345678-9``."""
    total = sum(
        int(digit) * _RUT_WEIGHTS[place % 6] for place, digit in enumerate(reversed(str(body)))
    )
    return f"{body}-{'0123456789K0'[11 - total % 11]}"


def write_clients(
    loader: Loader,
    rng: random.Random,
    size: Size,
    opened: dt.date,
    today: dt.date,
    staff_ids: list[int],
) -> list[ClientRow]:
    """Writes the clients in the order of their registration, and returns them in that order."""
    started = int(size.clients * AT_THE_START)
    span = (today - opened).days
    rows: list[ClientRow] = []
    phones: list[str] = []
    births: list[dt.date] = []
    bodies = rng.sample(range(5_200_000, 26_000_000), size.clients)
    # A fixed share of each, at shuffled places: a share drawn by lot misses in a small clinic.
    places = list(range(size.regulars + 10, size.clients))
    rng.shuffle(places)
    duplicates = set(places[: round(size.clients * DUPLICATES)])
    sharing = set(places[len(duplicates) : len(duplicates) + round(size.clients * SHARED_PHONES)])
    for index in range(size.clients):
        if index < started:
            since = opened.toordinal() - 1 - rng.randrange(180)
        else:
            since = opened.toordinal() + span * (index - started) // (size.clients - started)
        client_id = loader.next_id("pacientes_cliente")
        name, phone = person(rng), mobile(rng)
        birth = dt.date.fromordinal(today.toordinal() - rng.randrange(365 * 3, 365 * 88))
        number: str | None = rut(bodies[index]) if rng.random() < 0.92 else None
        email: str | None = None
        if index in duplicates:
            twin = rng.randrange(index)
            name, phone, birth = _misspelt(rng, rows[twin].name), phones[twin], births[twin]
            number = None
        elif index in sharing:
            relative = rng.randrange(index)
            name = person(rng, rows[relative].name.split()[-2])
            phone = phones[relative]
        if rng.random() < 0.88 or index in duplicates:
            parts = plain(name).lower().split()
            email = f"{parts[0]}.{parts[-1]}{client_id}@correo.example.com"
        stored_email = email or placeholder_email(client_id)
        registered = f"{dt.date.fromordinal(since)} 07:00:00-04"
        user_id = None
        if email and rng.random() < WITH_WEB_ACCOUNT:
            user_id = _web_account(loader, rng, name, phone, email, number, birth, registered)
        loader.add(
            "pacientes_cliente",
            line(
                client_id, name, stored_email, number, phone, birth if rng.random() < 0.9 else None,
                rng.choice(words.ALLERGIES) if rng.random() < 0.09 else None,
                registered, rng.random() < 0.985 or index < size.regulars,
                rng.choice(words.CLIENT_NOTES) if rng.random() < 0.12 else None,
                user_id, staff_ids[index % len(staff_ids)],
            ),
        )  # fmt: skip
        rows.append(ClientRow(client_id, name, since, f"{name}\t{stored_email}\t{phone}"))
        phones.append(phone)
        births.append(birth)
    return rows


def _misspelt(rng: random.Random, name: str) -> str:
    way = rng.randrange(4)
    if way == 0:
        return plain(name)
    if way == 1:
        return name.upper()
    if way == 2 and len(name.split()) > 2:
        return " ".join(name.split()[:-1])
    return plain(name).replace("z", "s")


def _web_account(
    loader: Loader,
    rng: random.Random,
    name: str,
    phone: str,
    email: str,
    number: str | None,
    birth: dt.date,
    registered: str,
) -> int:
    """An account of the booking site whose password nobody knows (Django's unusable form)."""
    user_id = loader.next_id("auth_user")
    first, _, last = name.partition(" ")
    unusable = f"!{rng.getrandbits(160):040x}"
    loader.add(
        "auth_user",
        line(user_id, unusable, False, email, first, last, email, False, True, registered),
    )
    loader.add(
        "cuentas_perfilcliente",
        line(
            loader.next_id("cuentas_perfilcliente"), user_id, name, phone, email,
            rng.random() < 0.7, number, birth,
        ),
    )  # fmt: skip
    return user_id
