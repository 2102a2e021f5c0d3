"""What the ways out are called, and what each of them does."""

from __future__ import annotations

from desktop.domain.messages import N_
from desktop.services.inbox_records import Way

BUTTONS = {
    Way.KEEP_MINE: N_("Keep &mine"),
    Way.KEEP_THEIRS: N_("Keep &theirs"),
    Way.MERGE: N_("Merge the &fields chosen"),
    Way.CORRECT: N_("Send with these &corrections"),
    Way.OTHER_SLOT: N_("Choose another &time…"),
    Way.RESTORE: N_("&Restore what was deleted"),
    Way.WITHOUT_LINK: N_("Send &without it"),
    Way.TRY_AGAIN: N_("Try a&gain"),
    Way.NEW_NUMBER: N_("Give it a new &number"),
    Way.SAME: N_("&Use what is there"),
    Way.BRING_BACK: N_("&Bring it back"),
    Way.LEAVE_OUT: N_("&Don't bring it back"),
}

ALL_THE_SAME = N_("&Bring it back all the same")
"""What :data:`Way.BRING_BACK` is called where something seems to be there already."""

EFFECTS = {
    Way.KEEP_MINE: N_("Sends your values again, over what stands there now."),
    Way.KEEP_THEIRS: N_("Leaves the shared data as it is; your draft rests in the history."),
    Way.MERGE: N_("Sends only the values that you marked as yours."),
    Way.CORRECT: N_("Sends your draft again with the texts as you change them here."),
    Way.OTHER_SLOT: N_("Books the same visit at a time that is free."),
    Way.RESTORE: N_("Brings the deleted record back and sends your draft again."),
    Way.WITHOUT_LINK: N_("Sends your draft without the reference to the deleted record."),
    Way.TRY_AGAIN: N_("Sends your draft again as it was."),
    Way.NEW_NUMBER: N_("Records the same payment under this workstation's next receipt number."),
    Way.SAME: N_("Makes no second one: what is there stands for it, also in the other changes."),
    Way.BRING_BACK: N_("Does the same again today, with what it needs, and sends it."),
    Way.LEAVE_OUT: N_("Leaves the shared data as it is; the draft rests in the history."),
}

DONE = {
    Way.KEEP_MINE: N_("Yours is on its way."),
    Way.KEEP_THEIRS: N_("Theirs stays; your draft is in the history."),
    Way.MERGE: N_("The merged record is on its way."),
    Way.CORRECT: N_("The corrected draft is on its way."),
    Way.OTHER_SLOT: N_("Booked at the new time; it is on its way."),
    Way.RESTORE: N_("The record is back and your draft is on its way."),
    Way.WITHOUT_LINK: N_("Your draft is on its way."),
    Way.TRY_AGAIN: N_("Your draft is on its way again."),
    Way.NEW_NUMBER: N_("The receipt has a new number and is on its way: print it again."),
    Way.SAME: N_("What is there stands; the draft is in the history."),
    Way.BRING_BACK: N_("It is back here, and on its way to the others."),
    Way.LEAVE_OUT: N_("It stays out; the draft is in the history."),
}
