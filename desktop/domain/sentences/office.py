"""What goes wrong with files for the office, and what a workstation says that was shut out."""

from desktop.domain.messages import N_

SENTENCES = {
    "office.no_key": N_(
        "This clinic has no key for files from its workstations yet. Nothing was done. Run "
        "“consultorio tenant migrate” first."
    ),
    "office.no_key_here": N_(
        "The clinic's key has never come to this workstation, so nothing can be encrypted for the "
        "office. Nothing was written, and nothing was lost. Connect to the server once, or give "
        "the key with “consultorio outbox export --office-key”."
    ),
    "office.key_wrong": N_(
        "This is no clinic's key. Nothing was done. “consultorio tenant office-key” prints the "
        "right one; it begins with “age1”."
    ),
    "office.disk_full": N_(
        "The disk is full, so {path} was not written. What you typed is kept as it is. Free some "
        "space, or choose another disk."
    ),
    "office.not_written": N_(
        "The file {path} could not be written. What you typed is kept as it is. Choose another "
        "folder."
    ),
    "office.unreadable": N_(
        "{path} is no file with unsent work. Nothing was imported. Choose the file that the "
        "workstation wrote."
    ),
    "office.other_clinic": N_(
        "{path} was written for another clinic, or its beginning was changed. Nothing was "
        "imported. Check the clinic and the file."
    ),
    "office.altered": N_(
        "{path} is cut or was changed after it was written, so none of it is used. Nothing was "
        "imported. Copy it from the workstation again."
    ),
    "office.too_new": N_(
        "This file was written by a newer version of the program. Nothing was imported. Update "
        "this program first."
    ),
    "office.wrong_profile": N_(
        "Unsent work of others is imported at an office workstation, by an administrator. Nothing "
        "was imported. Do it there."
    ),
    "device.shut_out_now": N_(
        "An administrator shut this workstation out, so nothing is sent any more. Changes that "
        "were never sent: {count}. They are kept, encrypted for the office, in {file}: take that "
        "file there. When the program starts again, the clinic's data is destroyed here."
    ),
    "device.shut_out_now_empty": N_(
        "An administrator shut this workstation out. Everything had been sent, so nothing is "
        "missing. When the program starts again, the clinic's data is destroyed here."
    ),
    "device.shut_out_now_unsaved": N_(
        "An administrator shut this workstation out, and what was never sent could not be written "
        "to {folder}. It is kept here, and nothing is destroyed before it is written. Free some "
        "space on the disk and close the program; if this stays, take the computer to the office."
    ),
    "device.shut_out": N_(
        "An administrator shut this workstation out. The clinic's data was destroyed here. Changes "
        "that were never sent: {count}. They are in {file}, encrypted for the office: take that "
        "file there. If it was a mistake, ask for a new enrolment file and join again."
    ),
    "device.shut_out_empty": N_(
        "An administrator shut this workstation out. Everything had been sent, and the clinic's "
        "data was destroyed here. If it was a mistake, ask for a new enrolment file and join again."
    ),
    "device.shut_out_unsaved": N_(
        "An administrator shut this workstation out. Its data is still here, encrypted. Start the "
        "program once, so that what was never sent is written for the office and the rest is "
        "destroyed."
    ),
    "device.shut_out_passphrase": N_(
        "An administrator shut this workstation out. Type its passphrase once more, so that what "
        "was never sent is written for the office; then the clinic's data is destroyed here. Until "
        "then nothing is lost, and nobody reads it without the passphrase."
    ),
}
