"""Reads a backup of Consultorio without Consultorio: lists, verifies, or extracts it to CSV.

    python read_archive.py list    backup.consultorio --key key.txt
    python read_archive.py verify  backup.consultorio --key key.txt [--signer HEX]
    python read_archive.py extract backup.consultorio --key key.txt --to folder

key.txt holds the line AGE-SECRET-KEY-1... (the code on the recovery sheet says it). Needs Python 3.11
and ``pip install pyrage zstandard cryptography``. The format is described in archive-format.md. While
it runs, the decrypted backup lies in a temporary file without a name.
"""

import argparse
import hashlib
import json
import re
import sys
import tarfile
import tempfile
from pathlib import Path

import pyrage
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PIECE = re.compile(r"([a-z_][a-z0-9_]{0,62})(\.gone)?\.\d{5}\.copy\.zst|blob-([0-9a-f]{64})\.\d{5}")
FRAME = ["manifest.json", "trailer.json", "trailer.sig"]
MOST = 8 << 20
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def check(truth, what):
    if not truth:
        raise ValueError(what)


def members(plain):
    """Each member: name, stored bytes, its table or attachment and which part of it, the text."""
    plain.seek(0)
    with tarfile.open(fileobj=plain, mode="r:") as tar:
        for entry in tar:
            piece = PIECE.fullmatch(entry.name)
            table, gone, blob = piece.groups() if piece else (None, None, None)
            check(piece or entry.name in FRAME, f"member {entry.name!r}")
            check(entry.type == tarfile.REGTYPE, f"member {entry.name} is no file")
            check(entry.size <= MOST + (64 << 10), f"member {entry.name} is too large")
            stored = text = tar.extractfile(entry).read()
            if table:
                size = zstandard.get_frame_parameters(stored).content_size
                check(size <= MOST, f"member {entry.name} expands too far")
                text = zstandard.ZstdDecompressor().decompress(stored)
            part = "gone" if gone else "blob" if blob else "rows"
            yield entry.name, stored, table or blob, part, text


def verify(plain, signer):
    """Hold every member against the signed trailer; returns the manifest and the trailer."""
    stored, frame, parts = {}, {}, {}
    for name, data, of, part, text in members(plain):
        check(name not in stored, f"member {name} twice")
        stored[name] = {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        if not of:
            frame[name] = data
            continue
        rows, size, digest = parts.get((of, part), (0, 0, hashlib.sha256()))
        digest.update(text)
        parts[of, part] = rows + text.count(b"\n"), size + len(text), digest
    names = list(stored)
    check([*names[:1], *names[-2:]] == FRAME, "a part is missing")
    manifest = json.loads(frame["manifest.json"])
    check(manifest["format"] == 1, "written by a newer version")
    check(signer in {None, manifest["signer"]}, f"signed by {manifest['signer']}")
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(manifest["signer"]))
    public.verify(frame["trailer.sig"], b"consultorio-archive-1\n" + frame["trailer.json"])
    trailer = json.loads(frame["trailer.json"])
    found = [(*of, rows, size, digest.hexdigest()) for of, (rows, size, digest) in parts.items()]
    blobs = [(name, sha256) for name, part, _rows, _size, sha256 in found if part == "blob"]
    tables = [(t["name"], t["part"], t["rows"], t["bytes"], t["sha256"]) for t in trailer["tables"]]
    check(trailer["manifest"] == stored["manifest.json"]["sha256"], "another manifest")
    check(trailer["members"] == list(stored.values())[:-2], "other members than were signed")
    check(tables == [one for one in found if one[1] != "blob"], "other rows")
    check([(name, name) for name in trailer["blobs"]] == blobs, "other attachments")
    return manifest, trailer


def csv_value(text):
    """A value of COPY text as CSV: in quotes, except nothing at all for NULL."""
    plain = re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), text)
    return "" if text == "\\N" else '"' + plain.replace('"', '""') + '"'


def add(path, lines):
    """Write lines of COPY text behind what a CSV file has."""
    with path.open("a", encoding="utf-8", newline="") as file:
        for line in lines:
            file.write(",".join(map(csv_value, line.split("\t"))) + "\n")


def extract(plain, manifest, folder):
    """One CSV a table, with a line of names; attachments under their SHA-256."""
    folder.mkdir(parents=True)
    keys = {table["name"]: "\t".join(table["key"]) for table in manifest["tables"]}
    for table in manifest["tables"]:
        add(folder / f"{table['name']}.csv", ["\t".join(c["name"] for c in table["columns"])])
    left = b""  # a piece may end within a line; a table does not
    for _name, _stored, of, part, text in members(plain):
        if part == "blob":
            with (folder / f"blob-{of}").open("ab") as file:
                file.write(text)
        elif of:
            target = folder / (f"{of}.csv" if part == "rows" else f"{of}.gone.csv")
            add(target, [] if target.exists() else [keys[of]])
            *lines, left = (left + text).split(b"\n")
            add(target, (line.decode("utf-8") for line in lines))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["list", "verify", "extract"])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--signer", help="the public key that must have signed")
    parser.add_argument("--to", type=Path, help="a folder that does not exist yet")
    chosen = parser.parse_args()
    if chosen.action == "extract" and not chosen.to:
        parser.error("--to is needed")
    try:
        identity = pyrage.x25519.Identity.from_str(chosen.key.read_text("ascii").strip())
        with chosen.archive.open("rb") as file, tempfile.TemporaryFile() as plain:
            pyrage.decrypt_io(file, plain, [identity])  # authenticates the file to its end
            manifest, trailer = verify(plain, chosen.signer)
            print(
                *(manifest[name] for name in ("clinic", "tenant", "kind", "source", "created_at"))
            )
            if chosen.action == "list":
                for table in trailer["tables"]:
                    print(f"{table['rows']:12d}  {table['name']} ({table['part']})")
            elif chosen.action == "extract":
                extract(plain, manifest, chosen.to)
    except Exception as error:  # noqa: BLE001 - whatever it is, the backup is not as it should be
        sys.exit(f"REFUSED: {error!r}")
    print("VERIFIED: every byte is as it was signed by", manifest["signer"])


if __name__ == "__main__":
    main()
