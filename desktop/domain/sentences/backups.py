"""What goes wrong with backups as people use them."""

from desktop.domain.messages import N_

SENTENCES = {
    "backup.revoked": N_(
        "An administrator shut this workstation out, so it takes no backups and sees none. Nothing "
        "was changed."
    ),
    "backup.forbidden": N_(
        "Backups are taken at an office workstation. Nothing was taken. Do it there."
    ),
    "backup.outdated": N_(
        "The clinic's data were not brought up to this program yet. Nothing was changed. Run "
        "“consultorio tenant migrate” first."
    ),
    "backup.migrating": N_(
        "The clinic's data are being upgraded just now. Nothing was taken. Try again in a moment."
    ),
    "backup.changing": N_(
        "The clinic's tables were being changed while the backup began. Nothing was taken. Try "
        "again in a moment."
    ),
    "backup.unreadable": N_(
        "There is a table of the clinic that can't be read for a backup. Nothing was taken. Run "
        "“consultorio tenant migrate”, which gives the right to read it."
    ),
    "backup.miscounted": N_(
        "Of the table {table} another number of rows arrived than the server sent, so the backup was "
        "thrown away. The clinic's data are as they were. Try again."
    ),
    "backup.not_recorded": N_(
        "The server does not record the changes of every table: a trigger is off or missing. Nothing is "
        "missing here: this backup has the whole clinic. Tell whoever looks after the server; "
        "“consultorio tenant migrate” mends it."
    ),
    "backup.not_saved": N_(
        "The clinic is in this backup, but a table of another program is not: no backup can hold its "
        "name. “Restore…” says which, before it changes anything. Tell whoever looks after that "
        "program that small letters without accents fit; plain SQL has every table."
    ),
    "backup.set_up_already": N_(
        "This clinic has its keys of backups already. Nothing was changed. Make new ones only if "
        "the recovery words are lost or somebody else may have them."
    ),
    "backup.no_copy": N_(
        "Your password opens none of the clinic's backups: no copy of the key was ever left for "
        "you. Nothing was changed. Use the recovery words; then your password opens them, too."
    ),
    "backup.no_place": N_(
        "There is no place where backups are kept. Nothing was taken. Add a folder or a storage "
        "under “Backups” first."
    ),
    "backup.running": N_(
        "Another workstation is taking, proving or restoring a backup of this clinic just now. "
        "Nothing was changed. Try again in some minutes."
    ),
    "backup.unknown": N_(
        "No such backup is known. Nothing was changed. Update the list and choose one from it."
    ),
    "backup.not_here": N_(
        "This backup lies in a place that this computer can't reach. Nothing was changed. Go to "
        "the workstation that keeps it, or add the place here."
    ),
    "backup.never_verified": N_(
        "Nothing is known here that this backup could be compared with. Nothing was changed. Open "
        "it: that checks all of it."
    ),
    "backup.chain_broken": N_(
        "This backup stands on another one that is gone or damaged, so it can't be restored. "
        "Nothing was changed. Choose another backup."
    ),
    "backup.last": N_(
        "This is the newest backup that was verified. It was left where it is. Make another one "
        "before you delete it."
    ),
    "backup.safety": N_(
        "This is the safety copy of a restore, which stays for a week. It was left where it is."
    ),
    "backup.needed": N_(
        "Other backups stand on this one. It was left where it is. Delete those first."
    ),
    "backup.no_room": N_(
        "No file could be made in {path}, so no backup was taken. Free some space on the disk."
    ),
    "backup.file_unreadable": N_(
        "The file {path} could not be read. Nothing was changed. Check whether the drive is "
        "connected and the file still there."
    ),
    "backup.settings_not_kept": N_(
        "The settings could not be written to {path}. They are as they were. Look whether the "
        "disk is full."
    ),
    "backup.settings_damaged": N_(
        "The file {path} with this computer's places of backups is damaged, so nothing is backed up "
        "from here. What was kept is as it was. Remove the file and add the places again."
    ),
    "backup.clinic_name": N_(
        "That is not this clinic's name, so nothing was restored. Type “{clinic}” to restore it."
    ),
    "backup.nothing_to_prove": N_(
        "There is no verified backup that could be proved. Take one first."
    ),
    "backup.drills_not_allowed": N_(
        "This computer was not let prove backups by itself. Nothing was done. An administrator "
        "allows it under “Backups”."
    ),
    "backup.failed": N_(
        "The backup could not be taken. The clinic's data are as they were. Try again; if it stays "
        "so, tell your administrator."
    ),
    "backup.at_a_workstation": N_(
        "This is done at a workstation, not on the server. Nothing was changed."
    ),
    "backup.user_needed": N_("Give your own username in the clinic with --user. Nothing was done."),
    "backup.database_user_needed": N_(
        "This replaces a clinic or opens its backups, so give the database's administrator with "
        "--database-user. Nothing was done."
    ),
    "backup.clinic_needed": N_(
        "Give the clinic's name with --clinic, so that the right one is restored. Nothing was "
        "changed."
    ),
    "backup.not_proved": N_(
        "The backup did not prove itself. Take another one now, and tell your administrator."
    ),
}
