"""``docs/read_archive.py``, which knows nothing of us, reads what we write and refuses what we refuse."""

from __future__ import annotations

import ast
import csv
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from desktop.backup import archive_format as form
from tests.backup.format import making
from tests.backup.format.making import KEYS, forgery, lines, sealed, tar, zstd

READER = Path(__file__).parents[3] / "docs" / "read_archive.py"
TEXT = (
    b"1\tRosa \xc3\x91and\xc3\xba\n2\t\\N\n3\t\n"
    rb"4	tab\tline\nback\\slash \"quoted\""
    b"\n" + lines(400_000)
)


def run(action: str, archive: Path, *more: str) -> subprocess.CompletedProcess[str]:
    key = archive.with_suffix(".key")
    key.write_text(KEYS.recovery_identity + "\n", "ascii")
    return subprocess.run(
        [sys.executable, str(READER), action, str(archive), "--key", str(key), *more],
        capture_output=True,
        text=True,
        check=False,
        cwd=archive.parent,
    )


def kept(folder: Path, content: bytes) -> Path:
    path = folder / "x.consultorio"
    path.write_bytes(content)
    return path


def test_it_is_short_and_imports_nothing_of_ours() -> None:
    source = READER.read_text("utf-8")
    assert len([line for line in source.splitlines() if line.strip()]) <= 125
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    others = {name.split(".")[0] for name in imported} - sys.stdlib_module_names
    assert others == {"pyrage", "zstandard", "cryptography"}


def test_it_lists_verifies_and_extracts(tmp_path: Path) -> None:
    blob = b"a photograph" * 1000
    content, receipt, _check = making.made(
        {"clientes_cliente": TEXT},
        manifest=making.INCREMENT,
        gone={"agenda_dia": b"2026-11-21\t7\n"},
        blobs=[blob],
    )
    archive = kept(tmp_path, content)
    listed = run("list", archive)
    assert listed.returncode == 0, listed.stderr
    assert re.search(r"400004 +clientes_cliente \(rows\)", listed.stdout)
    assert f"signed by {making.SIGNER.public}" in listed.stdout
    assert "incremental server 2026-" in listed.stdout
    assert run("verify", archive, "--signer", making.SIGNER.public).returncode == 0
    assert run("verify", archive, "--signer", making.STRANGER.public).returncode == 1

    extracted = run("extract", archive, "--to", "out")
    assert extracted.returncode == 0, extracted.stderr
    out = tmp_path / "out"
    with (out / "clientes_cliente.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "nombre"]
    assert rows[1:5] == [
        ["1", "Rosa Ñandú"],
        ["2", ""],
        ["3", ""],
        ["4", 'tab\tline\nback\\slash "quoted"'],
    ]
    assert len(rows) == 1 + receipt.rows
    text = (out / "clientes_cliente.csv").read_text("utf-8")
    assert '"2",\n"3",""\n' in text  # nothing at all, and an empty text
    assert rows[-1] == TEXT.decode().splitlines()[-1].split("\t")
    assert (out / "agenda_dia.gone.csv").read_text("utf-8") == '"dia","sala"\n"2026-11-21","7"\n'
    assert (out / "agenda_dia.csv").read_text("utf-8") == '"dia","sala"\n'
    assert (out / f"blob-{hashlib.sha256(blob).hexdigest()}").read_bytes() == blob


def hostile() -> dict[str, bytes]:
    honest, _receipt, _check = making.made({"clientes_cliente": lines(50)})
    members = forgery().members()
    rows = "clientes_cliente.00001.copy.zst"
    return {
        "cut": honest[:-1],
        "changed": honest[:900] + bytes([honest[900] ^ 1]) + honest[901:],
        "a path": forgery([("../clientes.sql", b"x")]).build(),
        "the same twice": forgery([(rows, zstd(b"1\tx\n"))] * 2).build(),
        "a bomb": forgery([(rows, zstd(bytes(form.PIECE + 1)))]).build(),
        "a forged signature": sealed(tar([*members[:-1], (form.SIGNATURE, bytes(64))])),
        "no trailer": sealed(tar(members[:-2])),
        "other rows": sealed(tar([members[0], (rows, zstd(lines(20, seed=8))), *members[2:]])),
        "a newer version": making.Forgery(
            [], forgery().manifest.replace(b'"format":1', b'"format":2')
        ).build(),
    }


@pytest.mark.parametrize("what", sorted(hostile()))
def test_it_refuses(what: str, tmp_path: Path) -> None:
    refused = run("extract", kept(tmp_path, hostile()[what]), "--to", "out")
    assert refused.returncode == 1
    assert refused.stderr.startswith("REFUSED"), refused.stderr
    assert not (tmp_path / "out").exists()
