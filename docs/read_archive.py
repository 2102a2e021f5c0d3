"""Reads a backup of Consultorio without Consultorio: lists, verifies, or extracts it to CSV.

    python read_archive.py list    backup.consultorio --key key.txt
    python read_archive.py verify  backup.consultorio --key key.txt [--signer HEX]
    python read_archive.py extract backup.consultorio --key key.txt --to folder

key.txt holds the line AGE-SECRET-KEY-1... (the code on the recovery sheet says it). Needs Python 3.11,
``pip install pyrage zstandard``, and ``cryptography`` to check the signature. The format is described in
archive-format.md. While it runs, the decrypted backup lies in a temporary file without a name.
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

MEMBER = re.compile(
    r"([a-z_][a-z0-9_]{0,62})(\.gone)?\.(\d{5})\.copy\.zst|blob-([0-9a-f]{64})\.(\d{5})"
)
PIECE, MANIFEST_LIMIT, STORED_LIMIT = 8 << 20, 4 << 20, (8 << 20) + (64 << 10)
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def check(truth, what):
    if not truth:
        sys.exit(f"REFUSED: {what}")


def decrypted(path, key):
    """The tar, after age has authenticated the file to its end."""
    plain = tempfile.TemporaryFile()  # noqa: SIM115 - the caller reads it
    identity = pyrage.x25519.Identity.from_str(Path(key).read_text("ascii").strip())
    with path.open("rb") as file:
        try:
            pyrage.decrypt_io(file, plain, [identity])
        except (pyrage.DecryptError, OSError) as error:
            sys.exit(f"REFUSED: {error}")
    plain.seek(0)
    return plain


def members(plain):
    """Each member's name and stored bytes, in order; nothing but plain files with known names."""
    seen = set()
    with tarfile.open(fileobj=plain, mode="r:") as tar:
        for entry in tar:
            known = MEMBER.fullmatch(entry.name) or entry.name in {
                "manifest.json",
                "trailer.json",
                "trailer.sig",
            }
            check(known and entry.type == tarfile.REGTYPE, f"member {entry.name!r}")
            check(entry.name not in seen and entry.size <= STORED_LIMIT, f"member {entry.name}")
            seen.add(entry.name)
            yield entry.name, tar.extractfile(entry).read()


def expanded(stored):
    check(zstandard.get_frame_parameters(stored).content_size <= PIECE, "a piece is too large")
    return zstandard.ZstdDecompressor().decompress(stored)


def verify(plain, signer):
    """Hold every member against the signed trailer; the manifest and the trailer."""
    stored, raw, hashes, rows = [], {}, {}, {}
    for name, data in members(plain):
        check(bool(stored) or name == "manifest.json", "the manifest is not first")
        stored.append({"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
        match = MEMBER.fullmatch(name)
        if not match:
            raw[name] = data
            continue
        text = data if match[4] else expanded(data)
        part = (match[4] or match[1], "blob" if match[4] else "gone" if match[2] else "rows")
        hashes.setdefault(part, hashlib.sha256()).update(text)
        rows[part] = rows.get(part, 0) + text.count(b"\n")
    check({"manifest.json", "trailer.json", "trailer.sig"} == raw.keys(), "a part is missing")
    manifest, trailer = json.loads(raw["manifest.json"]), json.loads(raw["trailer.json"])
    check(manifest["format"] == 1, "written by a newer version")
    check(signer in {None, manifest["signer"]}, f"signed by {manifest['signer']}")
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        print("NOT CHECKED: the signature (pip install cryptography)", file=sys.stderr)
    else:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(manifest["signer"]))
        try:
            key.verify(raw["trailer.sig"], b"consultorio-archive-1\n" + raw["trailer.json"])
        except Exception:  # noqa: BLE001 - whatever it is, it does not hold
            check(False, "the signature does not hold")
    check(trailer["manifest"] == stored[0]["sha256"], "another manifest")
    check(trailer["members"] == stored[:-2], "other members than were signed")
    found = [
        (name, part, rows[name, part], h.hexdigest())
        for (name, part), h in hashes.items()
        if part != "blob"
    ]
    check(
        found == [(t["name"], t["part"], t["rows"], t["sha256"]) for t in trailer["tables"]],
        "other rows",
    )
    check(trailer["blobs"] == [n for n, part in hashes if part == "blob"], "other attachments")
    check(
        all(h.hexdigest() == n for (n, part), h in hashes.items() if part == "blob"), "attachments"
    )
    return manifest, trailer


def csv_line(line):
    """A line of COPY text as CSV: every value in quotes, except nothing at all for NULL."""

    def value(text):
        return ESCAPED.sub(lambda m: ESCAPES.get(m[1], m[1]), text).replace('"', '""')

    return ",".join("" if f == "\\N" else f'"{value(f)}"' for f in line.split("\t"))


def extract(plain, manifest, folder):
    """One CSV a table, with a line of names; attachments under their SHA-256."""
    folder.mkdir(parents=True)
    columns = {t["name"]: ([c["name"] for c in t["columns"]], t["key"]) for t in manifest["tables"]}
    left = {}
    for name, (header, _key) in columns.items():
        (folder / f"{name}.csv").write_text(",".join(f'"{c}"' for c in header) + "\n", "utf-8")
    for name, data in members(plain):
        match = MEMBER.fullmatch(name)
        if match and match[4]:
            with (folder / f"blob-{match[4]}").open("ab") as file:
                file.write(data)
        elif match:
            target = folder / (match[1] + (".gone.csv" if match[2] else ".csv"))
            if match[2] and not target.exists():
                target.write_text(",".join(f'"{c}"' for c in columns[match[1]][1]) + "\n", "utf-8")
            *lines, left[target] = (left.get(target, b"") + expanded(data)).split(b"\n")
            with target.open("a", encoding="utf-8", newline="") as file:
                file.writelines(csv_line(line.decode("utf-8")) + "\n" for line in lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["list", "verify", "extract"])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--signer", help="the public key that must have signed")
    parser.add_argument("--to", type=Path, help="a folder that does not exist yet")
    chosen = parser.parse_args()
    with decrypted(chosen.archive, chosen.key) as plain:
        manifest, trailer = verify(plain, chosen.signer)
        print(
            f"{manifest['clinic']} ({manifest['tenant']}), {manifest['kind']}, {manifest['created_at']}"
        )
        if chosen.action == "list":
            for table in trailer["tables"]:
                print(f"{table['rows']:12d}  {table['name']} ({table['part']})")
        if chosen.action == "extract":
            plain.seek(0)
            extract(plain, manifest, chosen.to or parser.error("--to is needed"))
    print("VERIFIED: every byte is as it was signed by", manifest["signer"])


if __name__ == "__main__":
    main()
