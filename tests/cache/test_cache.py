"""The encrypted cache: whole transactions, captured; trouble in words; nothing readable without the key."""

from __future__ import annotations

import datetime as dt
import secrets
from pathlib import Path

import pytest
import sqlalchemy as sa

from desktop.domain.actor import Actor
from desktop.domain.errors import EnvironmentTrouble
from desktop.domain.messages import sentence
from desktop.models import Room, WorkingHours
from desktop.services.cache import Cache, executor
from sync import store


def _room(cache: Cache, session: object, name: str) -> Room:
    return Room(
        id=cache.new_id(session), name=name, position=1, active=True, created_at=cache.now()
    )


def test_an_edit_is_in_the_cache_and_in_the_outbox_or_in_neither(
    cache: Cache, administrator: Actor
) -> None:
    """Catches: capture outside the edit's transaction, an outbox that survives a rollback."""
    with cache.writing(administrator, "room.create") as session:
        session.add(_room(cache, session, "Box 1"))
    with pytest.raises(ZeroDivisionError), cache.writing(administrator, "room.create") as session:
        session.add(_room(cache, session, "Box 2"))
        session.flush()
        raise ZeroDivisionError
    with cache.reading() as session:
        assert session.scalars(sa.select(Room.name)).all() == ["Box 1"]
        (transaction,) = store.outbox(executor(session))
    assert transaction.label == "room.create"
    assert transaction.actor == administrator.staff_id
    assert [(o.table, o.kind, o.new["nombre"]) for o in transaction.operations] == [
        ("agenda_sala", "I", "Box 1")
    ]


def test_a_transaction_that_changes_nothing_leaves_nothing(
    cache: Cache, administrator: Actor
) -> None:
    with cache.writing(administrator, "nothing"):
        pass
    with cache.reading() as session:
        assert store.outbox(executor(session)) == []


def test_nothing_edits_around_the_outbox(cache: Cache) -> None:
    """Catches: a cache whose triggers let an edit pass outside a local transaction."""
    with (
        pytest.raises(sa.exc.DatabaseError, match="no local transaction"),
        cache.writing_local() as session,
    ):
        session.add(_room(cache, session, "Box 3"))
        session.flush()


def test_a_reading_session_cannot_write(cache: Cache) -> None:
    with pytest.raises(EnvironmentTrouble) as trouble, cache.reading() as session:
        session.execute(sa.text("DELETE FROM agenda_sala"))
    assert trouble.value.code == "cache.read_only"


def test_listeners_hear_which_tables_changed(cache: Cache, administrator: Actor) -> None:
    heard: list[frozenset[str]] = []
    stop = cache.listen(heard.append)
    with cache.writing(administrator, "room.create") as session:
        session.add(_room(cache, session, "Box 4"))
    stop()
    with cache.writing(administrator, "room.create") as session:
        session.add(_room(cache, session, "Box 5"))
    assert heard == [frozenset({"agenda_sala"})]


def test_times_and_ids_survive_the_round_trip(cache: Cache, administrator: Actor) -> None:
    moment = dt.datetime(2026, 4, 4, 23, 30, 0, 120_000, tzinfo=dt.timezone(dt.timedelta(hours=-3)))
    with cache.writing(administrator, "room.create") as session:
        room = _room(cache, session, "Box 6")
        room.created_at = moment
        session.add(room)
    with cache.reading() as session:
        found = session.scalars(sa.select(Room)).one()
        assert found.created_at == moment
        assert found.id == (1 << 39) | 1


def test_the_file_is_nothing_without_its_key(tmp_path: Path, administrator: Actor) -> None:
    """Catches: a cache written in plain text, or a key that is not checked."""
    path, key = tmp_path / "cache.db", secrets.token_bytes(32)
    cache = Cache.open(path, key)
    with cache.writing_local() as session:
        store.set_device(executor(session), 7)
    with cache.writing(administrator, "room.create") as session:
        session.add(_room(cache, session, "Secreto"))
    cache.close()
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert b"Secreto" not in content
        assert b"SQLite format" not in content
        assert b"agenda_sala" not in content
    with pytest.raises(EnvironmentTrouble) as trouble:
        Cache.open(path, secrets.token_bytes(32))
    assert trouble.value.code == "cache.key_wrong"
    assert "clave" in sentence(trouble.value)


def test_a_damaged_page_is_said_and_the_file_kept(tmp_path: Path, administrator: Actor) -> None:
    path, key = tmp_path / "cache.db", secrets.token_bytes(32)
    cache = Cache.open(path, key)
    with cache.writing_local() as session:
        store.set_device(executor(session), 7)
    with cache.writing(administrator, "rooms") as session:
        for number in range(3000):
            session.add(_room(cache, session, f"Box {number}"))
    cache.close()
    content = bytearray(path.read_bytes())
    for page in range(8, len(content) // 4096):
        content[page * 4096 + 100] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(EnvironmentTrouble) as trouble:
        damaged = Cache.open(path, key)
        try:
            with damaged.reading() as session:
                session.execute(sa.select(Room)).all()
        finally:
            damaged.close()
    assert trouble.value.code in {"cache.damaged", "cache.key_wrong"}
    assert path.read_bytes() == bytes(content)


def test_a_cache_of_a_newer_program_is_left_alone(tmp_path: Path, key: bytes) -> None:
    path = tmp_path / "cache.db"
    cache = Cache.open(path, key)
    with cache.writing_local() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    cache.close()
    with pytest.raises(EnvironmentTrouble) as trouble:
        Cache.open(path, key)
    assert trouble.value.code == "cache.too_new"


def test_a_full_disk_is_said_and_what_was_saved_is_safe(cache: Cache, administrator: Actor) -> None:
    """A cap on the file's pages makes SQLite itself report a full disk."""
    with cache.writing(administrator, "room.create") as session:
        session.add(_room(cache, session, "Kept"))
    with pytest.raises(EnvironmentTrouble) as trouble:
        with cache.writing(administrator, "rooms") as session:
            pages = session.execute(sa.text("PRAGMA page_count")).scalar_one()
            session.execute(sa.text(f"PRAGMA max_page_count = {pages}"))
            for number in range(5000):
                session.add(_room(cache, session, f"Box {number}" * 5))
            session.flush()
    assert trouble.value.code == "cache.disk_full"
    assert "disco" in sentence(trouble.value)
    with cache.reading() as session:
        assert session.scalars(sa.select(Room.name)).all() == ["Kept"]


def test_a_time_of_day_is_written_as_the_server_sends_it(
    cache: Cache, administrator: Actor
) -> None:
    """Catches: ``09:00:00.000000`` here and ``09:00:00`` there, a conflict that nobody made."""
    hours = {
        "practitioner_id": 1,
        "active": True,
        "created_at": cache.now(),
        "updated_at": cache.now(),
    }
    written = {dt.time(9): "09:00:00", dt.time(13, 30, 5, 500_000): "13:30:05.5"}
    with cache.writing(administrator, "hours.create") as session:
        for weekday, moment in enumerate(written):
            session.add(
                WorkingHours(
                    id=cache.new_id(session),
                    weekday=weekday,
                    starts=moment,
                    ends=dt.time(),
                    **hours,
                )
            )
    with cache.writing_local() as session:
        execute = executor(session)
        execute("UPDATE sync_context SET capturing = 0")
        execute(
            "INSERT INTO citas_horariodentista SELECT id + 1000, dentista_id, dia_semana,"
            " substr(hora_inicio, 1, 8), '00:00:00', activo, creado_el, actualizado_el"
            " FROM citas_horariodentista WHERE dia_semana = 0"
        )
        execute("UPDATE sync_context SET capturing = 1")
    with cache.reading() as session:
        stored = executor(session)("SELECT DISTINCT hora_inicio FROM citas_horariodentista", ())
        (transaction,) = store.outbox(executor(session))
        nine = session.scalars(sa.select(WorkingHours).where(WorkingHours.starts == dt.time(9)))
        assert [(row.starts, row.ends) for row in nine] == [(dt.time(9), dt.time())] * 2
        late = session.scalars(sa.select(WorkingHours.starts).where(WorkingHours.weekday == 1))
        assert list(late) == [dt.time(13, 30, 5, 500_000)]
    assert sorted(stored) == [(text,) for text in sorted(written.values())]
    assert [o.new["hora_inicio"] for o in transaction.operations] == list(written.values())
