"""Sentences about clients: what was typed of them, and what became of it."""

from desktop.domain.messages import N_

SENTENCES = {
    "name.empty": N_("The name can't be empty. Write first name and surname."),
    "name.no_letters": N_("The name has no letters. Write first name and surname."),
    "name.too_long": N_("The name is too long: at most {limit} characters."),
    "rut.invalid": N_("This is not a RUT. Write it with its check digit, like 12.345.678-5."),
    "rut.check_digit": N_("The check digit doesn't match. Look for a mistyped number in the RUT."),
    "identity.invalid": N_(
        "The identity number may have up to 12 letters, digits and dashes, and no other signs."
    ),
    "phone.not_a_number": N_("This is not a phone number. Write digits, like 9 8765 4321."),
    "phone.too_short": N_("The phone number is too short: digits are missing."),
    "phone.too_long": N_("The phone number is too long: there are digits too many."),
    "phone.invalid": N_(
        "No phone has this number. Check the digits; for another country begin with + and its code."
    ),
    "email.invalid": N_("This is not an email address. It looks like name@example.com."),
    "email.too_long": N_("The email address is too long: at most {limit} characters."),
    "birth_date.invalid": N_(
        "This is not a date. Write day, month and full year, like 31-12-1985."
    ),
    "birth_date.future": N_("The birth date is in the future. Check the year."),
    "birth_date.too_long_ago": N_("The birth date is more than {years} years ago. Check the year."),
    "clients.rut_taken": N_(
        "{name} already has this RUT, so it was not saved here. Open that client, or check the RUT."
    ),
    "clients.email_taken": N_(
        "{name} already has this email, so it was not saved here. "
        "Leave it empty if they share it, or open that client."
    ),
    "clients.changed_meanwhile": N_(
        "Somebody else changed this while you were writing: it now says “{theirs}”. "
        "What you wrote is still here; save it again to keep yours, or discard it to keep theirs."
    ),
    "clients.gone": N_(
        "This client is no longer on this workstation, so nothing was saved. "
        "Search again; the record may have been merged or removed."
    ),
    "clients.practitioner_unknown": N_(
        "The practitioner that was chosen no longer works here. Choose another; nothing was saved."
    ),
    "clients.export_failed": N_(
        "The file could not be written, so there is no export. "
        "Choose another folder, or close the file if it is open in another program."
    ),
}
