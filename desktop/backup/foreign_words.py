"""The account of an import in sentences: what was taken, what was changed, what was left and why."""

from __future__ import annotations

from desktop.backup.foreign_report import LEAVING, Finding, ForeignReport, LeftTable
from desktop.domain.locale_format import number
from desktop.domain.messages import N_, _
from desktop.domain.table_words import several

WORDS = {
    # Rows that are not there.
    "bad_row": N_("{count} {rows} were left: they are no rows of their table."),
    "too_large": N_("{count} {rows} were left: they are far larger than any such row."),
    "bad_key": N_("{count} {rows} were left: their key is no number."),
    "twice": N_("{count} {rows} were left: their key is there twice, and the first one was taken."),
    "missing": N_("{count} {rows} were left: they have nothing in “{column}”."),
    "unreadable": N_("{count} {rows} were left: what they have in “{column}” can't be read."),
    "taken": N_("{count} {rows} were left: another one has the same “{column}”."),
    "no_parent": N_("{count} {rows} were left: what they belong to (“{column}”) is not there."),
    # Rows that are there, changed.
    "numbered": N_("{count} {rows} got a new number; everything that refers to them follows."),
    "unreferred": N_(
        "In {count} {rows} “{column}” was emptied: it names a record that is not there."
    ),
    "unshared": N_("In {count} {rows} “{column}” was emptied: another one has the same."),
    "emptied": N_("In {count} {rows} “{column}” was emptied: it could not be read."),
    "filled": N_("In {count} {rows} nothing stood in “{column}”: the usual value was put there."),
    "shortened": N_("In {count} {rows} “{column}” was cut to the length that fits."),
    "cleaned": N_("In {count} {rows} signs that can't be stored were replaced in “{column}”."),
    "no_zone": N_("In {count} {rows} “{column}” has no time zone: the clinic's was meant."),
    "status_mapped": N_("In {count} {rows} the status was put in this program's words."),
    "status_unknown": N_("In {count} {rows} the status is unknown here; it stands as it was."),
    "overbooked": N_(
        "{count} {rows} overlap with another one of the same practitioner: they were taken as "
        "overbookings, and say so."
    ),
    "column_left": N_("Of the {rows}, “{column}” was left: this program has no place for it."),
    "recoded": N_(
        "{count} lines are not in the encoding that the file names; they were read as well as can be."
    ),
}

_WHY = {
    "django": N_("{name} ({count}): what the other program keeps for itself."),
    "same": N_("{name} ({count}): another table of the same records; the first one was taken."),
    "schema": N_("{name} ({count}): of other clinics in the file."),
    "unknown": N_("{name} ({count}): this program has no place for it."),
}

_FORMS = {
    "django": N_("Django's data (dumpdata)"),
    "pg_dump": N_("SQL of PostgreSQL (pg_dump)"),
}


def lines(report: ForeignReport) -> list[str]:
    """The whole account, a sentence each, in the language in use.

    Examples name rows by their number in the file, never by what is in them.
    """
    said = [
        _("A backup of {program}: {form}, {encoding}.").format(
            program=_(report.program), form=_(_FORMS[report.form]), encoding=report.encoding
        )
    ]
    if report.schema:
        said.append(_("The clinic in it: {schema}.").format(schema=report.schema))
    said += [
        _("{taken} of {seen} {rows} were taken.").format(
            taken=number(report.taken.get(table, 0)), seen=number(seen), rows=several(table)
        )
        for table, seen in report.seen.items()
    ]
    left = [each for each in report.findings if each.code in LEAVING]
    changed = [each for each in report.findings if each.code not in LEAVING]
    said += [finding(each) for each in (*left, *changed)]
    tables = [table for table in report.left if table.rows]
    if tables:
        said.append(_("Left out whole:"))
        said += [_left(table) for table in tables]
    if report.ignored:
        said.append(
            _(
                "{count} SQL statements were passed over; none of the file's SQL is ever run."
            ).format(count=number(sum(report.ignored.values())))
        )
    return said


def finding(found: Finding) -> str:
    """One finding in a sentence, with a few of its rows by number."""
    text = _(WORDS[found.code]).format(
        count=number(found.count), rows=several(found.table), column=found.column
    )
    if not found.examples:
        return text
    examples = ", ".join(found.examples)
    more = len(found.examples) < found.count
    return (
        text + " " + (_("(e.g. {examples})") if more else "({examples})").format(examples=examples)
    )


def _left(table: LeftTable) -> str:
    count = number(table.rows)
    if table.why == "known":
        return _("{name} ({count}): {what}.").format(
            name=table.name, count=count, what=_(table.what)
        )
    return _(_WHY[table.why]).format(name=table.name, count=count)
