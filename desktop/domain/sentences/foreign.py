"""What goes wrong with another program's backup file, and what its import can't go on with."""

from desktop.domain.messages import N_

SENTENCES = {
    "foreign.unreadable": N_(
        "{path} could not be read. Nothing was imported. Check that the file is there and that you "
        "may open it."
    ),
    "foreign.empty": N_("{path} is empty. Nothing was imported. Choose the backup itself."),
    "foreign.unknown": N_(
        "{path} is neither Django's JSON (dumpdata) nor a plain SQL file of pg_dump. Nothing was "
        "imported. Ask for the backup in one of these two forms."
    ),
    "foreign.custom_format": N_(
        "{path} is in pg_dump's own format, which only pg_restore reads. Nothing was imported. Ask "
        "for a plain file: “pg_restore --file=backup.sql {path}” makes one of it."
    ),
    "foreign.own_archive": N_(
        "{path} is a backup of this program, not of another one. Nothing was imported. Restore it "
        "as such."
    ),
    "foreign.packed": N_(
        "{path} is packed. Nothing was imported. Unpack it first, and choose the .json or .sql "
        "file in it."
    ),
    "foreign.truncated": N_(
        "The file ends in the middle: part of the backup is missing. Nothing was imported. Copy it "
        "again from where it was made, or use another backup."
    ),
    "foreign.damaged": N_(
        "The file is damaged near byte {place}. Nothing was imported. Copy it again from where it "
        "was made, or use another backup."
    ),
    "foreign.too_deep": N_(
        "The file is built in a way that no backup is. Nothing was imported. Use another backup."
    ),
    "foreign.bomb": N_(
        "The file unpacks to far more than a backup does. Nothing was imported. Unpack it yourself "
        "and look at what it is."
    ),
    "foreign.encoding": N_(
        "The file is written in {encoding}, which can't be read here. Nothing was imported. Make "
        "the backup again with “--encoding=UTF8”."
    ),
    "foreign.not_a_program": N_(
        "Nothing in this file belongs to a program that is known here. Nothing was imported. "
        "Choose another backup."
    ),
    "foreign.choose_schema": N_(
        "The file holds several clinics: {schemas}. Nothing was imported. Say which of them it "
        "shall be."
    ),
    "foreign.no_schema": N_(
        "The file holds no clinic called {schema}; it holds: {schemas}. Nothing was imported."
    ),
    "foreign.nothing_taken": N_(
        "None of the file's rows could be taken. Nothing was imported. {reasons}"
    ),
    "foreign.changed": N_(
        "The file changed while it was read. Nothing was imported. Wait until it is written, and "
        "begin again."
    ),
}
