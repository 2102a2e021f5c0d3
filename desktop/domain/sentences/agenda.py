"""Sentences of the agenda."""

from desktop.domain.messages import N_

SENTENCES = {
    "agenda.ends_before_start": N_(
        "The appointment would end at {end}, before it starts at {start}. Nothing was changed. "
        "Correct the end or the duration."
    ),
    "agenda.too_long": N_(
        "An appointment can't last longer than {hours} hours. Nothing was changed. "
        "Correct the duration."
    ),
    "agenda.crosses_clock_change": N_(
        "On {day} the clock is changed between {start} and {end}, so an appointment can't span that "
        "moment. Nothing was changed. Choose a time before or after the change."
    ),
    "agenda.nonexistent_time": N_(
        "On {day} the clock is put forward and {time} doesn't exist. Nothing was changed. "
        "Choose another time."
    ),
    "agenda.ambiguous_time": N_(
        "On {day} the clock is put back and {time} comes twice. Nothing was changed. "
        "Choose the time by clicking on the agenda, or choose another one."
    ),
    "agenda.overlap": N_(
        "{practitioner} already has {client} on {day} from {start} to {end}. Nothing was changed. "
        "Choose another time, or overbook with a reason."
    ),
    "agenda.moved_meanwhile": N_(
        "This appointment was moved meanwhile: it is now on {day} from {start} to {end}. "
        "Your move was not made. Look at it again and repeat the move if it is still wanted."
    ),
    "agenda.edited_meanwhile": N_(
        "Somebody changed this appointment while you were editing it. Your change was not saved "
        "over theirs. Open it again to see it as it is now."
    ),
    "agenda.changed_meanwhile": N_(
        "The appointment has changed since, so this can't be undone. Nothing was changed. "
        "Change it by hand if it is still wanted."
    ),
    "agenda.gone": N_(
        "This appointment no longer exists. Nothing was changed. The agenda now shows the day as it is."
    ),
    "agenda.slot_taken": N_(
        "This slot is no longer on offer: somebody took it or withdrew it. Your booking was not made. "
        "Choose another time."
    ),
    "agenda.not_movable": N_(
        "An appointment that is {status} can't be moved. Nothing was changed. "
        "Change its status first if this is a mistake."
    ),
    "agenda.wrong_step": N_(
        "An appointment that is {status} can't become {following}. Nothing was changed."
    ),
    "agenda.unknown_status": N_(
        "Another program gave this appointment the status “{status}”, which is not known here. "
        "Nothing was changed. Change it in that program."
    ),
    "agenda.client_missing": N_(
        "Say who the appointment is for: choose a client or type a name. Nothing was booked."
    ),
    "agenda.reason_missing": N_("Say why. Nothing was changed."),
    "agenda.text_too_long": N_(
        "“{field}” may have at most {limit} characters. Nothing was saved. Shorten it."
    ),
    "agenda.no_free_slot": N_(
        "There is no free time of {minutes} minutes in the next {days} days. "
        "Try a shorter visit or another practitioner."
    ),
    "agenda.pdf_not_written": N_(
        "“{file}” could not be written: the folder may be read-only or the file open elsewhere. "
        "Choose another place."
    ),
    "agenda.in_the_past": N_("This time has already passed."),
    "agenda.outside_hours": N_("This is outside the working hours of {practitioner}."),
    "agenda.room_taken": N_("{room} is in use at {start} ({client})."),
    "agenda.client_busy": N_("{client} has another appointment at {start}."),
    "agenda.covers_published": N_(
        "A slot on offer on the web lies in this time; it can no longer be booked there."
    ),
}
