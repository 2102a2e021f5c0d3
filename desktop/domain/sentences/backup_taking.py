"""What goes wrong while a backup is read, beside what a server says."""

from desktop.domain.messages import N_

SENTENCES = {
    "backup.cache_incomplete": N_(
        "This workstation has not received the whole clinic yet, so its copy is no backup. Nothing was "
        "taken. Use a workstation that has been in step before."
    ),
    "backup.export_owner": N_(
        "A clinic is written as plain SQL with the database's administrator, who alone sees all of it. "
        "Nothing was written."
    ),
    "backup.dump_failed": N_(
        "pg_dump did not come to its end ({reason}). Nothing was kept. Try again, or take an ordinary "
        "backup."
    ),
}
