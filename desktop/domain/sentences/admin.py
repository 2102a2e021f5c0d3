"""What goes wrong with clinics, workstations, accounts, keys and connections."""

from desktop.domain.messages import N_

SENTENCES = {
    "cancelled": N_("Stopped at your request. What was done before is kept."),
    "tenant.name_empty": N_("A clinic's schema needs a name. Nothing was made."),
    "tenant.name_long": N_(
        "This name is too long for a schema: PostgreSQL holds {limit} bytes, and letters with"
        " accents count double. Nothing was made. Choose a shorter one."
    ),
    "tenant.name_reserved": N_(
        "“{tenant}” is reserved for the database itself. Nothing was made. Choose another name."
    ),
    "tenant.exists": N_(
        "There is a schema called “{tenant}” already. It was left as it is. Choose another name."
    ),
    "tenant.unknown": N_(
        "There is no clinic called “{tenant}” in this database. Nothing was changed. See "
        "“consultorio tenant list”."
    ),
    "tenant.too_new": N_(
        "The clinic “{tenant}” was upgraded by a newer version of the program. Nothing was "
        "changed. Update this program."
    ),
    "tenant.outdated": N_(
        "“{tenant}” is still as an older version of the program left it. Nothing was done there. Run"
        " “consultorio tenant migrate” first."
    ),
    "tenant.not_captured": N_(
        "Changes made in “{tenant}” may not reach its workstations ({problems}). Nothing was changed."
        " “consultorio tenant migrate” puts triggers in place again; a table that is gone has to be"
        " brought back first."
    ),
    "tenant.clinic_name": N_("The clinic needs a name of 1 to 200 letters. Nothing was made."),
    "tenant.zone": N_(
        "“{zone}” is no time zone. Nothing was made. Write it like America/Santiago."
    ),
    "tenant.currency": N_("“{currency}” is no currency. Nothing was made. Write it like CLP."),
    "role.unknown": N_(
        "There is no role called “{role}” on this server. Nothing was granted. Create it "
        "first, then run this again."
    ),
    "role.superuser": N_(
        "“{role}” is a superuser, so no limit would hold for it. Nothing was granted. Give "
        "the web program a role of its own."
    ),
    "role.device": N_(
        "“{role}” belongs to a workstation. Nothing was granted. Give the web program a role "
        "of its own."
    ),
    "server.dsn_missing": N_(
        "Say which database: --dsn, or CONSULTORIO_DSN in the environment. Nothing was done."
    ),
    "server.dsn": N_(
        "This DSN can't be read. Nothing was done. Write it like postgresql://user@server/database."
    ),
    "server.dsn_password": N_(
        "A password inside the DSN would be seen by others on this computer. Nothing was "
        "done. Take it out and use --password-file, PGPASSFILE, the keyring or the prompt."
    ),
    "server.tls": N_(
        "Off this computer, the connection to {host} must be encrypted and verified. Nothing "
        "was sent. Use sslmode=verify-full and sslrootcert with the server's certificate "
        "authority."
    ),
    "server.unreachable": N_(
        "The server {host} does not answer. What was saved here is safe. Check the network "
        "and the address, then try again."
    ),
    "server.lost": N_(
        "The connection to the server was lost; what was under way there was undone. What was"
        " saved here is safe. Try again."
    ),
    "server.password_needed": N_(
        "The server asks for the password of “{user}”. Nothing was done. Give it by "
        "--password-file, PGPASSFILE, the keyring or the prompt."
    ),
    "server.refused": N_(
        "The server {host} does not let “{user}” in. Nothing was done. Check the name and the"
        " password."
    ),
    "server.certificate": N_(
        "The server {host} could not show that it is the right one. Nothing was sent to it. "
        "Tell your administrator: its certificate or the address may be wrong."
    ),
    "server.no_database": N_(
        "The server has no database called “{database}”. Nothing was done. Check the address."
    ),
    "server.no_clinic": N_(
        "The database that answers does not hold this clinic. Nothing was done, and what was saved "
        "here is safe. Tell your administrator to check the address."
    ),
    "server.not_allowed": N_(
        "This database user may not do that. Nothing was changed. Use the role that owns the "
        "clinic, or a superuser."
    ),
    "server.full": N_("The server's disk is full. Nothing was changed. Tell your administrator."),
    "server.busy": N_(
        "The server is busy with somebody else's work. Nothing was changed. Try again in a moment."
    ),
    "file.exists": N_("There is a file {path} already. It was left as it is. Choose another name."),
    "file.not_written": N_(
        "The file {path} could not be written, so nothing was admitted. Check the folder and "
        "try again."
    ),
    "secret_file.missing": N_("The file {path} can't be read. Nothing was done. Check its name."),
    "secret_file.open": N_(
        "Others can read {path}, so its secret is not used. Nothing was done. Let only "
        "yourself read it (chmod 600)."
    ),
    "secret_file.empty": N_(
        "The file {path} is empty. Nothing was done. Write the secret into its first line."
    ),
    "password.short": N_("The password needs at least {length} characters. Nothing was changed."),
    "password.digits": N_(
        "The password can't be numbers only. Nothing was changed. Add some letters."
    ),
    "password.username": N_(
        "The password can't be the username. Nothing was changed. Choose another."
    ),
    "password.differs": N_("The two passwords are not the same. Nothing was changed. Try again."),
    "password.nobody_asked": N_(
        "A new password is needed and there is nobody to ask. Nothing was changed. Give it by"
        " a file that only you can read."
    ),
    "account.wrong": N_(
        "Username or password is not right. Nothing was changed. Try again; after five "
        "failures the account rests for a while."
    ),
    "account.locked": N_(
        "Too many failed attempts: this account is locked for {minutes} more minutes. Nothing"
        " was lost. Wait, or ask an administrator to set a new password."
    ),
    "account.inactive": N_(
        "This account is not active any more. What was saved is safe. Ask an administrator."
    ),
    "account.not_staff": N_(
        "This account is a client's and belongs to the website. Nothing was changed. Sign in "
        "with a staff account."
    ),
    "account.no_verifier": N_(
        "There is no connection, and this account has not signed in on this workstation "
        "before. What was saved is safe. Sign in once with a connection."
    ),
    "account.offline_expired": N_(
        "This account can work without a connection for {days} days, and they are over. What "
        "was saved is safe. Sign in once with a connection."
    ),
    "account.algorithm": N_(
        "This account's password was stored in a way that this program can't check. Nothing "
        "was changed. Ask an administrator to set a new one."
    ),
    "account.exists": N_("The username “{username}” is taken. Nothing was made. Choose another."),
    "account.unknown": N_(
        "There is no account called “{username}”. Nothing was changed. Check the name."
    ),
    "account.invalid": N_(
        "The account's data is not valid: the username takes letters, digits and . _ @ + -, "
        "and the person needs a name and a role. Nothing was changed."
    ),
    "account.no_staff": N_(
        "That staff member doesn't exist or has an account already. Nothing was made. Check "
        "the number."
    ),
    "account.forbidden": N_(
        "Accounts are managed from an office workstation. Nothing was changed. Do it there, "
        "or ask an administrator."
    ),
    "device.profile": N_(
        "“{profile}” is no profile. Nothing was admitted. Choose one of {profiles}."
    ),
    "device.practitioner_needed": N_(
        "A practitioner's workstation needs its owner. Nothing was admitted. Add "
        "--practitioner with the staff number."
    ),
    "device.practitioner_unknown": N_(
        "There is no active staff member number {practitioner}. Nothing was admitted. Check "
        "the number."
    ),
    "device.no_numbers": N_(
        "This clinic has used all its workstation numbers. Nothing was admitted. Tell whoever"
        " maintains the program."
    ),
    "device.unknown": N_(
        "There is no workstation number {number}. Nothing was changed. See “consultorio "
        "device list”."
    ),
    "device.already_revoked": N_("Workstation {number} is shut out already. Nothing was changed."),
    "device.revoked": N_(
        "This workstation was shut out by an administrator. What was saved here is kept. Ask "
        "for a new enrolment file if that is a mistake."
    ),
    "device.refused": N_(
        "The server does not accept this workstation's key: the address may lead to another "
        "server, or the key was changed there. What was saved here is kept. Tell your "
        "administrator."
    ),
    "enrolment.unreadable": N_(
        "{path} is no enrolment file. Nothing was done. Ask your administrator for the file again."
    ),
    "enrolment.altered": N_(
        "This enrolment file was changed after it was made, so it is not used. Nothing was "
        "done. Ask your administrator for a new one."
    ),
    "enrolment.too_new": N_(
        "This enrolment file was made by a newer version of the program. Nothing was done. "
        "Update this program first."
    ),
    "enrolment.expired": N_(
        "This enrolment file was good until {expires}. Nothing was done. Ask your "
        "administrator for a new one."
    ),
    "enrolment.used": N_(
        "This enrolment file does not open the server any more: it was used before, or made for "
        "another server. Nothing was done. If somebody else may have used it, tell your "
        "administrator at once; else ask for a new file."
    ),
    "enrolment.needed": N_(
        "The first load was cut before it had begun. Nothing was lost: choose the enrolment file "
        "once more, and it goes on."
    ),
    "enrolment.other_clinic": N_(
        "The server keeps another clinic than this enrolment file names. Nothing was taken "
        "over. Ask your administrator for a new one."
    ),
    "workstation.none": N_(
        "There is no workstation in {folder}. Nothing was done. Join a clinic first, with an "
        "enrolment file."
    ),
    "workstation.exists": N_(
        "{folder} is a workstation already. It was left as it is. Choose another folder with "
        "--data-dir."
    ),
    "workstation.folder_used": N_(
        "The folder {folder} holds other files. They were left as they are. Choose an empty one."
    ),
    "workstation.damaged": N_(
        "The description of the workstation in {folder} can't be read. Nothing was changed. "
        "Tell your administrator: work that was not sent may still be recovered."
    ),
    "workstation.too_new": N_(
        "The workstation in {folder} was made by a newer version of the program. Nothing was "
        "changed. Update this program."
    ),
    "workstation.already_open": N_(
        "The program is open already with this clinic's data ({folder}). Nothing was changed."
        " Use the window that is open, or close it first."
    ),
    "workstation.read_only": N_(
        "The folder {folder} can't be written. Nothing was changed. Check its permissions and"
        " the disk."
    ),
    "cache.missing": N_(
        "The local data is missing from {folder}. Nothing was changed. Put the file back, or "
        "join the clinic again in another folder."
    ),
    "secrets.passphrase_needed": N_(
        "This computer keeps its keys under a passphrase, because it has no keyring. Nothing "
        "was changed. Type it, or give it by --passphrase-file."
    ),
    "secrets.passphrase_wrong": N_(
        "The passphrase does not open this workstation. Nothing was changed. Try again."
    ),
    "secrets.passphrase_short": N_(
        "The passphrase needs at least {length} characters. Nothing was done. Choose a longer"
        " one, e.g. four words."
    ),
    "secrets.key_missing": N_(
        "The key of this workstation is missing, so its data can't be opened. The data was "
        "left as it is. Tell your administrator: with the key it opens again; without it, "
        "join the clinic again."
    ),
    "secrets.damaged": N_(
        "The keys of this workstation can't be read. The data was left as it is. Tell your "
        "administrator."
    ),
    "secrets.no_keyring": N_(
        "This workstation's keys are in the computer's keyring, and there is none now. The "
        "data was left as it is. Start the program in the session where you joined the "
        "clinic."
    ),
    "secrets.keyring_locked": N_(
        "The computer's keyring is locked. Nothing was changed. Unlock it and try again."
    ),
}
