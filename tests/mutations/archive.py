"""Defects of the archive's container and of its keys."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

FORM = "desktop/backup/archive_format.py"
LAYERS = "desktop/backup/archive_layers.py"
CHECK = "desktop/backup/archive_check.py"
READER = "desktop/backup/archive_reader.py"
WRITER = "desktop/backup/archive.py"
TAKE = "desktop/backup/take.py"
BACK = "desktop/backup/read_back.py"
MANIFEST = "desktop/backup/manifest.py"
TRAILER = "desktop/backup/trailer.py"
JSON = "desktop/backup/strict_json.py"
KEYS = "desktop/backup/keys.py"
WORDS = "desktop/backup/recovery.py"
CHANNEL = "desktop/backup/channel.py"

_HOSTILE = ("tests/backup/format/test_hostile.py",)
_TRIP = ("tests/backup/format/test_round_trip.py",)
_BACK = ("tests/backup/take/test_read_back.py",)
_KEYS = ("tests/backup/format/test_keys.py",)
_CHANNEL = ("tests/backup/format/test_channel.py",)

MUTATIONS = (
    Mutation(
        "an archive's links pass for files",
        FORM,
        'if kind in {b"1", b"2", b"3", b"4", b"5", b"6"}:',
        'if kind in {b"3"}:',
        _HOSTILE,
    ),
    Mutation(
        "an archive's tar header may be written in any way",
        FORM,
        "if block != tar_header(name, size):",
        "if block == b'':",
        _HOSTILE,
    ),
    Mutation(
        "an archive's member may have any size",
        LAYERS,
        "self._size > form.size_limit(self._name) or self._members",
        "self._members",
        _HOSTILE,
    ),
    Mutation(
        "an archive may have any number of members",
        LAYERS,
        "or self._members > self._limits.members:",
        "or False:",
        _HOSTILE,
    ),
    Mutation(
        "what pads an archive's members is not looked at",
        LAYERS,
        "if any(self._buffer[self._size : padded]):",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "an archive's tar need not end",
        LAYERS,
        "    unpacker.finish()\n",
        "",
        _HOSTILE,
    ),
    Mutation(
        "an age header may be without end",
        LAYERS,
        'if b"\\n--- " not in head:',
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "a piece may expand to any size",
        LAYERS,
        "if frame.content_size > form.PIECE:",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "something may stand behind a piece",
        LAYERS,
        "content, allow_extra_data=False",
        "content, allow_extra_data=True",
        _HOSTILE,
    ),
    Mutation(
        "an archive's signature is not checked",
        CHECK,
        "if not keys.signature_holds(self._manifest.signer, self._signature, message):",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "an archive's trailer is not held against its members",
        CHECK,
        "if said != found:",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "an archive may grow without end",
        CHECK,
        "if self._plain > max(limits.unjudged, self._stored * limits.ratio):",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "an archive's table may come in two places",
        CHECK,
        "if (named.part, named.subject) in self._done:",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "an archive's piece may be left out",
        CHECK,
        "elif named.number != last.number + 1:",
        "elif False:",
        _HOSTILE,
    ),
    Mutation(
        "an archive may hold tables that its manifest does not name",
        CHECK,
        "return named.subject in self._tables",
        "return True",
        _HOSTILE,
    ),
    Mutation(
        "a full archive may delete rows",
        CHECK,
        "self._may_be_gone = self._manifest.kind == INCREMENTAL",
        "self._may_be_gone = True",
        _HOSTILE,
    ),
    Mutation(
        "an attachment's content is not held against its name",
        CHECK,
        "found.hash.hexdigest() != named.subject for named, found in blobs",
        "False for named, found in blobs",
        _HOSTILE,
    ),
    Mutation(
        "a text that is left to its reader may have any length",
        CHECK,
        "TableCount(named.subject, named.part, rows, found.size, sha256)",
        "TableCount(named.subject, named.part, rows, signed.bytes, sha256)",
        _HOSTILE,
    ),
    Mutation(
        "a text is handed out whatever its signer hashed",
        READER,
        "if part is not Part.BLOB and total.count(name, part) != self.contents.count(name, part):",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "a text's sums may be anything that was signed",
        TRAILER,
        "if type(made.rows) is not int or made.rows < 0 or _SHA256",
        "if _SHA256",
        _HOSTILE,
    ),
    Mutation(
        "the lines of what is read back are not counted",
        CHECK,
        "rows = signed.rows if self._texts is Texts.LEFT else found.rows",
        "rows = found.rows if self._texts is Texts.SUMMED else signed.rows",
        _BACK,
    ),
    Mutation(
        "what is only looked at is not held against its sums",
        "desktop/services/backups_putting_back.py",
        "steps, Texts.SUMMED",
        "steps, Texts.LEFT",
        ("tests/backup/services/test_rules.py",),
    ),
    Mutation(
        "a piece may be an empty frame, and whatever stands behind it",
        LAYERS,
        "    if not frame.content_size:",
        "    if False:",
        _HOSTILE,
    ),
    Mutation(
        "what an incremental says of kept rows is not looked at",
        MANIFEST,
        '        _hold(all(map(_RANGES.fullmatch, _of_tables(made["extra"], "kept").values())))\n',
        "",
        _HOSTILE,
    ),
    Mutation(
        "what is read back needs no checksum of its text",
        LAYERS,
        "if by_checksum and not frame.has_checksum:",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "a text's frame has no checksum of it",
        WRITER,
        "write_checksum=True",
        "write_checksum=False",
        _BACK,
    ),
    Mutation(
        "any signer will do",
        READER,
        "if manifest.signer not in trusted:",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "another clinic's archive is taken",
        READER,
        "if tenant is not None and manifest.tenant != tenant.lower():",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "an archive that changes after it was verified is read",
        READER,
        "if known != (Member(name, len(data), hashlib.sha256(data).hexdigest()),):",
        "if False:",
        _TRIP,
    ),
    Mutation(
        "another archive passes for the one that was written",
        READER,
        "            self.sha256 != receipt.sha256\n            or self.size != receipt.size\n"
        "            or self.manifest_hash != receipt.manifest_hash\n            or ",
        "            ",
        _TRIP,
    ),
    Mutation(
        "a reader that is left waits for ever",
        READER,
        "self._members.abort(Left())",
        "pass",
        _TRIP,
    ),
    Mutation(
        "one key is enough for a backup",
        WRITER,
        "if len(keys) < 2:",
        "if len(keys) < 1:",
        _TRIP,
    ),
    Mutation(
        "a full disk is not told to whoever writes",
        WRITER,
        "        encrypt.join()\n        self._stored.check()\n",
        "        encrypt.join()\n",
        _TRIP,
    ),
    Mutation(
        "a newer manifest is read as far as it goes",
        MANIFEST,
        "if type(version) is int and version > FORMAT:",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "a manifest's columns may be named in any way",
        MANIFEST,
        'Column(_matched(COLUMN_NAME, column["name"])',
        'Column(_text(column["name"])',
        _HOSTILE,
    ),
    Mutation(
        "a manifest may say the same twice",
        JSON,
        "if len(made) != len(pairs):",
        "if False:",
        _HOSTILE,
    ),
    Mutation(
        "a sealed key opens with any password",
        KEYS,
        "password.encode(), salt, _ROUNDS",
        'b"the same", salt, _ROUNDS',
        _KEYS,
    ),
    Mutation(
        "the recovery words are not held against the key",
        WORDS,
        "if recipient is not None and keys.recipient_of(identity) != recipient:",
        "if False:",
        _KEYS,
    ),
    Mutation(
        "the recovery words' checksum is not looked at",
        WORDS,
        "if mnemonic.check(sentence):",
        "if True:",
        _KEYS,
    ),
    Mutation(
        "what was read back need not be what was written",
        TAKE,
        "        self._found.hold_against(receipt)\n",
        "",
        _BACK,
    ),
    Mutation(
        "a file is read back before the disk has it",
        BACK,
        "        local.put_on_disk(self._file)\n",
        "",
        _BACK,
    ),
    Mutation(
        "the last of a file is not read back",
        BACK,
        "        if written == self._on_disk:\n",
        "        if self._ended:\n",
        _BACK,
    ),
    Mutation(
        "a file that became shorter has just ended",
        BACK,
        "        if not data:\n            raise OSError",
        "        if False:\n            raise OSError",
        _BACK,
    ),
    Mutation(
        "who reads back waits for a writer that stopped",
        BACK,
        "            self._error = self._error or error\n            self._changed.notify_all()",
        "            self._error = self._error or error",
        _BACK,
    ),
    Mutation(
        "what goes wrong in work done ahead is the end of it",
        CHANNEL,
        "            made.abort(error)\n",
        "            made.close()\n",
        _CHANNEL,
    ),
    Mutation(
        "work done ahead goes on for somebody who left",
        CHANNEL,
        "        made.abort(Left())\n        worker.join()\n",
        "        pass\n",
        _CHANNEL,
    ),
)
