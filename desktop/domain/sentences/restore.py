"""Why a clinic could not be put back from an archive."""

from desktop.domain.messages import N_

SENTENCES = {
    "drill.forged": N_(
        "The report of the drill was changed, or another program wrote it, so it proves nothing. Try "
        "the backup out again."
    ),
    "restore.chain": N_(
        "These archives do not follow one another. Nothing was changed. Choose a full archive and "
        "the incremental ones made after it, none left out."
    ),
    "restore.newer": N_(
        "This archive was made by a newer version of the program. Nothing was changed. Update the "
        "program and try again."
    ),
    "restore.columns": N_(
        "The archive's table {table} does not fit the one here. Nothing was changed. Send the "
        "report of the archive to whoever looks after the program."
    ),
    "restore.unfit": N_(
        "Rows of the archive's table {table} break a rule of this clinic ({rule}). Nothing was "
        "changed. Choose another archive."
    ),
    "restore.differs": N_(
        "What arrived at the server of the table {table} is not what the archive holds. Nothing was "
        "changed. Try again."
    ),
    "restore.cancelled": N_("The restore was cancelled. Nothing was changed."),
    "restore.running": N_(
        "Somebody is restoring this clinic right now. Nothing was changed. Wait until they are done."
    ),
    "restore.wrong_clinic": N_(
        "The archive is of another clinic, {archive}. Nothing was changed. Choose an archive of this "
        "clinic."
    ),
    "restore.elsewhere": N_(
        "This clinic is already on the server, under the name {schema}. Nothing was changed. Restore "
        "it there."
    ),
    "restore.no_clinic": N_(
        "There is something else called {schema} on the server, and no clinic. Nothing was changed. "
        "Choose another name."
    ),
    "restore.part_only": N_(
        "The archive holds only what one workstation had. It can make the clinic anew where it is "
        "gone, and replaces no clinic that is there. Nothing was changed."
    ),
    "restore.outdated": N_(
        "The clinic on the server waits for an upgrade. Nothing was changed. Run “consultorio tenant "
        "migrate” first."
    ),
    "restore.no_safety_copy": N_(
        "There is no verified copy of what is there now, so nothing is replaced. Nothing was changed. "
        "Make a backup first."
    ),
    "restore.in_the_way": N_(
        "Something that another program made depends on the clinic's tables and could not follow: "
        "{what}. Nothing was changed. Its maker has to remove it for the restore."
    ),
    "restore.orphans": N_(
        "Rows of {table}, which are not in the archive, need rows of {parent} that are not either. "
        "Nothing was changed. Make a newer backup, or remove those rows."
    ),
    "restore.busy": N_(
        "Somebody kept the clinic's tables in use all the time. Nothing was changed. Close the other "
        "programs and try again."
    ),
    "restore.changed": N_(
        "The clinic's tables were changed by somebody at this moment. Nothing was restored. Try again."
    ),
    "restore.nothing_to_undo": N_("There is no restore that could be undone. Nothing was changed."),
    "restore.undo_outdated": N_(
        "The clinic was upgraded since the restore, so it can't be undone at once any more. Nothing "
        "was changed. Restore the safety copy that was made before it."
    ),
    "restore.no_administrator": N_(
        "In the archive {username} is no administrator, so nobody could sign in. Nothing was made. "
        "Choose one of: {found}."
    ),
    "restore.password_needed": N_(
        "The archive has no passwords, so nobody could sign in. Nothing was made. Give one of the "
        "administrators a new password: {found}."
    ),
}
