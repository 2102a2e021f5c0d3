"""Other programs' backups made archives of ours, and a clinic written as plain SQL."""

from __future__ import annotations

from pathlib import Path

from desktop.backup import foreign, foreign_words, plain
from desktop.domain.locale_format import number
from desktop.domain.messages import _
from desktop.services import backups_history as histories
from desktop.services import backups_steps as words
from desktop.services import backups_taking as taking
from desktop.services.backups_desk import Desk
from desktop.services.backups_records import ForeignImport, ForeignLook
from desktop.services.backups_recovering import Ground
from desktop.services.backups_steps import Steps
from desktop.services.server import translated
from desktop.services.tenancy import Migrations


def look(path: Path, steps: Steps) -> ForeignLook:
    """What a file of another program holds; nothing of it is executed."""
    steps.begin(words.LOOKING)
    seen = foreign.look(path, progress=steps.progress)
    return ForeignLook(
        path=path,
        form=seen.file.form.value,
        program=_(seen.label),
        schemas={each.name: each.rows for each in seen.schemas},
        lines=tuple(
            _("{table}: {count}").format(table=table, count=number(count))
            for table, count in sorted(seen.tables.items())
        ),
    )


def take_in(
    where: Ground, desk: Desk, path: Path, schema: str | None, actor: str, steps: Steps
) -> ForeignImport:
    """An archive of what another program's file holds, with an account of every row.

    :param desk: of the same administrator. :param schema: which clinic of the file, where there are
        several.
    """
    steps.begin(words.LOOKING)
    seen = foreign.look(path, progress=steps.progress)
    steps.begin(words.TAKING_IN)
    with (
        desk.turn(),
        translated(),
        foreign.brought_in(
            where.connection,
            seen,
            live=where.schema,
            tenancy=Migrations(),
            zone=where.zone,
            now=desk.now(),
            schema=schema,
            progress=steps.progress,
            sorting=lambda: steps.begin(words.SORTING),
        ) as brought,
    ):
        entry = taking.create(desk, actor, reason=histories.IMPORT, of=brought.schema, steps=steps)
        lines = tuple(foreign_words.lines(brought.report))
    return ForeignImport(histories.item(entry, [entry], desk.labels, desk.now()), lines)


def export_sql(where: Ground, path: Path, steps: Steps) -> Path:
    """Write the clinic of now as SQL to a new file; nothing of it is encrypted.

    Raises those of :func:`desktop.backup.plain.export`.
    """
    steps.begin(words.WRITING)
    with translated(), steps.watched():
        plain.export(
            where.connection,
            where.schema,
            path,
            progress=lambda each: steps.counted(round(each.share * 1000), 1000),
            cancelled=steps.cancelled,
        )
    return path
