"""Sentences that belong to no single screen."""

from desktop.domain.messages import N_

SENTENCES = {
    "permission.denied": N_(
        "You don't have permission to do this. Nothing was changed. "
        "Ask an administrator, or sign in with another account."
    ),
    "unexpected": N_(
        "Something unexpected happened and this step was not completed. What was saved before is "
        "safe. Try again; if it happens once more, tell your administrator."
    ),
    "cache.key_wrong": N_(
        "The local data can't be opened with the key of this workstation. Nothing was deleted. "
        "Check the passphrase; if the key is lost, join the clinic again with a new enrolment file."
    ),
    "cache.damaged": N_(
        "The local data of this workstation is damaged. The file was kept as it is. "
        "Call your administrator before joining again: work that was not sent may still be recovered."
    ),
    "cache.disk_full": N_(
        "The disk is full, so this could not be saved; what was saved before is safe. "
        "Free some space and try again."
    ),
    "cache.busy": N_(
        "The local data is busy with another operation. Nothing was changed. Try again in a moment."
    ),
    "cache.read_only": N_(
        "The local data can't be written: the folder or the file is read-only. Nothing was changed. "
        "Check the permissions of the folder."
    ),
    "cache.too_new": N_(
        "The local data was written by a newer version of the program. Nothing was changed. "
        "Update this workstation."
    ),
}
