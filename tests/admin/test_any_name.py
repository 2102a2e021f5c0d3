"""A clinic may be called whatever PostgreSQL takes: every command works on it, from end to end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from desktop.services.accounts import Accounts
from desktop.services.workstation import Workstation
from tests.admin.conftest import Ran
from tests.support.clinic import PASSPHRASE, PASSWORD, drop_roles

NAMES = ("100%", "a%s", "%(x)s %%b", "it's :colon and back\\slash ")
"""Placeholders of psycopg and of SQLAlchemy, and what a literal, an option or a COPY would escape."""


@pytest.mark.parametrize("name", NAMES)
def test_every_command_takes_the_name_as_it_is(
    run: Callable[..., Ran],
    secret: Callable[..., Path],
    pg_database: str,
    tmp_path: Path,
    name: str,
) -> None:
    """Catches a name that is read as a placeholder, or is quoted for one place and used in another."""
    dsn = ("--dsn", pg_database, "--json")
    password, file, folder = secret(PASSWORD), tmp_path / "file", tmp_path / "station"

    def done(*command: object) -> Ran:
        ran = run(*command)
        assert ran.code == 0, ran
        assert ran.json["ok"] is True
        return ran

    with contextlib.ExitStack() as stack:
        stack.callback(drop_roles, pg_database)
        db = stack.enter_context(psycopg.connect(pg_database, autocommit=True))
        done("tenant", "create", name, *dsn, "--admin-password-file", password)
        fill = ("tenant", "generate", name, *dsn, "--accounts-password-file", password)
        rows = done(*fill, "--today", "2026-11-23").json["rows"]
        assert run(*fill).json["error"]["code"] == "generate.not_empty"
        enroll = ("device", "enroll", name, *dsn, "--out", file)
        number = done(*enroll, "--profile", "office").json["device"]
        where = ("--data-dir", folder, "--json")
        done("join", file, *where)
        assert done("sync", "--once", *where).json["state"] == "in_step"
        done("tenant", "migrate", name, *dsn)
        assert done("sync", "--once", *where).json["state"] == "in_step"
        staff = done("account", "create", name, "rosa", *dsn, "--name", "Rosa", "--role", "general",
                     "--new-password-file", password).json["staff_id"]  # fmt: skip
        done("account", "password", name, "rosa", *dsn, "--new-password-file", password)
        with (
            Workstation.open(folder, passphrase=lambda: PASSPHRASE) as station,
            contextlib.closing(station.open_cache()) as cache,
        ):
            rosa = Accounts(cache, station.connect, name).sign_in("rosa", PASSWORD)
        assert rosa.staff_id == staff
        role = f"web_{db.info.dbname}"
        db.execute(f"CREATE ROLE {role}")
        done("tenant", "grant-web", name, role, *dsn)
        db.execute(f"SET ROLE {role}")
        db.execute("SELECT set_config('search_path', quote_ident(%s), false)", (name,))
        clients = db.execute("SELECT count(id) FROM pacientes_cliente").fetchone()
        assert clients == (rows["pacientes_cliente"],)
        db.execute("RESET ROLE")
        again = ("device", "enroll", name, *dsn, "--out", tmp_path / "hers")
        hers = done(*again, "--profile", "practitioner", "--practitioner", staff).json["device"]
        listed = done("device", "list", name, *dsn).json["devices"]
        assert [each["number"] for each in listed] == [number, hers]
        assert done("device", "revoke", name, number, *dsn).json["revoked"] == [number]
        assert run("sync", "--once", *where).json["error"]["code"] == "device.shut_out_now_empty"
        found = done("tenant", "list", *dsn).json["tenants"]
        assert [(each["name"], each["devices"]) for each in found] == [(name, 1)]
