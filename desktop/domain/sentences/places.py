"""What goes wrong where backups are kept."""

from desktop.domain.messages import N_

SENTENCES = {
    "place.bad_name": N_(
        "“{name}” is no name of a backup. Nothing was done. Choose a backup from the list."
    ),
    "place.exists": N_(
        "{place} already holds another file under the name {name}. It was left as it is, and "
        "nothing was sent. Make a new backup."
    ),
    "place.file_exists": N_(
        "There is already a file called {file}. It was left as it is, and nothing was fetched. "
        "Choose another name."
    ),
    "place.missing": N_(
        "The backup {name} is not in {place} any more. Nothing was done. Update the list, or look "
        "in the other place."
    ),
    "place.full": N_(
        "There is not enough room in {place}. What was begun was removed, and the backups there "
        "are as they were. Free some space or choose another place."
    ),
    "place.no_folder": N_(
        "{place} is not there. Nothing was done. Connect the drive, or check the folder or bucket "
        "in the settings."
    ),
    "place.refused": N_(
        "{place} lets nothing be done with this permission. Nothing was changed. Ask whoever "
        "manages it for permission to read, write and delete there."
    ),
    "place.disk_failed": N_(
        "{place} could not be read or written. The backup is not complete there. Check the drive "
        "and try again."
    ),
    "place.altered": N_(
        "What {place} gave back as {name} is not what was stored, so it does not count as a "
        "backup. Make a new one, and check the drive or ask the provider."
    ),
    "place.unreachable": N_(
        "{place} does not answer, or broke off each time. Nothing counts as done there. It is "
        "tried again later; check the connection."
    ),
    "place.resting": N_(
        "{place} failed several times in a row and is left alone for about {minutes} min. "
        "Nothing was sent. It is tried again then."
    ),
    "place.signed_out": N_(
        "{place} did not accept the user or the key. Nothing was sent. Type them again in the "
        "settings."
    ),
    "place.untrusted": N_(
        "The certificate of {place} cannot be trusted, so nothing was sent, not even the password. "
        "Check the address, or give the authority's file in the settings."
    ),
    "place.clock": N_(
        "{place} refuses this computer because its clock is wrong. Nothing was sent. Set date and "
        "time, then try again."
    ),
    "place.too_big": N_(
        "{place} does not take a file of this size. Nothing was kept there. Raise its limit, or "
        "choose another place."
    ),
    "place.unexpected": N_(
        "{place} gave an answer that makes no sense ({status}). Nothing counts as done there. "
        "Check the address in the settings."
    ),
    "place.bad_address": N_(
        "“{address}” is no usable address of a place. Nothing was saved. Type it without user or "
        "password, as “https://…”; they have fields of their own."
    ),
    "place.plain_http": N_(
        "The address {address} is not encrypted, so the password would travel in the clear. Nothing "
        "was sent. Use “https://…”."
    ),
    "place.bad_setting": N_(
        "The setting “{field}” of the place is missing or not usable. Nothing was saved. Correct it."
    ),
    "place.none": N_(
        "No place is set where backups are kept. Nothing was done. Choose a folder or an online "
        "place in the settings of backups."
    ),
    "place.no_secret": N_(
        "The password or key of {place} is not on this computer. Nothing was sent. Type it in the "
        "settings of backups."
    ),
    "place.service_key": N_(
        "This is the project's service key: it opens and erases everything there, for every "
        "clinic, so it is not kept on a workstation. Nothing was saved. Use the publishable key, "
        "with a user that may only reach the backups' bucket."
    ),
}
