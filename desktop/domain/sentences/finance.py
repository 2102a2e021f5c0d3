"""Sentences about amounts, charges, payments and receipts."""

from desktop.domain.messages import N_

SENTENCES = {
    "money.empty": N_("Write an amount."),
    "money.not_an_amount": N_("“{text}” is not an amount. Write digits, like 12.500."),
    "money.too_fine": N_(
        "{currency} amounts have {decimals} decimals. Write the amount without the rest."
    ),
    "money.too_large": N_("{text} is more than can be recorded. Check the amount."),
    "money.not_positive": N_("The amount must be more than zero."),
    "money.discount_range": N_(
        "The discount can't be less than zero or more than the line. Check the discount."
    ),
    "finance.no_lines": N_("Choose at least one service to charge."),
    "finance.visit_gone": N_(
        "This visit is no longer on this workstation, so nothing was recorded. "
        "Look for it again in the agenda."
    ),
    "finance.visit_not_booked": N_(
        "Nobody has booked this time yet, so nothing was charged. Book it for a client first."
    ),
    "finance.service_unknown": N_("Choose a service from the list; nothing was charged."),
    "finance.quantity_range": N_("The quantity must be between 1 and {most}."),
    "finance.price_negative": N_("The price can't be less than zero."),
    "finance.reason_needed": N_("Write the reason: it is kept with the entry."),
    "finance.charge_gone": N_(
        "This charge is no longer on this workstation, so nothing was changed. Open the visit again."
    ),
    "finance.charge_not_open": N_(
        "One of these charges was paid or reversed meanwhile, so no payment was recorded. "
        "Look at the amounts again."
    ),
    "finance.receipt_gone": N_(
        "This receipt is no longer on this workstation, so nothing was changed. Open the visit again."
    ),
    "finance.client_gone": N_(
        "This client is no longer on this workstation, so no payment was recorded. "
        "Open the visit again."
    ),
    "finance.already_reversed": N_("This was reversed already; nothing more was changed."),
    "finance.is_reversal": N_("A reversal can't be reversed. Enter the charge or payment anew."),
    "finance.paid_without_client": N_(
        "This charge is paid and the visit has no client to keep the money for. "
        "Reverse the receipt first, then the charge."
    ),
    "finance.no_parts": N_("Write how much is paid and how."),
    "finance.part_not_positive": N_("{method}: the amount must be more than zero."),
    "finance.method_unknown": N_("“{method}” is no way to pay that is known here. Choose another."),
    "finance.method_twice": N_("{method} is there twice. Write it once, with the sum."),
    "finance.more_than_owed": N_(
        "That is {excess} more than is owed ({owed}), so no payment was recorded. "
        "Lower the amount, or say that the rest stays as an advance."
    ),
    "finance.excess": N_(
        "That is {excess} more than is to be paid. Lower the amount, or keep the rest as an advance."
    ),
    "finance.advance_not_needed": N_(
        "There is no advance while {missing} is still to be paid. Take away the advance."
    ),
    "finance.advance_negative": N_("The advance can't be less than zero."),
    "finance.advance_needs_client": N_(
        "An advance needs a client to keep it for. Give the visit a client first."
    ),
    "finance.tendered_without_cash": N_("Cash was handed over, but nothing is paid in cash."),
    "finance.tendered_too_little": N_("The cash handed over is {missing} short."),
    "finance.no_credit": N_("There is no advance to use, or nothing to pay with it."),
    "finance.not_at_this_device": N_(
        "Payments are taken at reception: this workstation may only charge. Nothing was recorded."
    ),
    "finance.receipt_not_saved": N_(
        "The receipt is recorded, but its PDF could not be written to “{folder}”. "
        "Choose another folder, or print it."
    ),
    "finance.printer_failed": N_(
        "The receipt is recorded, but the printer did not take it. "
        "Check the printer and print it again, or save it as a PDF."
    ),
}
