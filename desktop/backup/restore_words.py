"""What a restore would change, in words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from desktop.backup.restore_plan import Plan, TableChange
from desktop.domain.locale_format import date_medium, date_time, number
from desktop.domain.messages import _, ngettext


def sentences(plan: Plan, zone: ZoneInfo) -> tuple[str, ...]:
    """What :func:`desktop.backup.restore_plan.plan` found, a sentence each, what matters most first.

    :param zone: the clinic's.
    """
    taken = date_time(plan.taken_at, zone)
    if plan.fresh:
        return (
            _("{clinic} is made anew, as it was on {moment}.").format(
                clinic=plan.clinic, moment=taken
            ),
            *_whole(plan),
            *_left(plan),
        )
    said = [_("{clinic} becomes what it was on {moment}.").format(clinic=plan.clinic, moment=taken)]
    if not plan.tables:
        said.append(_("Nothing changes: everything here is as in the archive."))
    said += _days(plan)
    said += [line for change in _ordered(plan.tables) for line in _change(change)]
    if plan.newest is not None:
        said.append(
            _(
                "There is newer work, the last of {moment}. What was typed on workstations is offered"
                " for review there; all of it can be had back for 7 days by undoing the restore."
            ).format(moment=date_time(plan.newest, zone))
        )
    said += _people(plan)
    said += _left(plan)
    return tuple(said)


_FIRST = (
    "citas_cita",
    "pacientes_cliente",
    "finanzas_pago",
    "finanzas_cargo",
    "clinica_notasesion",
)


def _ordered(changes: tuple[TableChange, ...]) -> list[TableChange]:
    """What people look for first; the rest as one."""
    named = [one for table in _FIRST for one in changes if one.table == table]
    others = [one for one in changes if one.table not in _FIRST]
    if others:
        named.append(
            TableChange(
                "",
                sum(one.rows for one in others),
                sum(one.back for one in others),
                sum(one.gone for one in others),
                sum(one.different for one in others),
            )
        )
    return named


def _several(table: str, count: int) -> str:
    """A count of rows in the words of the people who use them."""
    if table == "citas_cita":
        text = ngettext("{n} appointment", "{n} appointments", count)
    elif table == "pacientes_cliente":
        text = ngettext("{n} client", "{n} clients", count)
    elif table == "finanzas_pago":
        text = ngettext("{n} payment", "{n} payments", count)
    elif table == "finanzas_cargo":
        text = ngettext("{n} charge", "{n} charges", count)
    elif table == "clinica_notasesion":
        text = ngettext("{n} clinical note", "{n} clinical notes", count)
    else:
        text = ngettext("{n} other record", "{n} other records", count)
    return text.format(n=number(count))


def _change(change: TableChange) -> list[str]:
    said = []
    if change.back:
        said.append(_("Come back: {what}.").format(what=_several(change.table, change.back)))
    if change.gone:
        said.append(_("Disappear: {what}.").format(what=_several(change.table, change.gone)))
    if change.different:
        said.append(
            _("Become what they were: {what}.").format(
                what=_several(change.table, change.different)
            )
        )
    return said


def _days(plan: Plan) -> list[str]:
    if not plan.days:
        return []
    text = ngettext(
        "The appointments of {n} day change ({first}).",
        "The appointments of {n} days change ({first} to {last}).",
        len(plan.days),
    )
    return [
        text.format(
            n=number(len(plan.days)),
            first=date_medium(plan.days[0]),
            last=date_medium(plan.days[-1]),
        )
    ]


def _whole(plan: Plan) -> list[str]:
    changes = [one for one in _ordered(plan.tables) if one.rows]
    what = ", ".join(_several(one.table, one.rows) for one in changes)
    return [_("It holds: {what}.").format(what=what)] if what else []


def _people(plan: Plan) -> list[str]:
    said = []
    if plan.people.kept:
        said.append(
            _("Administrators keep their access: {names}.").format(
                names=", ".join(plan.people.kept)
            )
        )
    if plan.people.returning:
        said.append(
            _("Accounts that are not there now can sign in again: {names}.").format(
                names=", ".join(plan.people.returning)
            )
        )
    if plan.people.shut_out:
        said.append(
            _("Accounts that were closed since stay closed: {names}.").format(
                names=", ".join(plan.people.shut_out)
            )
        )
    return said


def _left(plan: Plan) -> list[str]:
    if not plan.left:
        return []
    tables = ", ".join(f"{table} ({number(rows)})" for table, rows in plan.left.items())
    return [_("Not restored, because no table is there for it: {tables}.").format(tables=tables)]
