"""Archives that earlier versions of the program took, kept as they were: ``frozen/``.

``python -m tests.backup.restore.freezing`` takes one more, of the version at hand; those that are
there are never changed.
"""

from __future__ import annotations

import io
import json
import tempfile
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path

from desktop.backup import keys
from desktop.backup.archive_reader import ArchiveReader, Contents, verify
from desktop.domain import passwords
from desktop.services import migrations
from tests.backup.restore import making
from tests.backup.restore.conftest import VISITS as WORK
from tests.support import clinic as clinics
from tests.support import embedded

FOLDER = Path(__file__).parent / "frozen"
VISITS = 10
ENCODED = passwords.encode("Otra-clave-larga-7")


def opened(path: Path) -> tuple[Contents, AbstractContextManager[list[ArchiveReader]]]:
    """A frozen archive, verified, and its reader."""
    archive, identity = _verified(path)
    return archive.contents, making.opened(archive, identity=identity)


def proved(path: Path, contents: Contents) -> None:
    """It is what was written down of it when it was frozen."""
    said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert contents.sha256 == said["sha256"]
    assert contents.manifest_hash == said["manifest"]
    assert {table.name: table.rows for table in contents.tables} == said["rows"]


def _verified(path: Path) -> tuple[making.Archive, str]:
    said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    content = path.read_bytes()
    contents = verify(io.BytesIO(content), [said["identity"]], trusted=[said["signer"]])
    return making.Archive(content, contents), said["identity"]


def freeze() -> Path:
    """Take an archive of a small clinic on the oldest PostgreSQL of the wheel."""
    fresh = keys.new_clinic_keys()
    with (
        embedded.temporary(embedded.OF_THE_WHEEL[0]) as server,
        tempfile.TemporaryDirectory() as folder,
        clinics.clinic(server, Path(folder)) as made,
        made.admin() as db,
    ):
        db.execute(WORK)
        archive = making.take(db, made.schema, recipients=fresh)
    stem = f"archive-{migrations.head_version()}"
    names = (f"{stem}{f'-{number}' if number > 1 else ''}.consultorio" for number in count(1))
    path = next(FOLDER / name for name in names if not (FOLDER / name).exists())
    path.write_bytes(archive.content)
    said = {
        "sha256": archive.contents.sha256,
        "manifest": archive.contents.manifest_hash,
        "rows": {table.name: table.rows for table in archive.contents.tables},
        "identity": fresh.identity,
        "signer": making.SIGNER.public,
    }
    text = json.dumps(said, indent=1, sort_keys=True) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    return path


if __name__ == "__main__":
    print(freeze())
