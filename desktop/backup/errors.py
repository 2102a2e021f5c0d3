"""What an archive, or its keys, can be refused for."""

from __future__ import annotations

from desktop.domain.errors import RuleError


class ArchiveError(RuleError):
    """An archive or a key that is not used; nothing of it has stayed anywhere.

    Codes of archives: ``archive.not_an_archive``, ``archive.truncated``, ``archive.damaged``,
    ``archive.wrong_key``, ``archive.forged``, ``archive.not_as_signed``,
    ``archive.unknown_signer``, ``archive.newer``, ``archive.wrong_clinic``,
    ``archive.not_as_written``; of what a program other than ours may have put inside: ``archive.path``, ``archive.link``, ``archive.duplicate``, ``archive.bomb``,
    ``archive.too_big``, ``archive.malformed``. Codes of keys:
    ``backup_key.missing``, ``backup_key.wrong``, ``backup_key.password``, ``backup_key.word``,
    ``backup_key.words_count``, ``backup_key.words_wrong``, ``backup_key.signer_wrong``.
    """
