"""What goes wrong with archives and with the keys that open them."""

from desktop.domain.messages import N_

SENTENCES = {
    "archive.not_an_archive": N_(
        "This file is no backup of this program. Nothing was changed. Choose a file that ends in "
        "“.consultorio”, or use “Import” for another program's backup."
    ),
    "archive.truncated": N_(
        "This backup is cut off or damaged at its end, so none of it is used. Nothing was changed. "
        "Fetch it again from where it is kept, or use another backup."
    ),
    "archive.damaged": N_(
        "This backup was damaged after it was written, so none of it is used. Nothing was changed. "
        "Fetch it again from where it is kept, or use another backup."
    ),
    "archive.wrong_key": N_(
        "This key does not open this backup: it was made with another key, or its beginning is "
        "damaged. Nothing was changed. Try the recovery words, or the key of that time."
    ),
    "archive.forged": N_(
        "This backup's signature does not fit its content: somebody changed it after it was "
        "written, so none of it is used. Nothing was changed. Use another backup, and find out who "
        "could write to the place where this one is kept."
    ),
    "archive.not_as_signed": N_(
        "The rows of this backup do not come to the sums that the workstation which wrote it has "
        "signed, so none of it is used. Nothing was changed. Use another backup, and have that "
        "workstation looked at."
    ),
    "archive.unknown_signer": N_(
        "This backup was signed by a workstation that the clinic does not know ({signer}), so none "
        "of it is used. Nothing was changed. Use another backup, or have an administrator check "
        "where it comes from."
    ),
    "archive.newer": N_(
        "This backup was written by a newer version of the program. Nothing was changed. Update "
        "the program on this computer and try again."
    ),
    "archive.wrong_clinic": N_(
        "This backup is of another clinic ({clinic}). Nothing was changed. Choose a backup of "
        "this clinic."
    ),
    "archive.not_as_written": N_(
        "The backup that was read back is not the one that was written, so it does not count as "
        "made. The clinic's data are as they were. Try again, or choose another place to keep it."
    ),
    "archive.path": N_(
        "This backup holds a file name that leads elsewhere on the disk; no program of ours writes "
        "that. None of it is used, and nothing was changed. Use another backup."
    ),
    "archive.link": N_(
        "This backup holds a link instead of data; no program of ours writes that. None of it is "
        "used, and nothing was changed. Use another backup."
    ),
    "archive.duplicate": N_(
        "This backup holds the same part twice; no program of ours writes that. None of it is "
        "used, and nothing was changed. Use another backup."
    ),
    "archive.bomb": N_(
        "This backup would grow far beyond its size and fill this computer; no program of ours "
        "writes that. None of it is used, and nothing was changed. Use another backup."
    ),
    "archive.too_big": N_(
        "This backup is larger than this program can read or write. Nothing was changed. Ask for "
        "help, and keep the file."
    ),
    "archive.malformed": N_(
        "This backup is not put together as this program does it, so none of it is used. Nothing "
        "was changed. Use another backup."
    ),
    "backup_key.missing": N_(
        "A backup needs the clinic's key and the recovery key, and one of them is missing. Nothing "
        "was written or read. Have an administrator make the keys, or give a key."
    ),
    "backup_key.wrong": N_(
        "This is no key for backups. Nothing was done. Type the recovery words, or the key that "
        "begins with “AGE-SECRET-KEY-”, as they are printed."
    ),
    "backup_key.password": N_(
        "This password does not open the key of the backups. If the password was changed, type the "
        "one of that time, ask another administrator, or use the recovery words. Nothing was done."
    ),
    "backup_key.words_count": N_(
        "The recovery key has 24 words, and {count} were typed. Nothing was done. Compare with the "
        "printed sheet."
    ),
    "backup_key.word": N_(
        "Word {place}, “{word}”, is none of the recovery words. Nothing was done. Compare it with "
        "the printed sheet."
    ),
    "backup_key.words_wrong": N_(
        "These 24 words are not the recovery key: a word is another one, or two have changed "
        "places. Nothing was done. Compare them with the printed sheet."
    ),
    "backup_key.signer_wrong": N_(
        "The key with which this workstation signs backups can't be read. No backup was made. "
        "Have this workstation make a new one under “Backups”."
    ),
}
