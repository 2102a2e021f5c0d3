"""Sentences about the connection, the inbox and the window around the screens."""

from desktop.domain.messages import N_

SENTENCES = {
    "sync.failed": N_(
        "The exchange with the server failed. Your work is kept here and sent later."
    ),
    "sync.switched_off": N_(
        "You work offline. Everything is kept here and sent when you go online."
    ),
    "sync.unreachable": N_(
        "The server can't be reached. Go on working: everything is kept here and sent by itself."
    ),
    "sync.busy": N_("The server is busy. Your work is kept here and sent again in a moment."),
    "sync.server_error": N_(
        "The server had a problem. Your work is kept here and sent again; if it lasts, tell your "
        "administrator."
    ),
    "sync.access_refused": N_(
        "The server does not accept this workstation's key or rights: the address may lead to "
        "another server, or they were changed there. Your work is kept here and sent when that is "
        "mended. Tell your administrator."
    ),
    "sync.revoked": N_(
        "An administrator shut this workstation out, so nothing is sent any more. Your work is kept "
        "here and can be exported from the inbox. Ask your administrator for a new enrolment file."
    ),
    "sync.wrong_server": N_(
        "A server answers, but it does not hold this clinic. Nothing was sent; your work is kept "
        "here. Tell your administrator to check the address."
    ),
    "sync.untrusted": N_(
        "The server could not show that it is the clinic's own, so nothing was sent. Your work is "
        "kept here. Tell your administrator before you go on."
    ),
    "sync.client_too_old": N_(
        "The clinic's data needs a newer program. Your work is kept here. Update this workstation."
    ),
    "sync.server_too_old": N_(
        "The clinic's data has not been brought up to this program yet. Your work is kept here. "
        "Ask your administrator to upgrade it."
    ),
    "sync.migrating": N_(
        "The clinic's data is being upgraded. Go on working: your work is sent in a moment."
    ),
    "sync.epoch_changed": N_(
        "The server was put back from a backup. Your work is kept here and nothing was changed. "
        "Call your administrator."
    ),
    "sync.protocol_error": N_(
        "The server gave an answer that this program doesn't understand. Your work is kept here. "
        "Update this workstation, or tell your administrator."
    ),
    "sync.greeting_wanted": N_(
        "The server has to tell this workstation anew what it may see. Your work is kept here; this "
        "goes by itself in a moment."
    ),
    "sync.never_synced": N_(
        "This workstation has not received the clinic's data yet. Join the clinic to receive it."
    ),
    "sync.cancelled": N_("The first load was stopped. What came is kept; it goes on from there."),
    "sync.incomplete_load": N_(
        "The data that came is not complete, so it was not put to use. Try again."
    ),
    "sync.cache_mismatch": N_(
        "The clinic's data was replaced while it was being received. Nothing was lost; "
        "begin again with the same file."
    ),
    "sync.cache_failed": N_(
        "The local data could not be read or written just now. What was saved is safe; it is tried "
        "again. Look whether the disk is full."
    ),
    "sync.cache_damaged": N_(
        "The local data of this workstation is damaged. The file was kept as it is. "
        "Call your administrator before joining again: work that was not sent may still be recovered."
    ),
    "sync.mass_deletion": N_(
        "The server asks to delete {gone} of {rows} {table}. Nothing was deleted, and nothing that "
        "others do comes here until somebody decides. Your work is kept here. Tell your "
        "administrator before you go on."
    ),
    "inbox.alike": N_(
        "Meanwhile something was entered that may be the same. Nothing was changed: look at it again."
    ),
    "inbox.alike_first": N_(
        "It needs an earlier change that may be there already. Nothing was changed: decide on that "
        "one first."
    ),
    "inbox.settled": N_("This was settled already, perhaps a moment ago. Nothing was changed."),
    "inbox.with_parent": N_(
        "This builds on another refused change. Settle that one; this one goes with it."
    ),
    "inbox.row_gone": N_(
        "The record was deleted meanwhile, so the change has nowhere to go. It is kept in the "
        "inbox: restore the record, or let the change rest."
    ),
    "inbox.no_copy": N_(
        "There is no copy of the deleted record to bring back. Your draft is kept in the inbox."
    ),
    "inbox.link_needed": N_(
        "It can't be sent without the deleted record. Your draft is kept in the inbox."
    ),
    "inbox.no_booking": N_("This is no appointment, so it can't be given another time."),
    "inbox.slot_taken": N_(
        "That time is taken as well. Nothing was booked and your draft is kept; choose another time."
    ),
    "inbox.not_reopenable": N_("This can't be taken back: it was sent again already."),
    "inbox.export_failed": N_(
        "The file could not be written, so there is no copy. Nothing else was changed. "
        "Choose another folder."
    ),
}
