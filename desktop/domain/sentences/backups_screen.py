"""What goes wrong with the sheet of the recovery words, and with the list of backups."""

from desktop.domain.messages import N_

SENTENCES = {
    "backups.list_not_saved": N_(
        "The list could not be written to “{folder}”. Nothing else was changed. Choose another folder."
    ),
    "sheet.not_saved": N_(
        "The sheet could not be written to “{folder}”, and nothing of it is there. Choose another "
        "folder, print it, or write the words down by hand."
    ),
    "sheet.not_printed": N_(
        "The printer did not take the sheet. The words are still on the screen: check the printer "
        "and try again, or write them down by hand."
    ),
}
